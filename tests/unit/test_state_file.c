/* What a state file may be like when it is opened, and what it is like afterwards. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state/connection.h"
#include "state/migrate.h"
#include "state_fixture.h"

/* Both ways of opening fail with that class and text, and with the path in the message. */
static void assert_refused(const char *path, int code, const char *says)
{
    static const int modes[] = {TOW_STATE_READ, TOW_STATE_CREATE};

    for (int i = 0; i < 2; i++) {
        struct tow_error err = TOW_ERROR_INIT;
        struct tow_state *state = (void *)&err;

        assert_int_equal(tow_state_open(path, modes[i], &state, &err), code);
        assert_null(state);
        assert_says(err, says);
        assert_says(err, path);
    }
}

static int mode_of(const char *path, const char *suffix)
{
    char name[300];
    struct stat st;

    snprintf(name, sizeof name, "%s%s", path, suffix);
    return stat(name, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
}

/* Runs SQL on a database of somebody else's. */
static void run_sql(const char *path, const char *text)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(chmod(path, 0600), 0);
}

static void assert_unchanged(const char *path, const char *before, size_t length)
{
    size_t now;
    char *after = scratch_read(path, &now);

    assert_int_equal(now, length);
    assert_memory_equal(after, before, length);
    free(after);
}

/* A closed state file with content over many pages. */
static void make_state(const char *path)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state = open_state_at(path, TOW_STATE_CREATE);
    char value[2000];
    int64_t id;

    memset(value, 'v', sizeof value);
    assert_ok(tow_state_run_begin(state, START("a", "l", 0, 1), &id, &err), err);
    assert_ok(tow_state_begin_write(state, &err), err);
    for (int i = 0; i < 40; i++) {
        char key[16];

        snprintf(key, sizeof key, "%d", i);
        assert_ok(
            tow_state_ledger_write(state, "a", "l", key, tow_sql_blob(value, sizeof value), &err),
            err);
    }
    assert_ok(tow_state_end(state, TOW_OK, &err), err);
    tow_state_close(state);
}

static void test_files_and_folders_are_private_whatever_the_umask(void **fixture)
{
    const struct scratch *scratch = *fixture;
    mode_t before = umask(0);
    char path[256], folder[256];
    struct tow_state *state;

    snprintf(folder, sizeof folder, "%s/x", scratch->folder);
    snprintf(path, sizeof path, "%s/x/y/state.db", scratch->folder);
    state = open_state_at(path, TOW_STATE_CREATE);
    umask(before);
    assert_int_equal(mode_of(folder, ""), 0700);
    assert_int_equal(mode_of(folder, "/y"), 0700);
    assert_int_equal(mode_of(path, ""), 0600);
    assert_int_equal(mode_of(path, "-wal"), 0600);
    assert_int_equal(mode_of(path, "-shm"), 0600);
    tow_state_close(state);
    assert_int_equal(mode_of(path, "-wal"), -1);
    assert_int_equal(mode_of(path, "-shm"), -1);
}

