/* The source databricks over a far end in memory: what it reads, and how it goes on. */
#include "fake_host.h"
#include "far_end.h"
#include "plugins/databricks/scan.h"
#include "scratch.h"
#include "towpath/rowtext.h"
#include "unit.h"

tow_plugin_entry databricks_LTX_tow_plugin_entry;

#define SECOND INT64_C(1000000)
#define AT(s)  (INT64_C(1767225600) * SECOND + (s)*SECOND) /* 2026-01-01, and seconds */

#define POSITIONS_MAX 128

struct load {
    struct fake_host fake;
    struct tow_scan *scan;
    struct ArrowSchema schema;
    struct tow_json_writer *writer;
    struct tow_buffer rows; /* ids, with a space behind each */
    int64_t count, counted;
    struct tow_position positions[POSITIONS_MAX]; /* after each batch */
    int64_t row_at[POSITIONS_MAX];
    size_t batches;
    struct tow_position end;
    struct tow_error err;
};

#define SET(...) ((const char *const[]){__VA_ARGS__, NULL})
#define LOGIN    "host", "http://localhost", "token", "x", "warehouse_id", "w", "table", "t"

static const struct tow_source_ops *ops(void)
{
    return databricks_LTX_tow_plugin_entry()->source;
}

static void load_init(struct load *load, const char *const *settings)
{
    *load = (struct load){.err = TOW_ERROR_INIT};
    fake_host_init(&load->fake);
    load->fake.host.batch_rows = 2;
    load->fake.now_us = far.now_us;
    load->scan = fake_instance_new(databricks_LTX_tow_plugin_entry(), settings);
}

static int load_open(struct load *load, const struct tow_position *from)
{
    static const struct tow_position start = {.size = sizeof start};
    int code = ops()->open(load->scan, &load->fake.host, from ? from : &start, &load->err);

    if (code == TOW_OK)
        code = ops()->schema(load->scan, &load->schema, &load->err);
    return code;
}

static void load_take(struct load *load, const struct tow_batch *batch)
{
    struct tow_view view;

    assert_ok(tow_array_validate(&batch->array, &load->schema, &load->err), load->err);
    tow_view_init(&view, &load->schema, &batch->array, 0);
    for (int64_t i = 0; i < batch->array.length; i++)
        assert_ok(tow_buffer_printf(&load->rows, &load->err, "%lld ",
                                    (long long)tow_view_int64(&view, i)),
                  load->err);
    load->count += batch->array.length;
    assert_true(load->batches < POSITIONS_MAX);
    load->positions[load->batches] = batch->position;
    load->row_at[load->batches++] = load->count + (int64_t)load->fake.reject_count;
}

/* One read; TOW_E_TRANSIENT is asked again. */
static int load_read(struct load *load)
{
    struct tow_batch batch = {.size = sizeof batch, .position.size = sizeof batch.position};
    int code = ops()->read(load->scan, &batch, &load->err);

    if (code == TOW_OK)
        load_take(load, &batch);
    if (code == TOW_END) {
        assert_int_equal(batch.flags, TOW_BATCH_COUNTED);
        load->counted = batch.counted;
        load->end = batch.position;
    }
    if (batch.array.release)
        batch.array.release(&batch.array);
    return code;
}

static int load_run(struct load *load, const struct tow_position *from)
{
    int code = load_open(load, from);
    int passing = 0;

    if (code != TOW_OK)
        return code;
    while (code == TOW_OK || (code == TOW_E_TRANSIENT && passing++ < 1000))
        code = load_read(load);
    return code;
}

static const char *load_rows(struct load *load)
{
    assert_int_equal(tow_buffer_append(&load->rows, "", 1, NULL), TOW_OK);
    load->rows.size--;
    return load->rows.data;
}

static void load_release(struct load *load)
{
    ops()->close(load->scan);
    fake_instance_free(load->scan);
    fake_host_release(&load->fake);
    if (load->schema.release)
        load->schema.release(&load->schema);
    tow_buffer_release(&load->rows);
}

/* A whole load, which gives these ids; what it ends with is left in `end`. */
static void assert_load(const char *const *settings, const struct tow_position *from,
                        const char *ids, struct tow_position *end)
{
    struct load load;
    int code;

    load_init(&load, settings);
    code = load_run(&load, from);
    if (code != TOW_END)
        fail_msg("%s: %s", tow_error_name(code), load.err.message);
    assert_string_equal(load_rows(&load), ids);
    assert_int_equal(load.counted, load.count + (int64_t)load.fake.reject_count);
    if (end)
        *end = load.end;
    load_release(&load);
}

static void assert_fails(const char *const *settings, const struct tow_position *from, int class,
                         const char *says)
{
    struct load load;

    load_init(&load, settings);
    assert_int_equal(load_run(&load, from), class);
    assert_says(load.err, says);
    load_release(&load);
}

