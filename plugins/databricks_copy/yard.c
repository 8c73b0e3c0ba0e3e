#include "plugins/databricks_copy/yard.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "towpath/batch.h"

#define YARD_LOADS_MAX 1000  /* old loads that one sweep looks at */
#define YARD_FILES_MAX 10000 /* and files of each */

void tow_copy_yard_init(struct tow_copy_yard *yard, const struct tow_host *host,
                        struct tow_copy_stage *stage, const char *load, const char *name)
{
    *yard = (struct tow_copy_yard){.host = host, .stage = stage, .load = load};
    snprintf(yard->folder, sizeof yard->folder, "%s/%s", host->job, name);
}

/* A failure that is only told; what ends the run ends it here, too. */
static int yard_excuse(const struct tow_host *host, const char *what, const struct tow_error *err)
{
    if (err->code == TOW_E_CANCELLED || err->code == TOW_E_NOMEM || err->code == TOW_E_BUG)
        return err->code;
    tow_log(host, TOW_LOG_WARN, "%s is left behind: %s", what, err->message);
    return TOW_OK;
}

/* *is_gone tells whether it is. Where the stage does not answer, every try would take its time. */
static int yard_remove_file(struct tow_copy_yard *yard, const char *name, int *is_gone,
                            struct tow_error *err)
{
    struct tow_error own = TOW_ERROR_INIT;
    char what[TOW_COPY_FOLDER_MAX + TOW_COPY_NAME_MAX];

    *is_gone = yard->keeps_files;
    if (yard->keeps_files || yard->has_failed)
        return TOW_OK;
    *is_gone = tow_copy_stage_remove(yard->stage, yard->folder, name, &own) == TOW_OK;
    if (*is_gone)
        return TOW_OK;
    yard->has_failed = 1;
    snprintf(what, sizeof what, "%s/%s", yard->folder, name);
    if (yard_excuse(yard->host, what, &own) == TOW_OK)
        return TOW_OK;
    return tow_copy_pass_on(&own, err);
}

int tow_copy_yard_remove(struct tow_copy_yard *yard, const struct tow_copy_part_id *id,
                         struct tow_error *err)
{
    char name[TOW_COPY_NAME_MAX];
    int is_gone, code;

    tow_copy_part_name(id, yard->is_json, name);
    code = yard_remove_file(yard, name, &is_gone, err);
    if (code == TOW_OK && !is_gone)
        code = tow_copy_stale_put(yard->host, yard->load, name, err);
    return code == TOW_OK ? tow_copy_part_remove(yard->host, yard->load, id, err) : code;
}

int tow_copy_yard_discard(struct tow_copy_yard *yard, const struct tow_copy_part_id *id,
                          struct tow_error *err)
{
    char name[TOW_COPY_NAME_MAX];
    int is_gone, code;

    tow_copy_part_name(id, yard->is_json, name);
    code = tow_copy_stale_put(yard->host, yard->load, name, err);
    if (code == TOW_OK)
        code = tow_copy_part_remove(yard->host, yard->load, id, err);
    return code == TOW_OK ? yard_remove_file(yard, name, &is_gone, err) : code;
}

/* ---- loads that the ledger knows ------------------------------------------------------------ */

/* Of a file's name in a record: nothing that leads elsewhere. */
static int yard_is_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-_.";

    return *name && *name != '.' && strspn(name, letters) == strlen(name) &&
           strlen(name) < TOW_COPY_NAME_MAX;
}

int tow_copy_yard_sweep_stale(struct tow_copy_yard *yard, int *is_clean, struct tow_error *err)
{
    struct tow_copy_names names;
    int code = tow_copy_stale_read(yard->host, yard->load, &names, err);

    *is_clean = 1;
    for (size_t i = 0; i < names.count && code == TOW_OK; i++) {
        int is_gone = 1;

        if (yard_is_name(names.items[i]))
            code = yard_remove_file(yard, names.items[i], &is_gone, err);
        if (code == TOW_OK && is_gone)
            code = tow_copy_stale_remove(yard->host, yard->load, names.items[i], err);
        *is_clean = *is_clean && is_gone;
    }
    tow_copy_names_release(&names);
    return code;
}