static void test_a_folder_in_which_others_can_replace_the_file_is_refused(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state;
    char folder[256], path[300];

    snprintf(folder, sizeof folder, "%s/x", scratch->folder);
    snprintf(path, sizeof path, "%s/state.db", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(tow_state_open(path, TOW_STATE_CREATE, &state, &err), TOW_E_ENV);
    assert_says(err, path);
    assert_says(err, "/x, and every user can write it (mode 0777): chmod go-w the folder");
    assert_int_equal(mode_of(path, ""), -1);
    assert_int_equal(chmod(folder, 01777), 0);
    tow_state_close(open_state_at(path, TOW_STATE_CREATE));
}

static void test_reading_leaves_no_file_behind(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state;
    struct tow_run run;
    char *before;
    size_t length;

    make_state(scratch->path);
    before = scratch_read(scratch->path, &length);
    state = open_state_at(scratch->path, TOW_STATE_READ);
    assert_ok(tow_state_run(state, 1, &run, &err), err);
    tow_state_close(state);
    assert_int_equal(mode_of(scratch->path, "-wal"), -1);
    assert_int_equal(mode_of(scratch->path, "-shm"), -1);
    assert_unchanged(scratch->path, before, length);
    free(before);
}

static void test_a_newer_schema_is_refused_with_both_versions(void **fixture)
{
    const struct scratch *scratch = *fixture;
    char says[64];

    make_state(scratch->path);
    run_sql(scratch->path, "PRAGMA user_version=4711");
    assert_refused(scratch->path, TOW_E_CONFIG, "version 4711");
    snprintf(says, sizeof says, "up to %d", tow_state_migration.count);
    assert_refused(scratch->path, TOW_E_CONFIG, says);
}

static void test_a_schema_version_that_cannot_be_is_refused(void **fixture)
{
    const struct scratch *scratch = *fixture;

    make_state(scratch->path);
    run_sql(scratch->path, "PRAGMA user_version=0");
    assert_refused(scratch->path, TOW_E_ENV, "damaged: schema version 0");
    run_sql(scratch->path, "PRAGMA user_version=-1");
    assert_refused(scratch->path, TOW_E_ENV, "damaged: schema version -1");
}

static void test_a_database_of_another_program_is_refused_and_left_alone(void **fixture)
{
    static const char *const owners[] = {"CREATE TABLE t (a)", "PRAGMA user_version=1",
                                         "PRAGMA application_id=1"};
    const struct scratch *scratch = *fixture;

    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
        char *before;
        size_t length;

        remove(scratch->path);
        run_sql(scratch->path, owners[i]);
        before = scratch_read(scratch->path, &length);
        assert_refused(scratch->path, TOW_E_ENV, "database of another program");
        assert_unchanged(scratch->path, before, length);
        free(before);
    }
}

static void test_a_database_that_died_before_its_first_table_is_taken(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state;
    struct tow_run run;
    int64_t id;

    run_sql(scratch->path, "PRAGMA journal_mode=WAL");
    state = open_state_at(scratch->path, TOW_STATE_READ);
    assert_int_equal(tow_state_run(state, 1, &run, &err), TOW_END);
    tow_state_close(state);
    state = open_state_at(scratch->path, TOW_STATE_CREATE);
    assert_ok(tow_state_run_begin(state, START("a", "l", 0, 1), &id, &err), err);
    tow_state_close(state);
}

static void test_what_is_no_database_is_refused_and_left_alone(void **fixture)
{
    const struct scratch *scratch = *fixture;
    char text[5000];

    memset(text, 'x', sizeof text);
    scratch_write(scratch->path, text, sizeof text);
    chmod(scratch->path, 0600);
    assert_refused(scratch->path, TOW_E_ENV, "not a SQLite database");
    assert_unchanged(scratch->path, text, sizeof text);
    scratch_write(scratch->path, "x", 1);
    assert_refused(scratch->path, TOW_E_ENV, "not a SQLite database");
    assert_unchanged(scratch->path, "x", 1);
}

static void test_a_truncated_file_is_called_damaged(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct stat st;

    make_state(scratch->path);
    assert_int_equal(stat(scratch->path, &st), 0);
    assert_int_equal(truncate(scratch->path, st.st_size - 4096), 0);
    assert_refused(scratch->path, TOW_E_ENV, "is damaged");
    assert_refused(scratch->path, TOW_E_ENV, "integrity_check");
}

static void test_damage_inside_is_named_when_it_is_met(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_position value = {.size = sizeof value};
    struct tow_state *state;
    char *bytes;
    size_t length;

    make_state(scratch->path);
    bytes = scratch_read(scratch->path, &length);
    memset(bytes + 8 * 4096, 0x5a, length - 8 * 4096);
    scratch_write(scratch->path, bytes, length);
    free(bytes);
    state = open_state_at(scratch->path, TOW_STATE_CREATE);
    int result = TOW_OK;
    for (int i = 0; i < 40 && result == TOW_OK; i++) {
        char key[16];

        snprintf(key, sizeof key, "%d", i);
        result = tow_state_ledger_get(state, "a", "l", key, &value, &err);
    }
    assert_int_equal(result, TOW_E_ENV);
    assert_says(err, "is damaged: ");
    assert_says(err, scratch->path);
    assert_null(strchr(err.message, '\n'));
    tow_state_close(state);
}