static int setup(void **state)
{
    (void)state;
    unsetenv("DATABRICKS_CONFIG_PROFILE");
    far_reset();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    far_release();
    return 0;
}

/* Nine rows, of which three have one time and two another. */
static void fill(void)
{
    static const int seconds[] = {1, 2, 2, 2, 3, 4, 4, 5, 6};

    for (int i = 0; i < 9; i++)
        far_add(8 - i, AT(seconds[8 - i]), i % 2 ? "x" : NULL);
}

/* ---- whole loads ---------------------------------------------------------------------------- */

static void test_a_table_is_read_as_it_comes(void **state)
{
    struct tow_position end;

    (void)state;
    fill();
    assert_load(SET(LOGIN), NULL, "8 7 6 5 4 3 2 1 0 ", &end);
    assert_int_equal(end.length, 0);
    /* Nobody needs a version, or bounds. */
    assert_int_equal(far.text_count, 2);
    assert_int_equal(far_submitted("LIMIT 0"), 1);
}

static void test_an_empty_table_is_a_load_without_rows(void **state)
{
    struct tow_position end;

    (void)state;
    assert_load(SET(LOGIN), NULL, "", &end);
    assert_load(SET(LOGIN, "cursor", "at"), NULL, "", &end);
    assert_int_equal(end.length, 0);
}

static void test_waiting_for_the_warehouse_is_told(void **state)
{
    struct load load;

    (void)state;
    load_init(&load, SET(LOGIN));
    assert_int_equal(load_run(&load, NULL), TOW_END);
    assert_true(fake_host_logged(&load.fake, TOW_LOG_INFO, "waiting for the warehouse"));
    load_release(&load);
}

static void test_padding_is_no_row(void **state)
{
    (void)state;
    fill();
    far.padding = 5;
    assert_load(SET(LOGIN), NULL, "8 7 6 5 4 3 2 1 0 ", NULL);
}

static void test_fewer_rows_than_a_link_promises_fail_the_load(void **state)
{
    (void)state;
    fill();
    far.missing = 1;
    assert_fails(SET(LOGIN), NULL, TOW_E_ENV,
                 "chunk 2 of statement s0: 2 rows came, its link "
                 "promises 3");
}

static void test_chunks_that_say_nothing_of_their_rows_are_counted_in_the_end(void **state)
{
    struct load load;

    (void)state;
    fill();
    far.untold = 1;
    assert_load(SET(LOGIN), NULL, "8 7 6 5 4 3 2 1 0 ", NULL);
    far.missing = 1;
    load_init(&load, SET(LOGIN));
    assert_int_equal(load_run(&load, NULL), TOW_END);
    assert_int_equal(load.count, 8);
    assert_int_equal(load.counted, 9);
    load_release(&load);
}

static void test_a_truncated_result_fails_the_load(void **state)
{
    (void)state;
    fill();
    far.truncated = 1;
    assert_fails(SET(LOGIN), NULL, TOW_E_ENV, "was cut off at 9 rows");
}

static void test_a_damaged_chunk_fails_the_load(void **state)
{
    (void)state;
    fill();
    far.damage = "this is no stream of anything";
    assert_fails(SET(LOGIN), NULL, TOW_E_ENV, "t: chunk 0 of statement s0: ");
}

static void test_a_type_that_changes_in_between_fails_the_load(void **state)
{
    (void)state;
    fill();
    far.main_id_type = "INT";
    assert_fails(SET(LOGIN), NULL, TOW_E_ENV,
                 "the type of column \"id\" was BIGINT and is now "
                 "INT");
}

static void test_failures_that_pass_lose_nothing(void **state)
{
    (void)state;
    fill();
    far.fail_every = 2;
    assert_load(SET(LOGIN), NULL, "8 7 6 5 4 3 2 1 0 ", NULL);
    far.submit_failures = 1;
    assert_fails(SET(LOGIN), NULL, TOW_E_TRANSIENT, "opening t: no answer");
}

static void test_the_statement_is_submitted_again_after_a_failure_that_passes(void **state)
{
    struct load load;
    int code;

    (void)state;
    fill();
    load_init(&load, SET(LOGIN));
    assert_ok(load_open(&load, NULL), load.err);
    far.submit_failures = 2;
    for (int i = 0; i < 2; i++)
        assert_int_equal(load_read(&load), TOW_E_TRANSIENT);
    do
        code = load_read(&load);
    while (code == TOW_OK);
    assert_int_equal(code, TOW_END);
    assert_int_equal(load.count, 9);
    load_release(&load);
}

static void test_a_stop_is_heard(void **state)
{
    struct load load;

    (void)state;
    fill();
    load_init(&load, SET(LOGIN));
    assert_ok(load_open(&load, NULL), load.err);
    fake_host_cancel(&load.fake);
    assert_int_equal(load_read(&load), TOW_E_CANCELLED);
    load_release(&load);
    assert_int_equal(far.closes, 0);
}

