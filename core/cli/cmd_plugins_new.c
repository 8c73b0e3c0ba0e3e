#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/plugin/templates.h"

#define PLUGIN_NAME_MAX 63
#define PLUGIN_PATH_MAX 4096

struct plugins_new_options {
    int source, sink;
    const char *folder;
};

static const struct tow_argument plugins_new_arguments[] = {
    {"source", 0, TOW_ARGUMENT_FLAG, offsetof(struct plugins_new_options, source), NULL,
     "a source: the whole numbers from 0 on", 0, 0, 0},
    {"sink", 0, TOW_ARGUMENT_FLAG, offsetof(struct plugins_new_options, sink), NULL,
     "a sink: counts rows and nulls, and writes the count to a file", 0, 0, 0},
    {"folder", 0, TOW_ARGUMENT_TEXT, offsetof(struct plugins_new_options, folder), "FOLDER",
     "where it is made, unless in ./NAME", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

/* What stands for what in the templates. */
struct word {
    const char *mark, *text;
};

static void new_put_line(FILE *to, const char *line, const struct word *words)
{
    while (*line) {
        const struct word *word = words;

        while (word->mark && strncmp(line, word->mark, strlen(word->mark)) != 0)
            word++;
        if (word->mark)
            fputs(word->text, to);
        else
            fputc(*line, to);
        line += word->mark ? strlen(word->mark) : 1;
    }
    fputc('\n', to);
}

static int new_write(const char *folder, const char *name, const char *const *lines,
                     const struct word *words, struct tow_error *err)
{
    char path[PLUGIN_PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);

    if (length < 0 || (size_t)length >= sizeof path)
        return tow_error_set(err, TOW_E_CONFIG, "the folder's name is too long");
    FILE *file = fopen(path, "wxe");
    if (!file)
        return tow_error_errno(err, TOW_E_ENV, errno, "creating %s", path);
    for (; *lines; lines++)
        new_put_line(file, *lines, words);
    int failed = ferror(file);
    if (fclose(file) || failed)
        return tow_error_errno(err, TOW_E_ENV, errno, "writing %s", path);
    return TOW_OK;
}

/* It becomes part of a C symbol, and a file's name. */
static int new_check_name(const char *name, struct tow_error *err)
{
    size_t length = strlen(name);
    int sound = length > 0 && length <= PLUGIN_NAME_MAX && islower((unsigned char)name[0]);

    for (size_t i = 0; i < length; i++)
        sound = sound && (islower((unsigned char)name[i]) || isdigit((unsigned char)name[i]) ||
                          name[i] == '_');
    if (sound)
        return TOW_OK;
    return tow_error_set(
        err, TOW_E_CONFIG,
        "\"%.80s\" cannot be a plugin's name: small letters, digits and _, at most "
        "%d, a letter first",
        name, PLUGIN_NAME_MAX);
}

static int new_write_all(const char *folder, const char *name, int is_sink, struct tow_error *err)
{
    static const char *const input[] = {"id,name", "1,Ann", "2,", "3,\"Bob, the third\"", NULL};
    const struct word words[] = {{"@NAME@", name},
                                 {"@KIND@", is_sink ? "sink" : "source"},
                                 {"@TEST@", is_sink ? " --option path=count.txt" : ""},
                                 {NULL, NULL}};
    char code[PLUGIN_NAME_MAX + 3];
    int rc;

    snprintf(code, sizeof code, "%s.c", name);
    rc = new_write(folder, code, is_sink ? tow_template_sink : tow_template_source, words, err);
    if (!rc)
        rc = new_write(folder, "Makefile", tow_template_makefile, words, err);
    if (!rc)
        rc = new_write(folder, "job.cfg", is_sink ? tow_template_sink_job : tow_template_source_job,
                       words, err);
    if (!rc)
        rc = new_write(folder, "README.md", tow_template_readme, words, err);
    return rc || !is_sink ? rc : new_write(folder, "in.csv", input, words, err);
}

static int plugins_new_call(const struct tow_cli *cli, const void *options)
{
    const struct plugins_new_options *new = options;
    const char *name = cli->arguments[0], *folder = new->folder ? new->folder : name;
    struct tow_error err = TOW_ERROR_INIT;

    if (new->source == new->sink)
        return tow_cli_usage("plugins new", "give --source or --sink");
    int rc = new_check_name(name, &err);
    if (!rc && mkdir(folder, 0777))
        rc = tow_error_errno(&err, TOW_E_ENV, errno, "making the folder %s", folder);
    if (!rc)
        rc = new_write_all(folder, name, new->sink, &err);
    if (rc)
        return tow_cli_fail(&err);
    printf("%s holds a plugin that works; to build and try it:\n  make -C %s check\n", folder,
           folder);
    return TOW_EXIT_OK;
}

const struct tow_command tow_cmd_plugins_new = {
    .name = "plugins new",
    .arguments = "NAME",
    .summary = "Writes a folder with a plugin to start from",
    .about =
        "The plugin is small, complete and documented: the plugin guide's own. Its Makefile needs\n"
        "the installed headers and pkg-config, and nothing of this tree. The folder must not be\n"
        "there yet.",
    .example = "  towpath plugins new weather --source\n"
               "  make -C weather check",
    .options = plugins_new_arguments,
    .options_size = sizeof(struct plugins_new_options),
    .argument_min = 1,
    .argument_max = 1,
    .call = plugins_new_call,
};