static void test_a_missing_table_is_an_error_with_its_name(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state;
    struct tow_run run;

    make_state(scratch->path);
    run_sql(scratch->path, "DROP TABLE runs");
    state = open_state_at(scratch->path, TOW_STATE_READ);
    assert_int_equal(tow_state_run(state, 1, &run, &err), TOW_E_ENV);
    assert_says(err, "runs");
    tow_state_close(state);
}

static void test_a_folder_in_place_of_the_file_is_refused(void **fixture)
{
    const struct scratch *scratch = *fixture;

    assert_int_equal(mkdir(scratch->path, 0700), 0);
    assert_refused(scratch->path, TOW_E_ENV, "is a folder");
}

static void test_a_pipe_in_place_of_the_file_is_refused(void **fixture)
{
    const struct scratch *scratch = *fixture;

    assert_int_equal(mkfifo(scratch->path, 0600), 0);
    assert_refused(scratch->path, TOW_E_ENV, "not a regular file");
}

static void test_a_file_in_place_of_its_folder_is_refused(void **fixture)
{
    const struct scratch *scratch = *fixture;
    char path[256];

    scratch_write(scratch->path, "", 0);
    snprintf(path, sizeof path, "%s/state.db", scratch->path);
    assert_refused(path, TOW_E_ENV, "");
    snprintf(path, sizeof path, "%s/sub/state.db", scratch->path);
    assert_refused(path, TOW_E_ENV, "");
}

static void test_an_empty_path_is_refused(void **fixture)
{
    (void)fixture;
    assert_refused("", TOW_E_CONFIG, "empty");
}

static void test_a_file_that_others_may_write_is_refused(void **fixture)
{
    const struct scratch *scratch = *fixture;

    make_state(scratch->path);
    chmod(scratch->path, 0620);
    assert_refused(scratch->path, TOW_E_ENV, "chmod");
    chmod(scratch->path, 0602);
    assert_refused(scratch->path, TOW_E_ENV, "0602");
    chmod(scratch->path, 0644);
    tow_state_close(open_state_at(scratch->path, TOW_STATE_CREATE));
}

static void test_strange_names_are_names(void **fixture)
{
    static const char *const names[] = {":memory:", "file:x?mode=memory", "a b%41#.db", "\xc3\xa4"};
    const struct scratch *scratch = *fixture;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[256];

        snprintf(path, sizeof path, "%s/%s", scratch->folder, names[i]);
        make_state(path);
        assert_int_equal(mode_of(path, ""), 0600);
        tow_state_close(open_state_at(path, TOW_STATE_READ));
    }
}

/* ---- without the right to write ------------------------------------------------------------- */

#define CHECK(condition)                                             \
    do {                                                             \
        if (!(condition)) {                                          \
            fprintf(stderr, "line %d: %s\n", __LINE__, err.message); \
            return 1;                                                \
        }                                                            \
    } while (0)

/* A child's own state, closed, with one run. */
static int child_make(const struct scratch *scratch, struct tow_error *err)
{
    struct tow_state *state;
    int64_t id;
    int result = tow_state_open(scratch->path, TOW_STATE_CREATE, &state, err);

    if (result == TOW_OK)
        result = tow_state_run_begin(state, START("a", "l", 0, 1), &id, err);
    tow_state_close(state);
    return result;
}

static int child_read_run(const struct scratch *scratch, struct tow_error *err)
{
    struct tow_state *state;
    struct tow_run run;
    int result = tow_state_open(scratch->path, TOW_STATE_READ, &state, err);

    if (result == TOW_OK)
        result = tow_state_run(state, 1, &run, err);
    tow_state_close(state);
    return result;
}