/* ---- inline --------------------------------------------------------------------------------- */

static void test_few_rows_come_inline(void **state)
{
    (void)state;
    fill();
    assert_load(SET(LOGIN, "limit", "5"), NULL, "8 7 6 5 4 ", NULL);
    assert_int_equal(far_submitted("unix_micros("), 1);
    assert_load(SET(LOGIN, "limit", "5", "result", "links"), NULL, "8 7 6 5 4 ", NULL);
    assert_load(SET(LOGIN, "limit", "1001"), NULL, "8 7 6 5 4 3 2 1 0 ", NULL);
    assert_int_equal(far_submitted("unix_micros("), 1);
    assert_load(SET(LOGIN, "result", "inline"), NULL, "8 7 6 5 4 3 2 1 0 ", NULL);
    assert_int_equal(far_submitted("unix_micros("), 2);
}

static void test_a_workspace_without_links_sends_rows_inline(void **state)
{
    struct load load;

    (void)state;
    fill();
    far.no_links = 1;
    load_init(&load, SET(LOGIN));
    assert_int_equal(load_run(&load, NULL), TOW_END);
    assert_int_equal(load.count, 9);
    assert_true(fake_host_logged(&load.fake, TOW_LOG_INFO, "hands out no links"));
    load_release(&load);
    assert_fails(SET(LOGIN, "result", "links"), NULL, TOW_E_UNSUPPORTED, "does not hand out links");
}

static void test_few_rows_too_large_for_inline_come_by_links(void **state)
{
    (void)state;
    fill();
    far.too_large = 1;
    assert_load(SET(LOGIN, "limit", "5"), NULL, "8 7 6 5 4 ", NULL);
    assert_fails(SET(LOGIN, "result", "inline"), NULL, TOW_E_CONFIG, "limit exceeded");
}

static void test_inline_failures_that_pass_lose_nothing(void **state)
{
    (void)state;
    fill();
    for (far.fail_every = 2; far.fail_every < 6; far.fail_every++)
        assert_load(SET(LOGIN, "result", "inline"), NULL, "8 7 6 5 4 3 2 1 0 ", NULL);
}

static void test_an_inline_cell_that_cannot_be_read_rejects_its_row(void **state)
{
    struct load load;

    (void)state;
    fill();
    far.rows[4].name = "\xFF";
    load_init(&load, SET(LOGIN, "result", "inline"));
    assert_int_equal(load_run(&load, NULL), TOW_END);
    assert_string_equal(load_rows(&load), "8 7 6 5 3 2 1 0 ");
    assert_int_equal(load.fake.reject_count, 1);
    assert_string_equal(load.fake.rejects[0].code, "invalid_utf8");
    assert_int_equal(load.counted, 9);
    load_release(&load);
}

/* ---- faulty rows ---------------------------------------------------------------------------- */

static void test_a_faulty_row_is_rejected_and_the_others_go_on(void **state)
{
    struct load load;

    (void)state;
    fill();
    far.rows[4].name = "a\xFFz";
    load_init(&load, SET(LOGIN));
    assert_int_equal(load_run(&load, NULL), TOW_END);
    assert_string_equal(load_rows(&load), "8 7 6 5 3 2 1 0 ");
    assert_int_equal(load.fake.reject_count, 1);
    assert_string_equal(load.fake.rejects[0].code, "invalid_utf8");
    assert_string_equal(load.fake.rejects[0].message,
                        "column \"name\", row 5 of the load: byte 2 of 3, 0xFF, is not UTF-8");
    assert_string_equal(load.fake.rejects[0].origin, "t");
    assert_int_equal(load.fake.rejects[0].line, 5);
    assert_string_equal(load.fake.rejects[0].raw,
                        "{\"id\":4,\"at\":\"2026-01-01T00:00:03Z\",\"name\":\"a\xFFz\"}");
    assert_int_equal(load.counted, 9);
    load_release(&load);
}

static void test_a_batch_of_faulty_rows_alone_has_no_rows(void **state)
{
    struct load load;

    (void)state;
    for (int i = 0; i < 4; i++)
        far_add(i, AT(i), "\xFF");
    load_init(&load, SET(LOGIN));
    assert_int_equal(load_run(&load, NULL), TOW_END);
    assert_int_equal(load.count, 0);
    assert_int_equal(load.batches, 3);
    assert_int_equal(load.fake.reject_count, 4);
    assert_int_equal(load.counted, 4);
    load_release(&load);
}

/* ---- incremental ---------------------------------------------------------------------------- */

