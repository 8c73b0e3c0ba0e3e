/* `towpath init`: a commented job file, made from the option tables of the plugins. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/guess.h"
#include "cli/options_text.h"
#include "config/job_keys.h"

#define INIT_PLACEHOLDER "CHANGE_ME"

struct init_options {
    const char *from, *name, *output;
};

#define INIT(member) offsetof(struct init_options, member)

static const struct tow_argument init_arguments[] = {
    {"from", 0, TOW_ARGUMENT_TEXT, INIT(from), "FILE",
     "a file of the source: its columns are listed, with types guessed from the first rows", 0, 0,
     0},
    {"name", 0, TOW_ARGUMENT_TEXT, INIT(name), "NAME", "the job's name (default SOURCE_to_SINK)", 0,
     0, 0},
    {"output", 'o', TOW_ARGUMENT_TEXT, INIT(output), "FILE",
     "write to a new file instead of standard output", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

struct init {
    const struct init_options *options;
    const struct tow_plugin *source, *sink;
    const struct tow_option *path_option; /* of the source, for --from */
    char *path;                           /* for it, as the job file says it */
    struct tow_guess guess;
    struct tow_buffer out;
};

/* ---- sections ------------------------------------------------------------------------------- */

static int init_placeholder(struct tow_buffer *out, const struct tow_option *option)
{
    const char *choices = option->choices ? option->choices : "";
    char text[32];

    if (option->fallback)
        return tow_option_default_text(out, option);
    switch (option->type) {
    case TOW_OPTION_INT:
        return tow_buffer_printf(out, NULL, "%lld", (long long)option->min);
    case TOW_OPTION_DOUBLE:
        return tow_buffer_printf(out, NULL, "%lld.0", (long long)option->min);
    case TOW_OPTION_BOOL:
        return tow_buffer_printf(out, NULL, "false");
    case TOW_OPTION_SIZE:
        tow_format_size(option->min ? option->min : 1, text);
        return tow_quote(out, text);
    case TOW_OPTION_DURATION:
        tow_format_duration(option->min ? option->min : 1000, text);
        return tow_quote(out, text);
    case TOW_OPTION_CHOICE:
        return tow_buffer_printf(out, NULL, "\"%.*s\"", (int)strcspn(choices, "|"), choices);
    default:
        /* Not tow_quote, which would take the reference's meaning away. */
        if (option->flags & TOW_OPTION_SECRET)
            return tow_buffer_printf(out, NULL, "\"${env:%s}\"", INIT_PLACEHOLDER);
        return tow_quote(out, option->flags & TOW_OPTION_REQUIRED ? INIT_PLACEHOLDER : "...");
    }
}

/* "# help", "# type, bounds; required" */
static int init_option_comment(struct tow_buffer *out, const struct tow_option *option)
{
    char type[512], bounds[128];

    tow_option_type_text(option, type, sizeof type);
    tow_option_bounds_text(option, bounds, sizeof bounds);
    return tow_buffer_printf(out, NULL, "\n    # %s\n    # (%s%s%s%s%s)\n",
                             option->help ? option->help : option->name, type, *bounds ? ", " : "",
                             bounds, option->flags & TOW_OPTION_SECRET ? ", secret" : "",
                             option->flags & TOW_OPTION_REQUIRED ? "; required"
                             : option->fallback                  ? ""
                                                                 : "; unset by default");
}

static int init_option(struct init *init, const struct tow_option *option)
{
    const char *given = option == init->path_option       ? init->path
                        : option == init->guess.delimiter ? init->guess.delimiter_value
                                                          : NULL;
    int active = given || option->flags & TOW_OPTION_REQUIRED;
    int rc = init_option_comment(&init->out, option);

    if (!rc)
        rc = tow_buffer_printf(&init->out, NULL, "    %s%s = ", active ? "" : "# ", option->name);
    if (!rc)
        rc = given ? tow_quote(&init->out, given) : init_placeholder(&init->out, option);
    return rc ? rc : tow_buffer_append(&init->out, ";\n", 2, NULL);
}

static int init_section(struct init *init, const char *name, const struct tow_plugin *plugin)
{
    const struct tow_option *option;
    int rc = tow_buffer_printf(&init->out, NULL,
                               "  # %s\n  %s = {\n    plugin = \"%s\";\n"
                               "    # connection = \"NAME\";  # options shared through "
                               "connections.NAME\n",
                               plugin->summary, name, plugin->name);

    for (size_t i = 0; !rc && (option = tow_option_at(plugin, i)) != NULL; i++)
        rc = init_option(init, option);
    return rc ? rc : tow_buffer_printf(&init->out, NULL, "  };\n\n");
}

/* ---- columns -------------------------------------------------------------------------------- */

