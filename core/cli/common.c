#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "log.h"
#include "towpath/value.h"

/* ---- saying what is wrong ------------------------------------------------------------------- */

int tow_cli_fail(const struct tow_error *err)
{
    tow_log_line(TOW_LOG_ERROR, NULL, "%s", err->message);
    return tow_exit_code(err->code);
}

int tow_cli_usage(const char *command, const char *format, ...)
{
    struct tow_error err = TOW_ERROR_INIT;
    va_list args;

    va_start(args, format);
    tow_error_vset(&err, TOW_E_CONFIG, format, args);
    va_end(args);
    tow_log_line(TOW_LOG_ERROR, NULL, "%s (see `towpath%s%s --help`)", err.message,
                 command ? " " : "", command ? command : "");
    return TOW_EXIT_CONFIG;
}

static void cli_log_findings(const struct tow_diags *diags)
{
    for (size_t i = 0; i < diags->count; i++) {
        const struct tow_diag *diag = &diags->items[i];
        int level = diag->severity == TOW_DIAG_ERROR ? TOW_LOG_ERROR : TOW_LOG_WARN;

        if (diag->file && diag->line > 0)
            tow_log_line(level, "job", "%s:%d: %s", diag->file, diag->line, diag->text);
        else
            tow_log_line(level, "job", "%s%s%s", diag->file ? diag->file : "",
                         diag->file ? ": " : "", diag->text);
    }
    if (diags->incomplete)
        tow_log_line(TOW_LOG_ERROR, "job", "out of memory: findings are missing");
}

int tow_cli_findings(const struct tow_cli *cli, struct tow_diags *diags)
{
    if (cli->log_format == TOW_LOG_TEXT)
        tow_diags_print(diags, stderr);
    else
        cli_log_findings(diags);
    if (diags->errors == 0)
        return TOW_EXIT_OK;
    if (diags->incomplete)
        return TOW_EXIT_INTERNAL;
    return diags->outside == diags->errors ? TOW_EXIT_ENVIRONMENT : TOW_EXIT_CONFIG;
}

/* ---- state ---------------------------------------------------------------------------------- */

int tow_cli_state(const struct tow_cli *cli, int mode, struct tow_state **out,
                  struct tow_error *err)
{
    char *path = tow_state_default_path(cli->state);

    if (!path)
        return tow_error_nomem(err);
    int rc = tow_state_open(path, mode, out, err);
    free(path);
    return rc;
}

static int common_run_id(const char *text, int64_t *id, struct tow_error *err)
{
    if (tow_parse_int64(text, strlen(text), id) != TOW_PARSE_OK || *id <= 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "\"%s\" is no run number; `towpath runs` lists them", text);
    return TOW_OK;
}

int tow_cli_find_run(const struct tow_cli *cli, struct tow_state **state, struct tow_run *run,
                     struct tow_error *err)
{
    int64_t id = 0;
    int rc = tow_cli_state(cli, TOW_STATE_READ, state, err);

    if (!rc)
        rc = common_run_id(cli->arguments[0], &id, err);
    if (!rc)
        rc = tow_state_run(*state, id, run, err);
    if (rc == TOW_END)
        return tow_error_set(err, TOW_E_CONFIG, "there is no run %lld in %s", (long long)id,
                             tow_state_path(*state));
    return rc;
}

struct known_jobs {
    const char *job;
    char **names; /* NULL-terminated */
    size_t count;
    int found;
};

static int known_visit(void *context, const char *job)
{
    struct known_jobs *known = context;
    char **names = reallocarray(known->names, known->count + 2, sizeof *names);

    if (strcmp(job, known->job) == 0)
        known->found = 1;
    if (names) {
        known->names = names;
        names[known->count] = strdup(job);
        names[known->count + 1] = NULL;
        known->count += names[known->count] != NULL;
    }
    return 0;
}

/* Without memory for names, the message has none; that is all. */
int tow_cli_known_job(struct tow_state *state, const char *job, struct tow_error *err)
{
    struct known_jobs known = {.job = job};
    int rc = tow_state_jobs(state, known_visit, &known, err);

    if (!rc && !known.found) {
        const char *near = known.names ? tow_nearest(job, (const char *const *)known.names) : NULL;

        rc = tow_error_set(err, TOW_E_CONFIG, "no job \"%s\" has run on %s%s%s%s", job,
                           tow_state_path(state), near ? "; did you mean \"" : "", near ? near : "",
                           near ? "\"?" : "");
    }
    for (size_t i = 0; known.names && i < known.count; i++)
        free(known.names[i]);
    free(known.names);
    return rc;
}

/* ---- jobs ----------------------------------------------------------------------------------- */

int tow_cli_job_open_from(const struct tow_cli *cli, const struct tow_cli_source *source,
                          struct tow_cli_job *out, struct tow_error *why)
{
    const struct tow_texts *sets = source->sets;
    struct tow_diags diags = {0};
    int rc;

    *out = (struct tow_cli_job){0};
    out->loader = tow_loader_new(cli->plugin_path, why);
    rc = out->loader ? TOW_OK : why->code;
    if (!rc)
        rc = tow_job_load_text(source->path, source->text, sets ? sets->items : NULL,
                               sets ? sets->count : 0, &out->job, &diags, why);
    if (source->name_log)
        tow_log_name(out->job.name);
    if (!rc && diags.errors == 0)
        rc = tow_assembly_init(&out->assembly, &out->job, out->loader, &diags, why);
    int found = tow_cli_findings(cli, &diags);
    if (!rc)
        tow_diags_error(&diags, why);
    tow_diags_release(&diags);
    return rc ? tow_cli_fail(why) : found;
}

int tow_cli_job_open(const struct tow_cli *cli, const char *path, const struct tow_texts *sets,
                     struct tow_cli_job *out)
{
    const struct tow_cli_source source = {.path = path, .sets = sets};
    struct tow_error why = TOW_ERROR_INIT;

    return tow_cli_job_open_from(cli, &source, out, &why);
}

void tow_cli_job_close(struct tow_cli_job *job)
{
    tow_assembly_release(&job->assembly);
    tow_job_release(&job->job);
    tow_loader_free(job->loader);
    *job = (struct tow_cli_job){0};
}