static void test_the_next_run_reads_what_is_new(void **state)
{
    struct tow_position end;

    (void)state;
    fill();
    assert_load(SET(LOGIN, "cursor", "at"), NULL, "0 1 2 3 4 5 6 7 8 ", &end);
    assert_load(SET(LOGIN, "cursor", "at"), &end, "", &end);
    far_add(20, AT(6), NULL);
    far_add(21, AT(6) + 1, NULL);
    far_add(22, AT(7), NULL);
    /* A row that turns up with the last run's time has been passed. */
    assert_load(SET(LOGIN, "cursor", "at"), &end, "21 22 ", &end);
    assert_load(SET(LOGIN, "cursor", "at"), &end, "", &end);
    end.bytes[end.length] = '\0';
    assert_string_equal((const char *)end.bytes, "{\"v\":1,\"order\":\"at timestamp\",\"next\":["
                                                 "\"2026-01-01T00:00:07.000000Z\"]}");
}

static void test_a_value_of_the_future_is_warned_of(void **state)
{
    const char *const *settings = SET(LOGIN, "cursor", "at");

    (void)state;
    for (int is_future = 0; is_future < 2; is_future++) {
        struct load load;

        far_reset();
        far_add(1, far.now_us + (is_future ? 27 : 25) * 3600 * SECOND, NULL);
        load_init(&load, settings);
        assert_int_equal(load_run(&load, NULL), TOW_END);
        assert_int_equal(fake_host_logged(&load.fake, TOW_LOG_WARN, "rows of the future"),
                         is_future);
        load_release(&load);
    }
}

static void test_since_is_where_the_first_run_begins(void **state)
{
    const char *const *settings = SET(LOGIN, "cursor", "at", "since", "2026-01-01 00:00:04");
    struct tow_position end;

    (void)state;
    fill();
    assert_load(settings, NULL, "7 8 ", &end);
    assert_load(SET(LOGIN, "cursor", "at", "since", "2025-01-01"), &end, "", NULL);
    assert_load(SET(LOGIN, "cursor", "at", "since", "2027-01-01"), NULL, "", &end);
    assert_int_equal(end.length, 0);
}

static void test_overlap_reads_again_but_not_before_since(void **state)
{
    struct tow_position end;

    (void)state;
    fill();
    assert_load(SET(LOGIN, "cursor", "at", "overlap", "2s"), NULL, "0 1 2 3 4 5 6 7 8 ", &end);
    assert_load(SET(LOGIN, "cursor", "at", "overlap", "2s"), &end, "7 8 ", &end);
    assert_load(SET(LOGIN, "cursor", "at", "overlap", "100s", "since", "2026-01-01 00:00:05"), &end,
                "8 ", &end);
    /* The end does not go back, although the last row is gone. */
    far.count = 0;
    far_add(1, AT(5), NULL);
    assert_load(SET(LOGIN, "cursor", "at", "overlap", "2s"), &end, "1 ", &end);
    far_add(2, AT(4), NULL);
    assert_load(SET(LOGIN, "cursor", "at", "overlap", "2s"), &end, "1 ", &end);
}

static void test_lag_leaves_young_rows_to_later_runs(void **state)
{
    struct tow_position end;

    (void)state;
    fill();
    far.now_us = AT(8);
    assert_load(SET(LOGIN, "cursor", "at", "lag", "3s"), NULL, "0 1 2 3 4 5 6 7 ", &end);
    far.now_us = AT(9);
    assert_load(SET(LOGIN, "cursor", "at", "lag", "3s"), &end, "8 ", NULL);
}

static void test_rows_without_a_cursor_value_come_once(void **state)
{
    struct tow_position end;

    (void)state;
    far_add(1, -1, NULL);
    far_add(2, -1, NULL);
    assert_load(SET(LOGIN, "cursor", "at"), NULL, "1 2 ", &end);
    far_add(3, AT(1), NULL);
    assert_load(SET(LOGIN, "cursor", "at"), &end, "3 ", &end);
    far_add(4, -1, NULL);
    assert_load(SET(LOGIN, "cursor", "at"), &end, "", &end);
    assert_load(SET(LOGIN, "cursor", "at", "null_cursor", "skip"), NULL, "3 ", NULL);
    assert_fails(SET(LOGIN, "cursor", "at", "null_cursor", "fail"), NULL, TOW_E_CONFIG,
                 "3 rows of t have no at");
    assert_load(SET(LOGIN, "cursor", "at", "since", "2026-01-01"), NULL, "3 ", NULL);
}

static void test_an_unpinned_load_ends_at_the_newest_value_of_its_beginning(void **state)
{
    (void)state;
    fill();
    assert_load(SET(LOGIN, "cursor", "at", "snapshot", "none"), NULL, "0 1 2 3 4 5 6 7 8 ", NULL);
    assert_int_equal(far_submitted("AS `newest`"), 1);
    assert_int_equal(far_submitted("DESCRIBE"), 0);
    assert_int_equal(far_submitted(":upto0"), 1);
}