static int init_column(struct init *init, const struct tow_guess_column *column, int last)
{
    char type[TOW_TYPE_TEXT_MAX];
    int rc = tow_buffer_printf(&init->out, NULL, "    { name = ");

    if (!rc)
        rc = tow_quote(&init->out, column->name);
    if (!rc)
        rc = tow_buffer_printf(&init->out, NULL, "; from = ");
    if (!rc)
        rc = tow_quote(&init->out, column->name);
    tow_type_name((struct tow_type){.id = column->type}, type);
    if (!rc)
        rc = tow_buffer_printf(&init->out, NULL, "; type = \"%s\";%s }%s\n", type,
                               column->nulls ? "" : " required = true;", last ? "" : ",");
    return rc;
}

static int init_columns(struct init *init)
{
    static const char example[] =
        "  # Columns that go out, in order; without this list all pass as they are.\n"
        "  # columns = (\n"
        "  #   { name = \"id\"; from = \"ID\"; type = \"int64\"; required = true; },\n"
        "  #   { name = \"mail\"; from = \"E-Mail\"; trim = true; lower = true; hash = "
        "\"sha256\"; },\n"
        "  #   { name = \"origin\"; value = \"shop\"; }\n"
        "  # );\n\n";
    char unread[80] = "";
    int rc;

    if (!init->options->from)
        return tow_buffer_append(&init->out, example, sizeof example - 1, NULL);
    if (init->guess.rejected)
        snprintf(unread, sizeof unread, "; beside them, %lld could not be read",
                 (long long)init->guess.rejected);
    rc = tow_buffer_printf(&init->out, NULL,
                           "  # Types are guessed from the first %lld row%s%s. A value that does "
                           "not fit\n  # rejects its row.\n  columns = (\n",
                           (long long)init->guess.rows, init->guess.rows == 1 ? "" : "s", unread);
    for (size_t i = 0; !rc && i < init->guess.count; i++)
        rc = init_column(init, &init->guess.columns[i], i + 1 == init->guess.count);
    return rc ? rc : tow_buffer_printf(&init->out, NULL, "  );\n\n");
}

/* A section of the core's own with its defaults, commented out as a whole. */
static int init_own_section(struct init *init, const char *about, const char *name,
                            const struct tow_option *options)
{
    int rc = tow_buffer_printf(&init->out, NULL, "\n  # %s\n  # %s = {\n", about, name);

    for (; !rc && options->name; options++) {
        if (!options->fallback)
            continue;
        rc = tow_buffer_printf(&init->out, NULL, "  #   %s = ", options->name);
        if (!rc)
            rc = tow_option_default_text(&init->out, options);
        if (!rc)
            rc = tow_buffer_printf(&init->out, NULL, ";  # %s\n", options->help);
    }
    return rc ? rc : tow_buffer_printf(&init->out, NULL, "  # };\n");
}

static int init_write(struct init *init)
{
    static const char rules[] =
        "  # Rejected rows are kept (`towpath rejects`, `towpath replay`). A run fails where "
        "there\n"
        "  # are more than this.\n"
        "  # rejects = { max = 1000; max_percent = 1.0; };\n\n"
        "  # When `towpath daemon` runs it; also every = \"15m\", or cron = \"15 */4 * * *\".\n"
        "  # schedule = { frequency = \"daily\"; at = \"02:00\"; timezone = \"Europe/Berlin\"; "
        "};\n";
    const char *name = init->options->name;
    int rc = tow_buffer_printf(
        &init->out, NULL,
        "# A job of towpath: %s to %s. See towpath-job(5).\n"
        "# Try it with `towpath check FILE` and `towpath plan FILE`, run it with `towpath run "
        "FILE`.\n"
        "# Options that are commented out show their defaults.\n"
        "version = 1;\n# @include \"connections.cfg\"\n\njob = {\n  name = ",
        init->source->name, init->sink->name);

    if (!rc && name)
        rc = tow_quote(&init->out, name);
    else if (!rc)
        rc = tow_buffer_printf(&init->out, NULL, "\"%s_to_%s\"", init->source->name,
                               init->sink->name);
    if (!rc)
        rc = tow_buffer_append(&init->out, ";\n\n", 3, NULL);
    if (!rc)
        rc = init_section(init, "source", init->source);
    if (!rc)
        rc = init_columns(init);
    if (!rc)
        rc = init_section(init, "sink", init->sink);
    if (!rc)
        rc = tow_buffer_append(&init->out, rules, sizeof rules - 1, NULL);
    if (!rc)
        rc = init_own_section(init, "Calls that fail for a reason that may pass are tried again.",
                              "retry", tow_job_retry_options);
    if (!rc)
        rc = init_own_section(init, "Sizes and times that most jobs leave alone.", "pipeline",
                              tow_job_pipeline_options);
    return rc ? rc : tow_buffer_append(&init->out, "};\n", 3, NULL);
}