/* *is_clean: there was none that would have to be looked at again. */
static int yard_sweep_parts(struct tow_copy_yard *yard, int *is_clean, struct tow_error *err)
{
    struct tow_copy_parts parts;
    int code = tow_copy_parts_read(yard->host, yard->load, -1, &parts, err);

    for (size_t i = 0; i < parts.count && code == TOW_OK; i++) {
        const struct tow_copy_part_id *id = &parts.items[i].id;

        code = yard->keeps_files ? tow_copy_yard_remove(yard, id, err)
                                 : tow_copy_yard_discard(yard, id, err);
        *is_clean = *is_clean && yard->keeps_files;
    }
    tow_copy_parts_release(&parts);
    return code;
}

static int yard_drop_table(const struct tow_copy_session *session, const char *load,
                           const struct tow_copy_load *record, uint32_t round,
                           struct tow_error *err)
{
    struct tow_sql_table named = {.count = 0}, table = {.count = 0};
    int code = tow_sql_table_parse(&named, record->table, err);

    if (code == TOW_OK)
        code = tow_copy_load_table(&named, record->name, round, &table, err);
    if (code == TOW_OK)
        code = tow_copy_table_drop(session, &table, err);
    if (code == TOW_OK)
        code = tow_copy_table_remove(session->host, load, round, err);
    tow_sql_table_release(&named);
    tow_sql_table_release(&table);
    return code;
}

/* *is_clean: none of the load's tables is left. */
static int yard_drop_tables(const struct tow_copy_session *session, const char *load,
                            const struct tow_copy_load *record, int *is_clean,
                            struct tow_error *err)
{
    struct tow_copy_rounds rounds;
    char what[128];
    int code = tow_copy_tables_read(session->host, load, &rounds, err);

    snprintf(what, sizeof what, "the load table of load %s", load);
    for (size_t i = 0; i < rounds.count && code == TOW_OK; i++) {
        struct tow_error own = TOW_ERROR_INIT;

        if (yard_drop_table(session, load, record, rounds.items[i], &own) == TOW_OK)
            continue;
        *is_clean = 0;
        if (yard_excuse(session->host, what, &own) != TOW_OK)
            code = tow_copy_pass_on(&own, err);
    }
    tow_copy_rounds_release(&rounds);
    return code;
}

static int yard_remove_batches(const struct tow_host *host, const char *load, struct tow_error *err)
{
    struct tow_copy_batches batches;
    int code = tow_copy_batches_read(host, load, &batches, err);

    for (size_t i = 0; i < batches.count && code == TOW_OK; i++)
        code = tow_copy_batch_remove(host, load, batches.items[i].number, err);
    tow_copy_batches_release(&batches);
    return code;
}

/* The load's own last, as it is by this that the others are found. */
static int yard_sweep_records(const struct tow_host *host, const char *load, struct tow_error *err)
{
    int code = yard_remove_batches(host, load, err);

    if (code == TOW_OK)
        code = tow_copy_progress_remove(host, load, err);
    if (code == TOW_OK)
        code = tow_copy_generations_remove(host, load, err);
    return code == TOW_OK ? tow_copy_load_remove(host, load, err) : code;
}

static int yard_sweep_load(const struct tow_copy_session *session, struct tow_copy_stage *stage,
                           const char *load, struct tow_error *err)
{
    const struct tow_copy_options *options = session->target->options;
    const struct tow_host *host = session->host;
    struct tow_error ignored = TOW_ERROR_INIT;
    struct tow_copy_load record;
    struct tow_copy_yard yard;
    int is_clean;
    int code = tow_copy_load_get(host, load, &record, err);

    if (code != TOW_OK)
        return code;
    tow_copy_yard_init(&yard, host, stage, load, record.name);
    yard.is_json = record.format == TOW_COPY_NDJSON;
    yard.keeps_files = strcmp(record.stage, options->stage) != 0;
    if (yard.keeps_files)
        tow_log(host, TOW_LOG_WARN, "parts of load %s may be left in the stage of that time: %s/%s",
                load, record.stage, yard.folder);
    code = tow_copy_yard_sweep_stale(&yard, &is_clean, err);
    if (code == TOW_OK)
        code = yard_sweep_parts(&yard, &is_clean, err);
    if (code == TOW_OK)
        code = yard_drop_tables(session, load, &record, &is_clean, err);
    if (code != TOW_OK || !is_clean)
        return code;
    if (!yard.keeps_files)
        tow_copy_stage_remove_folder(stage, yard.folder, &ignored);
    return yard_sweep_records(host, load, err);
}