static int child_unwritable_file(const struct scratch *scratch)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state;

    CHECK(child_make(scratch, &err) == TOW_OK);
    CHECK(chmod(scratch->path, 0400) == 0);
    CHECK(tow_state_open(scratch->path, TOW_STATE_CREATE, &state, &err) == TOW_E_ENV);
    CHECK(strstr(err.message, "cannot be written: Permission denied"));
    CHECK(child_read_run(scratch, &err) == TOW_OK);
    CHECK(chmod(scratch->path, 0) == 0);
    CHECK(tow_state_open(scratch->path, TOW_STATE_READ, &state, &err) == TOW_E_ENV);
    CHECK(strstr(err.message, "cannot be read: Permission denied"));
    return 0;
}

static int child_unwritable_folder(const struct scratch *scratch)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state;

    CHECK(child_make(scratch, &err) == TOW_OK);
    CHECK(chmod(scratch->folder, 0500) == 0);
    CHECK(tow_state_open(scratch->path, TOW_STATE_CREATE, &state, &err) == TOW_E_ENV);
    CHECK(strstr(err.message, "its folder") && strstr(err.message, scratch->folder));
    CHECK(child_read_run(scratch, &err) == TOW_OK);
    CHECK(chmod(scratch->folder, 0) == 0);
    CHECK(tow_state_open(scratch->path, TOW_STATE_READ, &state, &err) == TOW_E_ENV);
    CHECK(strstr(err.message, "Permission denied"));
    return 0;
}

static int child_folder_that_cannot_be_made(const struct scratch *scratch)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state;
    char path[256];

    CHECK(chmod(scratch->folder, 0500) == 0);
    CHECK(tow_state_open(scratch->path, TOW_STATE_CREATE, &state, &err) == TOW_E_ENV);
    CHECK(strstr(err.message, "cannot be made: Permission denied"));
    snprintf(path, sizeof path, "%s/sub/state.db", scratch->folder);
    CHECK(tow_state_open(path, TOW_STATE_CREATE, &state, &err) == TOW_E_ENV);
    CHECK(strstr(err.message, "folder") && strstr(err.message, "Permission denied"));
    return 0;
}

static void test_a_file_without_the_right_to_write_can_only_be_read(void **fixture)
{
    assert_int_equal(scratch_child(*fixture, child_unwritable_file, 1), 0);
}

static void test_a_folder_without_the_right_to_write_only_lets_read(void **fixture)
{
    assert_int_equal(scratch_child(*fixture, child_unwritable_folder, 1), 0);
}

static void test_a_folder_that_cannot_be_made_is_named(void **fixture)
{
    assert_int_equal(scratch_child(*fixture, child_folder_that_cannot_be_made, 1), 0);
}

/* ---- a full disk, no memory ----------------------------------------------------------------- */

static void test_a_full_disk_is_told_and_leaves_the_state_whole(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_position value = {.size = sizeof value};
    char bytes[TOW_POSITION_MAX] = "";
    struct tow_state *state;
    char key[16];
    int last = 0, result = TOW_OK;

    make_state(scratch->path);
    state = open_state_at(scratch->path, TOW_STATE_CREATE);
    assert_ok(tow_sql_script(&state->sql, "PRAGMA max_page_count=100", &err), err);
    for (int i = 100; i < 200 && result == TOW_OK; i++) {
        snprintf(key, sizeof key, "%d", i);
        result = tow_state_ledger_put(state, "a", "l", key, bytes, sizeof bytes, &err);
        last = i;
    }
    assert_int_equal(result, TOW_E_ENV);
    assert_says(err, "no room left");
    assert_says(err, scratch->path);
    assert_int_equal(tow_state_ledger_get(state, "a", "l", key, &value, &err), TOW_END);
    snprintf(key, sizeof key, "%d", last - 1);
    assert_ok(tow_state_ledger_get(state, "a", "l", key, &value, &err), err);

    /* There is room again. */
    assert_ok(tow_sql_script(&state->sql, "PRAGMA max_page_count=100000", &err), err);
    assert_ok(tow_state_ledger_put(state, "a", "l", "more", bytes, sizeof bytes, &err), err);
    tow_state_close(state);
}