static void test_a_table_with_versions_is_pinned(void **state)
{
    (void)state;
    fill();
    far.version = 12;
    assert_load(SET(LOGIN, "cursor", "at"), NULL, "0 1 2 3 4 5 6 7 8 ", NULL);
    assert_int_equal(far_submitted("VERSION AS OF 12"), 1);
    assert_int_equal(far_submitted("AS `newest`"), 0);
    assert_load(SET(LOGIN, "snapshot", "pinned"), NULL, "8 7 6 5 4 3 2 1 0 ", NULL);
    assert_int_equal(far_submitted("VERSION AS OF 12"), 2);
}

static void test_a_table_without_versions_is_read_as_it_is(void **state)
{
    struct load load;

    (void)state;
    fill();
    far.history_class = "EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE";
    far.history_code = TOW_E_ENV;
    load_init(&load, SET(LOGIN, "cursor", "at"));
    assert_int_equal(load_run(&load, NULL), TOW_END);
    assert_int_equal(load.count, 9);
    assert_true(fake_host_logged(&load.fake, TOW_LOG_INFO,
                                 "t is read without a pinned version: [EXPECT_TABLE_NOT_VIEW"));
    load_release(&load);
    assert_fails(SET(LOGIN, "snapshot", "pinned"), NULL, TOW_E_ENV,
                 "snapshot = \"pinned\": [EXPECT_TABLE");
    /* What passes must not decide it. */
    far.history_code = TOW_E_TRANSIENT;
    assert_fails(SET(LOGIN, "cursor", "at"), NULL, TOW_E_TRANSIENT, "EXPECT_TABLE");
}

static void test_limit_goes_on_behind_the_last_row(void **state)
{
    const char *const *settings = SET(LOGIN, "cursor", "at", "tie_break", "id", "limit", "4");
    struct tow_position end;

    (void)state;
    fill();
    far_add(30, -1, NULL);
    assert_load(settings, NULL, "30 0 1 2 ", &end);
    assert_load(settings, &end, "3 4 5 6 ", &end);
    assert_load(settings, &end, "7 8 ", &end);
    assert_load(settings, &end, "", &end);
    far_add(31, AT(7), NULL);
    assert_load(settings, &end, "31 ", NULL);
}

/* ---- going on ------------------------------------------------------------------------------- */

/* From every position of a whole load, the rest comes. */
static void assert_resumes(const char *const *settings, const char *const *ids, size_t count)
{
    struct load whole;

    load_init(&whole, settings);
    assert_int_equal(load_run(&whole, NULL), TOW_END);
    assert_int_equal(whole.count, count);
    for (size_t i = 0; i < whole.batches; i++) {
        char rest[512] = "";

        for (size_t row = (size_t)whole.row_at[i]; row < count; row++)
            strcat(strcat(rest, ids[row]), " ");
        assert_load(settings, &whole.positions[i], rest, NULL);
    }
    load_release(&whole);
}