int tow_copy_yard_sweep(const struct tow_copy_session *session, struct tow_copy_stage *stage,
                        struct tow_error *err)
{
    struct tow_copy_names loads = {.items = NULL};
    int code = tow_copy_loads(session->host, &loads, err);

    for (size_t i = 0; i < loads.count && code == TOW_OK; i++) {
        if (!tow_copy_is_id(loads.items[i])) {
            tow_log(session->host, TOW_LOG_WARN,
                    "the ledger has a load of a name that none has; it is "
                    "left alone");
            continue;
        }
        if (strcmp(loads.items[i], session->host->load_id) != 0)
            code = yard_sweep_load(session, stage, loads.items[i], err);
    }
    tow_copy_names_release(&loads);
    return code;
}

/* ---- loads that it does not know ------------------------------------------------------------ */

struct yard_list {
    struct tow_copy_names names;
    int wants_folders;
    size_t most;
    int64_t newest_ms;
};

static int yard_list_one(void *context, const struct tow_copy_entry *entry, struct tow_error *err)
{
    struct yard_list *list = context;

    if (entry->is_folder != list->wants_folders || !yard_is_name(entry->name))
        return TOW_OK;
    if (list->names.count == list->most)
        return TOW_END;
    if (entry->modified_ms > list->newest_ms)
        list->newest_ms = entry->modified_ms;
    return tow_copy_names_add(&list->names, entry->name, err);
}

static int yard_list(struct tow_copy_stage *stage, const char *folder, struct yard_list *list,
                     struct tow_error *err)
{
    int code = tow_copy_stage_each(stage, folder, yard_list_one, list, err);

    return code == TOW_END ? TOW_OK : code;
}

/* By its newest file: a load that is under way adds one now and then. */
static int yard_sweep_old_load(const struct tow_copy_yard *yard, int64_t before_ms,
                               struct tow_error *err)
{
    struct yard_list files = {.most = YARD_FILES_MAX};
    int code = yard_list(yard->stage, yard->folder, &files, err);
    int is_old = files.names.count > 0 && files.newest_ms < before_ms;

    for (size_t i = 0; i < files.names.count && is_old && code == TOW_OK; i++)
        code = tow_copy_stage_remove(yard->stage, yard->folder, files.names.items[i], err);
    if (code == TOW_OK && is_old)
        code = tow_copy_stage_remove_folder(yard->stage, yard->folder, err);
    if (code == TOW_OK && is_old)
        tow_log(yard->host, TOW_LOG_INFO, "removed what was left of load %s", yard->load);
    tow_copy_names_release(&files.names);
    return code;
}

/* By the part of the folder's name that is the load's: another sink of this job may have named it,
 * whose ledger is its own. */
static int yard_is_known(const struct tow_host *host, const char *name, struct tow_error *err)
{
    const char *end = strrchr(name, '_');
    struct tow_copy_load record;
    char load[TOW_COPY_LOAD_MAX];

    if (!end)
        return 1;
    snprintf(load, sizeof load, "%.*s", (int)(end - name), name);
    /* The load at hand may have other sinks, of a route: their ledgers are their own. */
    if (strcmp(load, host->load_id) == 0)
        return 1;
    return tow_copy_load_get(host, load, &record, err) != TOW_END;
}

int tow_copy_yard_sweep_old(const struct tow_copy_session *session, struct tow_copy_stage *stage,
                            struct tow_error *err)
{
    const struct tow_host *host = session->host;
    const int64_t before_ms = host->now_us(host) / 1000 - session->target->options->retention_ms;
    struct yard_list loads = {.wants_folders = 1, .most = YARD_LOADS_MAX};
    struct tow_error own = TOW_ERROR_INIT;
    int code = yard_list(stage, host->job, &loads, &own);

    for (size_t i = 0; i < loads.names.count && code == TOW_OK; i++) {
        const char *name = loads.names.items[i];
        struct tow_copy_yard yard;

        if (!tow_copy_is_id(name) || yard_is_known(host, name, &own))
            continue;
        tow_copy_yard_init(&yard, host, stage, name, name);
        code = yard_sweep_old_load(&yard, before_ms, &own);
    }
    tow_copy_names_release(&loads.names);
    if (code != TOW_OK)
        code = yard_excuse(host, "what earlier loads may have staged", &own);
    return code == TOW_OK ? TOW_OK : tow_copy_pass_on(&own, err);
}
