#include "state/migrate.h"

#include <stdio.h>

static const char *const steps[] = {
    /* 1 */
    "CREATE TABLE runs ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  job TEXT NOT NULL,"
    "  job_file TEXT NOT NULL DEFAULT '',"
    "  load_id TEXT NOT NULL,"
    "  status TEXT NOT NULL,"
    "  exit_code INTEGER NOT NULL DEFAULT -1,"
    "  error_class INTEGER NOT NULL DEFAULT 0,"
    "  error TEXT NOT NULL DEFAULT '',"
    "  start_us INTEGER NOT NULL,"
    "  end_us INTEGER NOT NULL DEFAULT 0,"
    "  read INTEGER NOT NULL DEFAULT 0,"
    "  accepted INTEGER NOT NULL DEFAULT 0,"
    "  rejected INTEGER NOT NULL DEFAULT 0,"
    "  filtered INTEGER NOT NULL DEFAULT 0,"
    "  pending INTEGER NOT NULL DEFAULT 0,"
    "  bytes INTEGER NOT NULL DEFAULT 0,"
    "  batches INTEGER NOT NULL DEFAULT 0,"
    "  retries INTEGER NOT NULL DEFAULT 0,"
    "  reject_bytes INTEGER NOT NULL DEFAULT 0,"
    "  replay_of INTEGER NOT NULL DEFAULT 0,"
    "  replayed_by INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX runs_of_job ON runs (job, id);"
    "CREATE INDEX runs_running ON runs (job) WHERE status = 'running';"
    /* seq holds the bits of an unsigned number. */
    "CREATE TABLE checkpoints ("
    "  job TEXT NOT NULL PRIMARY KEY,"
    "  source TEXT NOT NULL,"
    "  source_version TEXT NOT NULL,"
    "  sink TEXT NOT NULL,"
    "  fingerprint TEXT NOT NULL,"
    "  load_id TEXT NOT NULL,"
    "  run INTEGER NOT NULL,"
    "  saved_us INTEGER NOT NULL,"
    "  seq INTEGER NOT NULL,"
    "  position BLOB NOT NULL,"
    "  token_count INTEGER NOT NULL);"
    "CREATE TABLE tokens ("
    "  job TEXT NOT NULL,"
    "  sink INTEGER NOT NULL,"
    "  token BLOB NOT NULL,"
    "  PRIMARY KEY (job, sink)) WITHOUT ROWID;"
    /* started is in clock ticks since the host's boot, as /proc has it. */
    "CREATE TABLE locks ("
    "  job TEXT NOT NULL PRIMARY KEY,"
    "  token BLOB NOT NULL,"
    "  host TEXT NOT NULL,"
    "  boot TEXT NOT NULL,"
    "  pid INTEGER NOT NULL,"
    "  started INTEGER NOT NULL,"
    "  since_us INTEGER NOT NULL,"
    "  heartbeat_us INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE ledger ("
    "  job TEXT NOT NULL,"
    "  ledger TEXT NOT NULL,"
    "  key TEXT NOT NULL,"
    "  value BLOB NOT NULL,"
    "  PRIMARY KEY (job, ledger, key)) WITHOUT ROWID;",
    /* 2 */
    "CREATE TABLE ahead ("
    "  job TEXT NOT NULL,"
    "  seq INTEGER NOT NULL,"
    "  sink TEXT NOT NULL,"
    "  rows BLOB NOT NULL,"
    "  PRIMARY KEY (job, seq)) WITHOUT ROWID;",
    /* 3: what the lock's holder is doing; and where schedules stand. fingerprint holds the bits of
     * an unsigned number. */
    "ALTER TABLE locks ADD COLUMN run INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE locks ADD COLUMN progress_us INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE locks ADD COLUMN read INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE locks ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE locks ADD COLUMN rejected INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE locks ADD COLUMN filtered INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE locks ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE locks ADD COLUMN batches INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE locks ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE locks ADD COLUMN in_flight INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE locks ADD COLUMN stopping INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE agendas ("
    "  job TEXT NOT NULL PRIMARY KEY,"
    "  state INTEGER NOT NULL,"
    "  tries INTEGER NOT NULL,"
    "  since_us INTEGER NOT NULL,"
    "  slot_us INTEGER NOT NULL,"
    "  started_us INTEGER NOT NULL,"
    "  ended_us INTEGER NOT NULL,"
    "  fingerprint INTEGER NOT NULL) WITHOUT ROWID;",
    /* 4: which slot a run stands for (0: none); what is known of a job's health, and the messages
     * about it that wait for their delivery. */
    "ALTER TABLE runs ADD COLUMN slot_us INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE runs ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX runs_of_slot ON runs (job, slot_us, attempt) WHERE slot_us <> 0;"
    "CREATE TABLE health ("
    "  job TEXT NOT NULL PRIMARY KEY,"
    "  judged_run INTEGER NOT NULL,"
    "  failing INTEGER NOT NULL,"
    "  rejecting INTEGER NOT NULL,"
    "  late INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE alerts ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  job TEXT NOT NULL,"
    "  event TEXT NOT NULL,"
    "  channel INTEGER NOT NULL,"
    "  run INTEGER NOT NULL,"
    "  slot_us INTEGER NOT NULL,"
    "  created_us INTEGER NOT NULL,"
    "  due_us INTEGER NOT NULL,"
    "  tries INTEGER NOT NULL DEFAULT 0);",
    /* 5: how long rows have been in flight without one being settled. */
    "ALTER TABLE locks ADD COLUMN lag_us INTEGER NOT NULL DEFAULT 0;",
};