static const char *const ordered[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8"};
static const char *const unordered[] = {"8", "7", "6", "5", "4", "3", "2", "1", "0"};

static void test_every_position_goes_on_in_the_same_result(void **state)
{
    (void)state;
    fill();
    assert_resumes(SET(LOGIN), unordered, 9);
    assert_resumes(SET(LOGIN, "cursor", "at", "snapshot", "none"), ordered, 9);
    /* All by the results of the two whole loads. */
    assert_int_equal(far_submitted("ORDER BY"), 1);
    assert_int_equal(far.finds, 12);
}

static void test_every_position_goes_on_by_key_where_the_result_is_gone(void **state)
{
    (void)state;
    fill();
    far.version = 3;
    far.forgets = 1;
    assert_resumes(SET(LOGIN, "cursor", "at"), ordered, 9);
    assert_resumes(SET(LOGIN, "cursor", "at", "tie_break", "id"), ordered, 9);
    assert_resumes(SET(LOGIN, "tie_break", "id"), ordered, 9);
    far.version = -1;
    assert_resumes(SET(LOGIN, "cursor", "at", "tie_break", "id"), ordered, 9);
    assert_resumes(SET(LOGIN, "tie_break", "id", "limit", "8"), ordered, 8);
}

static void test_rows_without_order_whose_result_is_gone_say_how_to_start_anew(void **state)
{
    struct load whole;

    (void)state;
    fill();
    load_init(&whole, SET(LOGIN));
    assert_int_equal(load_run(&whole, NULL), TOW_END);
    far.forgets = 1;
    assert_fails(SET(LOGIN), &whole.positions[0], TOW_E_CONFIG, "towpath run --full");
    assert_fails(SET(LOGIN), &whole.positions[2], TOW_E_CONFIG, "tie_break = [unique columns]");
    /* Nothing is left to read. */
    assert_load(SET(LOGIN), &whole.positions[whole.batches - 1], "", NULL);
    load_release(&whole);
}

static void test_without_tie_break_rows_that_may_have_changed_come_again(void **state)
{
    const char *const *settings = SET(LOGIN, "cursor", "at");
    struct load whole, rest;

    (void)state;
    fill();
    load_init(&whole, settings);
    assert_int_equal(load_run(&whole, NULL), TOW_END);
    far.forgets = 1;
    /* Behind row 2, the second of three with its time; the first of them has gone since. */
    assert_int_equal(whole.row_at[1], 3);
    far.rows[7] = (struct far_row){.id = 1, .at = AT(5)};
    load_init(&rest, settings);
    assert_int_equal(load_run(&rest, &whole.positions[1]), TOW_END);
    assert_string_equal(load_rows(&rest), "2 3 4 5 6 1 7 8 ");
    assert_true(fake_host_logged(&rest.fake, TOW_LOG_WARN,
                                 "2 rows with the last at may come a "
                                 "second time"));
    assert_int_equal(rest.counted, 8);
    /* And its own positions go on. */
    assert_load(settings, &rest.positions[0], "2 3 4 5 6 1 7 8 ", NULL);
    load_release(&rest);
    load_release(&whole);
}

static void test_a_result_that_goes_in_the_middle_is_replaced(void **state)
{
    (void)state;
    fill();
    far.version = 3;
    for (int after = 0; after < 25; after++) {
        far.fetches = 0;
        far.gone_after = after;
        assert_load(SET(LOGIN, "cursor", "at"), NULL, "0 1 2 3 4 5 6 7 8 ", NULL);
    }
    assert_true(far_submitted(":from0") > 10);
    far.fetches = 0;
    far.gone_after = 9;
    assert_fails(SET(LOGIN), NULL, TOW_E_CONFIG, "before all of it was read");
}

static void test_a_result_that_goes_before_its_first_row_is_the_core_s_to_ask_for_again(
    void **state)
{
    struct load load;

    (void)state;
    fill();
    far.gone_after = 0;
    load_init(&load, SET(LOGIN));
    assert_ok(load_open(&load, NULL), load.err);
    assert_int_equal(load_read(&load), TOW_E_TRANSIENT);
    assert_says(load.err, "the result is gone");
    while (load_read(&load) == TOW_OK)
        ;
    assert_string_equal(load_rows(&load), "8 7 6 5 4 3 2 1 0 ");
    assert_int_equal(far.statement_count, 2);
    load_release(&load);
}

static void test_a_version_that_cannot_be_read_at_all_fails_the_load(void **state)
{
    struct load whole;

    (void)state;
    fill();
    far.version = 1;
    load_init(&whole, SET(LOGIN, "cursor", "at"));
    assert_int_equal(load_run(&whole, NULL), TOW_END);
    far.forgets = 1;
    far.rows_class = "DELTA_FILE_NOT_FOUND";
    assert_fails(SET(LOGIN, "cursor", "at"), &whole.positions[1], TOW_E_ENV,
                 "DELTA_FILE_NOT_FOUND");
    load_release(&whole);
}

static void test_a_result_that_will_soon_be_gone_is_replaced_in_time(void **state)
{
    const char *const *settings = SET(LOGIN, "cursor", "at", "tie_break", "id");
    struct load load;

    (void)state;
    fill();
    load_init(&load, settings);
    assert_ok(load_open(&load, NULL), load.err);
    assert_ok(load_read(&load), load.err);
    assert_int_equal(far_submitted("ORDER BY"), 1);
    load.fake.now_us += 51 * 60 * SECOND;
    while (load_read(&load) == TOW_OK)
        ;
    assert_int_equal(far_submitted("ORDER BY"), 2);
    assert_int_equal(far_submitted(":from0"), 1);
    assert_string_equal(load_rows(&load), "0 1 2 3 4 5 6 7 8 ");
    assert_int_equal(load.counted, 9);
    assert_true(fake_host_logged(&load.fake, TOW_LOG_INFO, "will soon be gone"));
    load_release(&load);
}

static void test_rows_without_order_are_warned_of_in_time(void **state)
{
    struct load load;

    (void)state;
    fill();
    load_init(&load, SET(LOGIN));
    assert_ok(load_open(&load, NULL), load.err);
    assert_ok(load_read(&load), load.err);
    load.fake.now_us += 51 * 60 * SECOND;
    while (load_read(&load) == TOW_OK)
        ;
    assert_int_equal(load.count, 9);
    assert_true(fake_host_logged(&load.fake, TOW_LOG_WARN, "has been read for 51 minutes"));
    load_release(&load);
}

static void test_a_version_that_is_gone_is_left(void **state)
{
    struct load whole, rest;

    (void)state;
    fill();
    far.version = 1;
    load_init(&whole, SET(LOGIN, "cursor", "at"));
    assert_int_equal(load_run(&whole, NULL), TOW_END);
    far.forgets = 1;
    far.version = 2;
    far.version_class = "DELTA_UNSUPPORTED_TIME_TRAVEL_BEYOND_DELETED_FILE_RETENTION_DURATION";
    load_init(&rest, SET(LOGIN, "cursor", "at"));
    assert_int_equal(load_run(&rest, &whole.positions[1]), TOW_END);
    /* Rows with the last time come again. */
    assert_string_equal(load_rows(&rest), "1 2 3 4 5 6 7 8 ");
    assert_true(fake_host_logged(&rest.fake, TOW_LOG_WARN, "version 1 of t"));
    assert_int_equal(far_submitted("VERSION AS OF 2"), 2);
    load_release(&rest);
    assert_fails(SET(LOGIN, "cursor", "at", "snapshot", "pinned"), &whole.positions[1], TOW_E_ENV,
                 "the stopped load read version 1, which is no longer kept");
    load_release(&whole);
}

static void test_a_snapshot_that_is_not_what_it_was_fails_the_load(void **state)
{
    struct load whole, rest;

    (void)state;
    fill();
    far.version = 1;
    load_init(&whole, SET(LOGIN, "cursor", "at"));
    assert_int_equal(load_run(&whole, NULL), TOW_END);
    far.forgets = 1;
    /* Of the three rows with one time, of which two were read, one is left. */
    far.rows[7].at = far.rows[6].at = AT(0);
    assert_fails(SET(LOGIN, "cursor", "at"), &whole.positions[1], TOW_E_ENV,
                 "version 1 is not what it was");
    /* A row less behind them is found by its count. */
    far.rows[7].at = far.rows[6].at = AT(2);
    far.rows[0].at = AT(0);
    load_init(&rest, SET(LOGIN, "cursor", "at"));
    assert_int_equal(load_run(&rest, &whole.positions[1]), TOW_END);
    assert_int_equal(rest.count, 5);
    assert_int_equal(rest.counted, 6);
    load_release(&rest);
    load_release(&whole);
}

static void test_a_result_is_dropped_where_nothing_needs_it(void **state)
{
    (void)state;
    fill();
    assert_load(SET(LOGIN), NULL, "8 7 6 5 4 3 2 1 0 ", NULL);
    assert_load(SET(LOGIN, "cursor", "at"), NULL, "0 1 2 3 4 5 6 7 8 ", NULL);
    assert_int_equal(far.closes, 0);
    assert_load(SET(LOGIN, "cursor", "at", "tie_break", "id"), NULL, "0 1 2 3 4 5 6 7 8 ", NULL);
    assert_int_equal(far.closes, 1);
    far.version = 3;
    assert_load(SET(LOGIN, "cursor", "at"), NULL, "0 1 2 3 4 5 6 7 8 ", NULL);
    assert_int_equal(far.closes, 2);
}

static void test_inline_results_go_on_too(void **state)
{
    (void)state;
    fill();
    assert_resumes(SET(LOGIN, "result", "inline"), unordered, 9);
}

static void test_a_job_that_reads_something_else_cannot_go_on(void **state)
{
    const char *const others[][4] = {
        {"table", "u"},      {"where", "id > 1"}, {"columns", "id"},
        {"cursor", "at"},    {"limit", "100"},    {"schema", "s"},
        {"tie_break", "id"}, {"catalog", "c"},    {"cursor", "at", "null_cursor", "skip"}};
    struct load whole;

    (void)state;
    fill();
    load_init(&whole, SET(LOGIN));
    assert_int_equal(load_run(&whole, NULL), TOW_END);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_fails(SET(LOGIN, others[i][0], others[i][1], others[i][2], others[i][3]),
                     &whole.positions[0], TOW_E_CONFIG, "was changed in the middle of a load");
    load_release(&whole);
}

static void test_another_cursor_cannot_go_on_behind_the_last_one(void **state)
{
    struct tow_position end;

    (void)state;
    fill();
    assert_load(SET(LOGIN, "cursor", "at"), NULL, "0 1 2 3 4 5 6 7 8 ", &end);
    assert_fails(SET(LOGIN, "cursor", "id"), &end, TOW_E_CONFIG,
                 "\"at timestamp\", now they are \"id number\"");
    assert_fails(SET(LOGIN), &end, TOW_E_CONFIG, "the job has others now");
    assert_load(SET(LOGIN, "cursor", "AT"), &end, "", NULL);
}

static void test_a_cursor_of_another_type_cannot_go_on(void **state)
{
    struct tow_position end;

    (void)state;
    fill();
    far.id_type = "STRING";
    end = (struct tow_position){.size = sizeof end};
    end.length =
        (uint32_t)sprintf((char *)end.bytes, "{\"v\":1,\"order\":\"id number\",\"next\":[\"4\"]}");
    assert_fails(SET(LOGIN, "cursor", "id"), &end, TOW_E_CONFIG, "now they are \"id string\"");
}

static void test_columns_of_the_key_need_not_be_read(void **state)
{
    struct load load;

    (void)state;
    fill();
    load_init(&load, SET(LOGIN, "columns", "id", "cursor", "at", "tie_break", "name"));
    assert_int_equal(load_run(&load, NULL), TOW_END);
    assert_int_equal(load.schema.n_children, 1);
    assert_int_equal(load.count, 9);
    load_release(&load);
    assert_int_equal(far_submitted("SELECT `t`.`id`, `t`.`at`, `t`.`name` FROM `t` LIMIT 0"), 1);
}

static void test_a_hostile_position_does_no_harm(void **state)
{
    static const char *const texts[] = {
        "x",
        "{\"v\":1,\"order\":\"\",\"next\":[\"1\",\"2\",\"3\"]}",
        "{\"v\":1,\"order\":\"at timestamp\",\"next\":[\"1\",\"2\",\"3\"]}",
    };

    (void)state;
    fill();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct tow_position position = {.size = sizeof position,
                                        .length = (uint32_t)strlen(texts[i])};
        struct load load;

        memcpy(position.bytes, texts[i], position.length);
        load_init(&load, SET(LOGIN, "cursor", "at"));
        assert_in_range(-load_run(&load, &position), -TOW_E_CONFIG, -TOW_E_ENV);
        load_release(&load);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_table_is_read_as_it_comes),
        TEST(test_an_empty_table_is_a_load_without_rows),
        TEST(test_waiting_for_the_warehouse_is_told),
        TEST(test_padding_is_no_row),
        TEST(test_fewer_rows_than_a_link_promises_fail_the_load),
        TEST(test_chunks_that_say_nothing_of_their_rows_are_counted_in_the_end),
        TEST(test_a_truncated_result_fails_the_load),
        TEST(test_a_damaged_chunk_fails_the_load),
        TEST(test_a_type_that_changes_in_between_fails_the_load),
        TEST(test_failures_that_pass_lose_nothing),
        TEST(test_the_statement_is_submitted_again_after_a_failure_that_passes),
        TEST(test_a_stop_is_heard),
        TEST(test_few_rows_come_inline),
        TEST(test_a_workspace_without_links_sends_rows_inline),
        TEST(test_few_rows_too_large_for_inline_come_by_links),
        TEST(test_inline_failures_that_pass_lose_nothing),
        TEST(test_an_inline_cell_that_cannot_be_read_rejects_its_row),
        TEST(test_a_faulty_row_is_rejected_and_the_others_go_on),
        TEST(test_a_batch_of_faulty_rows_alone_has_no_rows),
        TEST(test_the_next_run_reads_what_is_new),
        TEST(test_a_value_of_the_future_is_warned_of),
        TEST(test_since_is_where_the_first_run_begins),
        TEST(test_overlap_reads_again_but_not_before_since),
        TEST(test_lag_leaves_young_rows_to_later_runs),
        TEST(test_rows_without_a_cursor_value_come_once),
        TEST(test_an_unpinned_load_ends_at_the_newest_value_of_its_beginning),
        TEST(test_a_table_with_versions_is_pinned),
        TEST(test_a_table_without_versions_is_read_as_it_is),
        TEST(test_limit_goes_on_behind_the_last_row),
        TEST(test_every_position_goes_on_in_the_same_result),
        TEST(test_every_position_goes_on_by_key_where_the_result_is_gone),
        TEST(test_rows_without_order_whose_result_is_gone_say_how_to_start_anew),
        TEST(test_without_tie_break_rows_that_may_have_changed_come_again),
        TEST(test_a_result_that_goes_in_the_middle_is_replaced),
        TEST(test_a_result_that_goes_before_its_first_row_is_the_core_s_to_ask_for_again),
        TEST(test_a_version_that_cannot_be_read_at_all_fails_the_load),
        TEST(test_a_result_that_will_soon_be_gone_is_replaced_in_time),
        TEST(test_rows_without_order_are_warned_of_in_time),
        TEST(test_a_version_that_is_gone_is_left),
        TEST(test_a_snapshot_that_is_not_what_it_was_fails_the_load),
        TEST(test_a_result_is_dropped_where_nothing_needs_it),
        TEST(test_inline_results_go_on_too),
        TEST(test_a_job_that_reads_something_else_cannot_go_on),
        TEST(test_another_cursor_cannot_go_on_behind_the_last_one),
        TEST(test_a_cursor_of_another_type_cannot_go_on),
        TEST(test_columns_of_the_key_need_not_be_read),
        TEST(test_a_hostile_position_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