static int child_file_size_limit(const struct scratch *scratch)
{
    const struct rlimit limit = {64 * 1024, 64 * 1024};
    struct tow_error err = TOW_ERROR_INIT;
    char bytes[TOW_POSITION_MAX] = "";
    struct tow_state *state;
    int result = TOW_OK;

    signal(SIGXFSZ, SIG_IGN);
    CHECK(tow_state_open(scratch->path, TOW_STATE_CREATE, &state, &err) == TOW_OK);
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    for (int i = 0; i < 100 && result == TOW_OK; i++) {
        char key[16];

        snprintf(key, sizeof key, "%d", i);
        result = tow_state_ledger_put(state, "a", "l", key, bytes, sizeof bytes, &err);
    }
    CHECK(result == TOW_E_ENV);
    CHECK(strstr(err.message, strerror(EFBIG)) && strstr(err.message, scratch->path));
    tow_state_close(state);
    return 0;
}

static void test_a_write_that_fails_names_the_reason_of_the_system(void **fixture)
{
    const struct scratch *scratch = *fixture;

    assert_int_equal(scratch_child(scratch, child_file_size_limit, 0), 0);
    tow_state_close(open_state_at(scratch->path, TOW_STATE_CREATE));
}

static int child_no_memory(const struct scratch *scratch)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state;

    sqlite3_hard_heap_limit64(30000);
    CHECK(tow_state_open(scratch->path, TOW_STATE_CREATE, &state, &err) == TOW_E_NOMEM);
    CHECK(!state);
    return 0;
}

static void test_no_memory_for_the_database_is_said_so(void **fixture)
{
    assert_int_equal(scratch_child(*fixture, child_no_memory, 0), 0);
}

/* ---- migrations ----------------------------------------------------------------------------- */

static int64_t number(struct tow_sql *sql, const char *text)
{
    struct tow_error err = TOW_ERROR_INIT;
    int64_t value;

    assert_ok(tow_sql_number(sql, text, &value, &err), err);
    return value;
}

static void test_migrations_are_taken_in_order_and_once(void **fixture)
{
    static const char *const steps[] = {"CREATE TABLE t (a)", "INSERT INTO t VALUES (1)",
                                        "UPDATE t SET a = a + 1; INSERT INTO t VALUES (7)"};
    const struct scratch *scratch = *fixture;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_sql sql;
    int version;

    scratch_write(scratch->path, "", 0);
    assert_ok(tow_sql_open(&sql, scratch->path, TOW_SQL_WRITE, &err), err);
    for (int count = 1; count <= 3; count++) {
        const struct tow_migration migration = {steps, count};

        assert_ok(tow_state_migrate(&sql, &migration, &err), err);
        assert_ok(tow_state_migrate(&sql, &migration, &err), err);
        assert_ok(tow_state_version(&sql, 3, &version, &err), err);
        assert_int_equal(version, count);
    }
    assert_int_equal(number(&sql, "SELECT sum(a) FROM t"), 9);
    const struct tow_migration older = {steps, 2};
    assert_int_equal(tow_state_migrate(&sql, &older, &err), TOW_E_CONFIG);
    tow_sql_close(&sql);
}

