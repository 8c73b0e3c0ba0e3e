/* The source events where each allocation fails in turn: it says so, and goes on when called again.
 */
#include "bare_host.h"
#include "events_fixture.h"
#include "nomem.h"
#include "plugins/events/source.h"
#include "unit.h"

tow_plugin_entry events_LTX_tow_plugin_entry;

struct load {
    const struct tow_source_ops *ops;
    void *self;
    int64_t rows, bytes, marks;
    int has_failed; /* 1: an allocation */
};

static int open_armed(struct load *load, const struct tow_host *host, struct tow_error *err)
{
    const struct tow_position start = {.size = sizeof start};
    struct ArrowSchema schema = {.release = NULL};
    int code;

    nomem_pause(0);
    code = load->ops->open(load->self, host, &start, err);
    if (code == TOW_OK)
        code = load->ops->schema(load->self, &schema, err);
    nomem_pause(1);
    if (schema.release)
        schema.release(&schema);
    return code;
}

static int read_armed(struct load *load, struct tow_error *err)
{
    struct tow_batch batch = {.size = sizeof batch, .position.size = sizeof batch.position};
    int code;

    nomem_pause(0);
    code = load->ops->read(load->self, &batch, err);
    nomem_pause(1);
    if (code != TOW_OK) {
        assert_null(batch.array.release);
        return code;
    }
    load->rows += batch.array.length;
    load->marks += batch.mark_key != NULL;
    load->bytes += ((const int32_t *)batch.array.children[4]->buffers[1])[batch.array.length];
    batch.array.release(&batch.array);
    if (batch.lines.release)
        batch.lines.release(&batch.lines);
    return TOW_OK;
}

static void write_files(void **state)
{
    char *text = events_numbered(1, 200), *longer = malloc(9100);
    size_t length = 0;

    events_write(*state, "1",
                 "{\"data\":\"{\\\"a\\\":1}\",\"stream\":\"\\u0061\",\"id\":\"x\"}\n{\"x\"\n"
                 "{\"x\":\"\xff\",\"i\\u0064\":5,\"a\":1}\n{\"\\u0061\":1}\n");
    events_write_gzip(*state, "2.gz", text);
    length += (size_t)sprintf(longer, "[{\"id\":1,\"a\":\"");
    memset(longer + length, 'x', 9000);
    strcpy(longer + length + 9000, "\"},{\"id\":2}]");
    events_write(*state, "3", longer);
    events_write(*state, "4.csv", "id,a,ts\n1,\"x\"\"y\",0\n2,,\n\"3\n");
    free(text);
    free(longer);
}

/* A load in which allocation `at` (-1: none) fails; returns how often a call said so. */
static int run_load(struct load *load, const struct tow_host *host, const char *const *settings,
                    long at)
{
    struct tow_error err = TOW_ERROR_INIT;
    int code, failures = 0;

    *load = (struct load){.ops = events_LTX_tow_plugin_entry()->source,
                          .self = fake_instance_new(events_LTX_tow_plugin_entry(), settings)};
    ((struct tow_events_source *)load->self)->window_size = 100;
    nomem_pause(1);
    nomem_after(at);
    bare_forget();
    code = open_armed(load, host, &err);
    if (code == TOW_E_NOMEM) {
        failures++;
        load->ops->close(load->self);
        code = open_armed(load, host, &err);
    }
    assert_ok(code, err);
    do {
        code = read_armed(load, &err);
        failures += code == TOW_E_NOMEM;
    } while (code == TOW_OK || code == TOW_E_NOMEM);
    load->has_failed = nomem_stop();
    if (code != TOW_END)
        fail_msg("allocation %ld: %s", at, err.message);
    load->ops->close(load->self);
    fake_instance_free(load->self);
    return failures;
}

static void each_allocation_fails_once(void **state, const char *const *settings, int64_t rows,
                                       int64_t marks, int64_t rejected)
{
    struct load whole, load;
    struct fake_host fake;
    int failures = 0;

    write_files(state);
    bare_host_init(&fake);
    fake.host.batch_rows = 50;
    run_load(&whole, &fake.host, settings, -1);
    assert_int_equal(whole.rows, rows);
    assert_int_equal(whole.marks, marks);
    assert_int_equal(bare_seen.reject_lines, rejected);
    for (long at = 0; at == 0 || load.has_failed; at++) {
        failures += run_load(&load, &fake.host, settings, at);
        assert_int_equal(load.rows, whole.rows);
        assert_int_equal(load.bytes, whole.bytes);
        assert_int_equal(load.marks, whole.marks);
        assert_int_equal(bare_seen.reject_lines, rejected);
    }
    assert_true(failures > 10);
    fake_host_release(&fake);
}

static void test_each_allocation_may_fail_once(void **state)
{
    each_allocation_fails_once(state,
                               SET("path", events_path(*state, ""), "stream", "s", "invalid_utf8",
                                   "replace", "stream_fields", "a,b", "max_row_bytes", "8000"),
                               206, 4, 2 + 1 + 4);
}

static void test_each_allocation_may_fail_once_where_files_grow(void **state)
{
    /* The compressed file and the array are read whole; each batch of the other has a mark. */
    each_allocation_fails_once(state,
                               SET("path", events_path(*state, ""), "stream", "s", "tail", "true",
                                   "invalid_utf8", "replace"),
                               207, 4, 2 + 4);
}

static void test_each_allocation_may_fail_once_where_a_job_starts_from_now(void **state)
{
    each_allocation_fails_once(state,
                               SET("path", events_path(*state, ""), "stream", "s", "tail", "true",
                                   "start_from_end", "true"),
                               0, 5, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation_may_fail_once),
        cmocka_unit_test(test_each_allocation_may_fail_once_where_files_grow),
        cmocka_unit_test(test_each_allocation_may_fail_once_where_a_job_starts_from_now),
    };

    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