/* ---- --from --------------------------------------------------------------------------------- */

/* The option that a file's path goes into: the first required path, or list of them. */
static const struct tow_option *init_path_option(const struct tow_plugin *plugin)
{
    const struct tow_option *option;

    for (size_t i = 0; (option = tow_option_at(plugin, i)) != NULL; i++)
        if (option->flags & TOW_OPTION_REQUIRED &&
            (option->type == TOW_OPTION_PATH || option->type == TOW_OPTION_STRINGS))
            return option;
    return NULL;
}

/* The folder that a path starts at, made absolute: heap string, or NULL. */
static char *init_folder_of(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    char *folder = !slash ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
    char *real = folder ? realpath(folder, NULL) : NULL;

    free(folder);
    return real;
}

/* As the user wrote it where that leads from the job file's folder to the same file; absolute
 * otherwise. */
static int init_find_path(struct init *init, const char *absolute, struct tow_error *err)
{
    char *here = realpath(".", NULL), *there = init_folder_of(init->options->output);
    int same = here && (!init->options->output || (there && strcmp(here, there) == 0));

    init->path = strdup(same ? init->options->from : absolute);
    free(here);
    free(there);
    return init->path ? TOW_OK : tow_error_nomem(err);
}

static int init_look_at_file(struct init *init, struct tow_error *err)
{
    const char *from = init->options->from;
    char *absolute;

    if (!from)
        return TOW_OK;
    init->path_option = init_path_option(init->source);
    if (!init->path_option || !(init->source->source->flags & TOW_SOURCE_OFFLINE))
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "source %s reads no files; --from is for "
                             "sources that do",
                             init->source->name);
    absolute = realpath(from, NULL);
    if (!absolute)
        return tow_error_errno(err, TOW_E_CONFIG, errno, "--from %s", from);
    int rc = init_find_path(init, absolute, err);
    if (!rc)
        rc = tow_guess_file(&init->guess, init->source, init->path_option->name, absolute, err);
    free(absolute);
    return rc;
}

/* ---- output --------------------------------------------------------------------------------- */

static int init_write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

static int init_save(const struct init *init, struct tow_error *err)
{
    const char *path = init->options->output;
    int rc = TOW_OK;

    if (!path) {
        fwrite(init->out.data, 1, init->out.size, stdout);
        return TOW_OK;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return tow_error_errno(err, errno == EEXIST ? TOW_E_CONFIG : TOW_E_ENV, errno, "%s", path);
    int failed = init_write_all(fd, init->out.data, init->out.size);
    if (failed)
        rc = tow_error_errno(err, TOW_E_ENV, errno, "%s", path);
    if (close(fd) && !failed)
        rc = tow_error_errno(err, TOW_E_ENV, errno, "%s", path);
    if (rc)
        unlink(path);
    return rc;
}

/* ---- the command ---------------------------------------------------------------------------- */

static int init_find_plugins(struct init *init, struct tow_loader *loader, char **names,
                             struct tow_error *err)
{
    int rc = tow_loader_get(loader, names[0], &init->source, err);

    if (!rc && !init->source->source)
        rc = tow_error_set(err, TOW_E_CONFIG, "plugin \"%s\" is no source", names[0]);
    if (!rc)
        rc = tow_loader_get(loader, names[1], &init->sink, err);
    if (!rc && !init->sink->sink)
        rc = tow_error_set(err, TOW_E_CONFIG, "plugin \"%s\" is no sink", names[1]);
    return rc;
}

static int init_call(const struct tow_cli *cli, const void *options)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct init init = {.options = options};
    struct tow_loader *loader = tow_loader_new(cli->plugin_path, &err);
    int rc = loader ? TOW_OK : err.code;

    if (!rc)
        rc = init_find_plugins(&init, loader, cli->arguments, &err);
    if (!rc)
        rc = init_look_at_file(&init, &err);
    if (!rc && init_write(&init))
        rc = tow_error_nomem(&err);
    if (!rc)
        rc = init_save(&init, &err);
    tow_guess_release(&init.guess);
    tow_buffer_release(&init.out);
    free(init.path);
    tow_loader_free(loader);
    return rc ? tow_cli_fail(&err) : TOW_EXIT_OK;
}

const struct tow_command tow_cmd_init = {
    .name = "init",
    .arguments = "SOURCE SINK",
    .summary = "Prints a job file for two plugins, with every option explained",
    .about =
        "Required options stand there, as CHANGE_ME where nothing is known, the others as\n"
        "comments with their defaults. With --from the columns of a file are listed with guessed\n"
        "types; those without an empty value in the first 1,000 rows are required.",
    .example = "  towpath init csv file --from orders.csv -o orders.cfg",
    .options = init_arguments,
    .options_size = sizeof(struct init_options),
    .argument_min = 2,
    .argument_max = 2,
    .call = init_call,
};