static void test_a_migration_that_fails_changes_nothing(void **fixture)
{
    static const char *const steps[] = {"CREATE TABLE t (a)",
                                        "INSERT INTO t VALUES (1); INSERT INTO nowhere VALUES (2)"};
    const struct tow_migration migration = {steps, 2};
    const struct scratch *scratch = *fixture;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_sql sql;

    scratch_write(scratch->path, "", 0);
    assert_ok(tow_sql_open(&sql, scratch->path, TOW_SQL_WRITE, &err), err);
    assert_int_equal(tow_state_migrate(&sql, &migration, &err), TOW_E_ENV);
    assert_says(err, "schema version 2");
    assert_says(err, "nowhere");
    /* Nor does the step before it, which readers would take for an old file's. */
    assert_int_equal(number(&sql, "SELECT count(*) FROM sqlite_master"), 0);
    assert_int_equal(number(&sql, "PRAGMA user_version"), 0);
    tow_sql_close(&sql);
}

#define OPENERS 6

static void test_many_processes_may_make_the_file_at_once(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct tow_state *state;
    pid_t children[OPENERS];
    int gate[2];

    assert_int_equal(pipe(gate), 0);
    for (int i = 0; i < OPENERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            struct tow_error err = TOW_ERROR_INIT;
            int64_t id;
            char byte;
            int failed;

            close(gate[1]);
            failed = read(gate[0], &byte, 1) != 0 ||
                     tow_state_open(scratch->path, TOW_STATE_CREATE, &state, &err) != TOW_OK ||
                     tow_state_run_begin(state, START("a", "l", 0, 1), &id, &err) != TOW_OK;
            if (failed)
                fprintf(stderr, "%s\n", err.message);
            else
                tow_state_close(state);
            _exit(failed);
        }
    }
    /* They all start when the pipe closes. */
    close(gate[0]);
    close(gate[1]);
    for (int i = 0; i < OPENERS; i++) {
        int status;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    state = open_state_at(scratch->path, TOW_STATE_CREATE);
    assert_int_equal(number(&state->sql, "SELECT count(*) FROM runs"), OPENERS);
    assert_int_equal(number(&state->sql, "PRAGMA user_version"), tow_state_migration.count);
    tow_state_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_files_and_folders_are_private_whatever_the_umask),
        SCRATCH_TEST(test_a_folder_in_which_others_can_replace_the_file_is_refused),
        SCRATCH_TEST(test_reading_leaves_no_file_behind),
        SCRATCH_TEST(test_a_newer_schema_is_refused_with_both_versions),
        SCRATCH_TEST(test_a_schema_version_that_cannot_be_is_refused),
        SCRATCH_TEST(test_a_database_of_another_program_is_refused_and_left_alone),
        SCRATCH_TEST(test_a_database_that_died_before_its_first_table_is_taken),
        SCRATCH_TEST(test_what_is_no_database_is_refused_and_left_alone),
        SCRATCH_TEST(test_a_truncated_file_is_called_damaged),
        SCRATCH_TEST(test_damage_inside_is_named_when_it_is_met),
        SCRATCH_TEST(test_a_missing_table_is_an_error_with_its_name),
        SCRATCH_TEST(test_a_folder_in_place_of_the_file_is_refused),
        SCRATCH_TEST(test_a_pipe_in_place_of_the_file_is_refused),
        SCRATCH_TEST(test_a_file_in_place_of_its_folder_is_refused),
        SCRATCH_TEST(test_an_empty_path_is_refused),
        SCRATCH_TEST(test_a_file_that_others_may_write_is_refused),
        SCRATCH_TEST(test_strange_names_are_names),
        SCRATCH_TEST(test_a_file_without_the_right_to_write_can_only_be_read),
        SCRATCH_TEST(test_a_folder_without_the_right_to_write_only_lets_read),
        SCRATCH_TEST(test_a_folder_that_cannot_be_made_is_named),
        SCRATCH_TEST(test_a_full_disk_is_told_and_leaves_the_state_whole),
        SCRATCH_TEST(test_a_write_that_fails_names_the_reason_of_the_system),
        SCRATCH_TEST(test_no_memory_for_the_database_is_said_so),
        SCRATCH_TEST(test_migrations_are_taken_in_order_and_once),
        SCRATCH_TEST(test_a_migration_that_fails_changes_nothing),
        SCRATCH_TEST(test_many_processes_may_make_the_file_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
