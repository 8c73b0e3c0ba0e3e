/* The sink databricks_copy where each allocation fails in turn: it says so, loses nothing, and the
 * next process goes on. What stands in for the core and for the far end has all the memory it
 * wants. */
#include "unit.h"

#include "connectors/databricks/statement.h"
#include "connectors/databricks/volume.h"
#include "copy_job.h"
#include "nomem.h"

/* ---- the far end and the host --------------------------------------------------------------- */

/* Memory fails in the plugin, and in nothing else. */
static void enters(int is_inside)
{
    nomem_pause(!is_inside);
}

int __real_tow_statement_run(struct tow_databricks *databricks,
                             const struct tow_statement_request *request, struct tow_statement *out,
                             struct tow_error *err);
int __wrap_tow_statement_run(struct tow_databricks *databricks,
                             const struct tow_statement_request *request, struct tow_statement *out,
                             struct tow_error *err);
int __real_tow_volume_put(struct tow_databricks *databricks, const char *path, int fd,
                          int64_t length, struct tow_error *err);
int __wrap_tow_volume_put(struct tow_databricks *databricks, const char *path, int fd,
                          int64_t length, struct tow_error *err);
char *__real_tow_statement_text(struct tow_databricks *databricks, struct tow_statement *statement,
                                const char *column, struct tow_error *err);
char *__wrap_tow_statement_text(struct tow_databricks *databricks, struct tow_statement *statement,
                                const char *column, struct tow_error *err);

int __wrap_tow_statement_run(struct tow_databricks *databricks,
                             const struct tow_statement_request *request, struct tow_statement *out,
                             struct tow_error *err)
{
    int code;

    enters(0);
    code = __real_tow_statement_run(databricks, request, out, err);
    enters(1);
    return code;
}

int __wrap_tow_volume_put(struct tow_databricks *databricks, const char *path, int fd,
                          int64_t length, struct tow_error *err)
{
    int code;

    enters(0);
    code = __real_tow_volume_put(databricks, path, fd, length, err);
    enters(1);
    return code;
}

char *__wrap_tow_statement_text(struct tow_databricks *databricks, struct tow_statement *statement,
                                const char *column, struct tow_error *err)
{
    char *text;

    enters(0);
    text = __real_tow_statement_text(databricks, statement, column, err);
    enters(1);
    return text;
}

static void (*real_log)(const struct tow_host *host, int32_t level, const char *message);
static int32_t (*real_put)(const struct tow_host *host, const char *key, const void *value,
                           uint32_t length, struct tow_error *err);

static void log_line(const struct tow_host *host, int32_t level, const char *message)
{
    int was_paused = nomem_pause(1);

    real_log(host, level, message);
    nomem_pause(was_paused);
}

static int32_t put_fact(const struct tow_host *host, const char *key, const void *value,
                        uint32_t length, struct tow_error *err)
{
    int32_t code;

    enters(0);
    code = real_put(host, key, value, length, err);
    enters(1);
    return code;
}

/* ---- runs ----------------------------------------------------------------------------------- */

/* 1 where allocation `n` was made, and failed. */
static int run_without(const char *mode, const char *keys, long n)
{
    struct copy_job job;
    int code, has_failed;

    nomem_pause(1);
    copy_job_init(&job, mode, keys ? "keys" : NULL, keys, NULL);
    if (strcmp(mode, "drop_create") == 0)
        copy_job_set(&job, "schema", "infer");
    real_log = job.fake.host.log;
    real_put = job.fake.host.ledger_put;
    job.fake.host.log = log_line;
    job.fake.host.ledger_put = put_fact;
    job.enters = enters;
    job.rows = 20;
    /* Something to sweep. */
    assert_ok(copy_job_open(&job), job.err);
    assert_ok(copy_job_write(&job, 10), job.err);
    copy_job_close(&job);

    nomem_after(n);
    code = copy_job_run(&job);
    has_failed = nomem_stop();
    if (code != TOW_OK && code != TOW_E_NOMEM)
        fail_msg("%s, allocation %ld: %s: %s", mode, n, tow_error_name(code), job.err.message);
    if (code == TOW_E_NOMEM)
        assert_ok(copy_job_run(&job), job.err);
    copy_job_assert_rows(&job, 20, 0);
    copy_job_release(&job);
    return has_failed;
}

static void run_all(const char *mode, const char *keys)
{
    long n = 0;

    while (run_without(mode, keys, n))
        n++;
    assert_true(n > 100);
}

static void test_append_survives_every_allocation_that_fails(void **state)
{
    (void)state;
    run_all("append", NULL);
}

static void test_replace_survives_every_allocation_that_fails(void **state)
{
    (void)state;
    run_all("replace", NULL);
}

static void test_merge_survives_every_allocation_that_fails(void **state)
{
    (void)state;
    run_all("merge", "id");
}

static void test_an_inferred_table_survives_every_allocation_that_fails(void **state)
{
    (void)state;
    run_all("drop_create", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append_survives_every_allocation_that_fails),
        cmocka_unit_test(test_replace_survives_every_allocation_that_fails),
        cmocka_unit_test(test_merge_survives_every_allocation_that_fails),
        cmocka_unit_test(test_an_inferred_table_survives_every_allocation_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