const struct tow_migration tow_state_migration = {steps, sizeof steps / sizeof steps[0]};

static int migrate_identify(struct tow_sql *sql, int known, int64_t *version, struct tow_error *err)
{
    int64_t application = 0, objects = 0;
    int result;

    if ((result = tow_sql_number(sql, "PRAGMA application_id", &application, err)) != TOW_OK ||
        (result = tow_sql_number(sql, "PRAGMA user_version", version, err)) != TOW_OK ||
        (result = tow_sql_number(sql, "SELECT count(*) FROM sqlite_master", &objects, err)) !=
            TOW_OK)
        return result;
    if (application != TOW_STATE_APPLICATION_ID && (application || *version || objects))
        return tow_error_set(err, TOW_E_ENV,
                             "%s is a database of another program (application id 0x%08llx), not a "
                             "state file; it was left as it is",
                             sql->path, (unsigned long long)(uint32_t)application);
    if (*version > known)
        return tow_error_set(err, TOW_E_CONFIG,
                             "state file %s has schema version %lld, this program knows versions "
                             "up to %d: use the newer towpath that wrote it, or another state file",
                             sql->path, (long long)*version, known);
    if (*version < 0 || (*version == 0 && application))
        return tow_error_set(err, TOW_E_ENV, "state file %s is damaged: schema version %lld",
                             sql->path, (long long)*version);
    return TOW_OK;
}

int tow_state_version(struct tow_sql *sql, int known, int *version, struct tow_error *err)
{
    int64_t number = 0;
    int result = tow_sql_begin_read(sql, err);

    if (result == TOW_OK)
        result = tow_sql_end(sql, migrate_identify(sql, known, &number, err), err);
    *version = (int)number;
    return result;
}

static int migrate_step(struct tow_sql *sql, const char *step, int version, struct tow_error *err)
{
    char stamp[96];
    int result = tow_sql_script(sql, step, err);

    if (result != TOW_OK)
        return tow_error_prefix(err, "schema version %d", version);
    snprintf(stamp, sizeof stamp, "PRAGMA application_id=%d; PRAGMA user_version=%d",
             TOW_STATE_APPLICATION_ID, version);
    return tow_sql_script(sql, stamp, err);
}

int tow_state_migrate(struct tow_sql *sql, const struct tow_migration *migration,
                      struct tow_error *err)
{
    int version = 0;
    int64_t now = 0;
    int result = tow_state_version(sql, migration->count, &version, err);

    if (result != TOW_OK || version == migration->count)
        return result;
    /* All steps at once: whoever reads meanwhile sees the old version, or the new one. */
    result = tow_sql_begin_write(sql, err);
    if (result != TOW_OK)
        return result;
    /* Another process may have taken them meanwhile. */
    result = migrate_identify(sql, migration->count, &now, err);
    for (; result == TOW_OK && now < migration->count; now++)
        result = migrate_step(sql, migration->steps[now], (int)now + 1, err);
    return tow_sql_end(sql, result, err);
}
