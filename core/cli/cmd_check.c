#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "config/job_folder.h"
#include "console/doc.h"
#include "log.h"

struct check_options {
    int json;
};

static const struct tow_argument check_arguments[] = {
    {"json", 0, TOW_ARGUMENT_FLAG, offsetof(struct check_options, json), NULL,
     "print the findings as JSON, on standard output", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

/* A job's name and the first file that has it. */
struct check_name {
    char *job, *path;
};

struct check {
    const struct tow_cli *cli;
    struct tow_loader *loader;
    struct tow_doc *doc; /* NULL without --json */
    struct check_name *names;
    size_t name_count;
    size_t files, bad, errors, warnings;
    int is_incomplete; /* memory ran out */
};

/* ---- one file ------------------------------------------------------------------------------- */

/* Two jobs of one name would move each other's checkpoint. */
static int check_name(struct check *check, const char *path, const struct tow_job *job,
                      struct tow_diags *diags, struct tow_error *err)
{
    if (!job->name)
        return TOW_OK;
    for (size_t i = 0; i < check->name_count; i++)
        if (strcmp(check->names[i].job, job->name) == 0) {
            if (strcmp(check->names[i].path, job->path) != 0)
                tow_diags_add(diags, TOW_DIAG_WARNING, path, 0,
                              "the job's name \"%s\" is that of %s too: they would share their "
                              "checkpoint",
                              job->name, check->names[i].path);
            return TOW_OK;
        }
    struct check_name *names = reallocarray(check->names, check->name_count + 1, sizeof *names);
    if (!names)
        return tow_error_nomem(err);
    check->names = names;
    names[check->name_count] = (struct check_name){strdup(job->name), strdup(job->path)};
    check->name_count++;
    return names[check->name_count - 1].job && names[check->name_count - 1].path
               ? TOW_OK
               : tow_error_nomem(err);
}

static int check_job(struct check *check, const char *path, struct tow_job *job,
                     struct tow_diags *diags, struct tow_error *err)
{
    struct tow_assembly assembly = {0};
    int rc = tow_job_load(path, job, diags, err);

    if (!rc && diags->errors == 0)
        rc = tow_assembly_init(&assembly, job, check->loader, diags, err);
    if (!rc && diags->errors == 0)
        rc = tow_assembly_probe(&assembly, NULL, NULL, diags, err);
    if (!rc)
        rc = check_name(check, path, job, diags, err);
    tow_assembly_release(&assembly);
    return rc;
}

static void check_doc_file(struct tow_doc *doc, const char *path, const struct tow_job *job,
                           const struct tow_diags *diags, int ok)
{
    tow_doc_open(doc, NULL, '{');
    tow_doc_text(doc, "file", path);
    tow_doc_text(doc, "job", job->name);
    tow_doc_bool(doc, "ok", ok);
    tow_doc_bool(doc, "outside", !ok && (diags->incomplete || diags->outside == diags->errors));
    tow_doc_open(doc, "findings", '[');
    for (size_t i = 0; i < diags->count; i++) {
        const struct tow_diag *diag = &diags->items[i];

        tow_doc_open(doc, NULL, '{');
        tow_doc_text(doc, "severity", diag->severity == TOW_DIAG_ERROR ? "error" : "warning");
        tow_doc_text(doc, "file", diag->file);
        if (diag->line > 0)
            tow_doc_int(doc, "line", diag->line);
        else
            tow_doc_text(doc, "line", NULL);
        tow_doc_text(doc, "text", diag->text);
        tow_doc_close(doc, '}');
    }
    tow_doc_close(doc, ']');
    tow_doc_close(doc, '}');
}

static int check_file(struct check *check, const char *path, struct tow_error *err)
{
    struct tow_diags diags = {0};
    struct tow_job job = {0};
    int rc = check_job(check, path, &job, &diags, err);
    int ok = diags.errors == 0;

    check->files++;
    check->bad += !ok;
    check->errors += diags.errors;
    check->is_incomplete |= diags.incomplete;
    check->warnings += diags.warnings;
    if (check->doc) {
        check_doc_file(check->doc, path, &job, &diags, ok);
    } else {
        tow_cli_findings(check->cli, &diags);
        if (!rc && !(ok && check->cli->quiet))
            printf("%s  %s\n", ok ? "ok    " : "failed", path);
    }
    tow_diags_release(&diags);
    tow_job_release(&job);
    return rc;
}

/* ---- folders -------------------------------------------------------------------------------- */

static int check_visit(void *context, const char *path, int is_job, struct tow_error *err)
{
    if (is_job)
        return check_file(context, path, err);
    tow_log_line(TOW_LOG_DEBUG, "check", "%s holds no job, left out", path);
    return TOW_OK;
}

static int check_folder(struct check *check, const char *folder, struct tow_error *err)
{
    size_t before = check->files;
    int rc = tow_job_folder_each(folder, check_visit, check, err);

    if (!rc && check->files == before)
        rc = tow_error_set(err, TOW_E_CONFIG, "folder %s has no job file (NAME.cfg with a job)",
                           folder);
    return rc;
}

/* ---- the command ---------------------------------------------------------------------------- */

static int check_all(struct check *check, struct tow_error *err)
{
    int rc = TOW_OK;

    for (int i = 0; !rc && i < check->cli->argument_count; i++) {
        const char *path = check->cli->arguments[i];
        struct stat st;

        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            rc = check_folder(check, path, err);
        else
            rc = check_file(check, path, err);
    }
    return rc;
}

static void check_close(struct check *check)
{
    for (size_t i = 0; i < check->name_count; i++) {
        free(check->names[i].job);
        free(check->names[i].path);
    }
    free(check->names);
    tow_loader_free(check->loader);
}

static void check_summary(const struct check *check)
{
    if (check->doc) {
        tow_doc_close(check->doc, ']');
        tow_doc_int(check->doc, "errors", (int64_t)check->errors);
        tow_doc_int(check->doc, "warnings", (int64_t)check->warnings);
        tow_doc_close(check->doc, '}');
    } else if (!(check->cli->quiet && check->bad == 0)) {
        printf("%zu job file%s: %zu ok, %zu with errors; %zu error%s, %zu warning%s\n",
               check->files, check->files == 1 ? "" : "s", check->files - check->bad, check->bad,
               check->errors, check->errors == 1 ? "" : "s", check->warnings,
               check->warnings == 1 ? "" : "s");
    }
}

static int check_call(const struct tow_cli *cli, const void *options)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_doc doc = {.to = stdout};
    struct check check = {.cli = cli,
                          .doc = ((const struct check_options *)options)->json ? &doc : NULL};
    check.loader = tow_loader_new(cli->plugin_path, &err);
    if (!check.loader)
        return tow_cli_fail(&err);
    if (check.doc) {
        tow_doc_open(&doc, NULL, '{');
        tow_doc_open(&doc, "files", '[');
    }
    int rc = check_all(&check, &err);
    check_summary(&check);
    int written = tow_doc_end(&doc, rc ? NULL : &err);
    rc = rc ? rc : written;
    if (!rc && check.is_incomplete)
        rc = tow_error_nomem(&err);
    int code = rc ? tow_cli_fail(&err) : check.bad ? TOW_EXIT_CONFIG : TOW_EXIT_OK;
    check_close(&check);
    return code;
}

const struct tow_command tow_cmd_check = {
    .name = "check",
    .arguments = "FILE...|DIR",
    .summary = "Checks job files as far as that goes without network and credentials",
    .about =
        "Of a folder, every NAME.cfg that holds a job is checked. Findings go to standard error,\n"
        "one a line with file and line; exit code 2 where one of them is an error.\n"
        "\n"
        "With --json one object is printed: files [{file, job, ok, outside (what is wrong is not\n"
        "in the job file), findings [{severity, file, line, text}]}], errors, warnings.",
    .example = "  towpath check jobs/",
    .options = check_arguments,
    .options_size = sizeof(struct check_options),
    .argument_min = 1,
    .argument_max = -1,
    .call = check_call,
};
