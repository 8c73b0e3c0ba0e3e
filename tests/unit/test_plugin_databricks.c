/* The source databricks over a far end in memory: what it reads. */
#include "source_load.h"
#include "unit.h"

tow_plugin_entry databricks_LTX_tow_plugin_entry;

/* ---- whole loads ---------------------------------------------------------------------------- */

static void test_a_table_is_read_as_it_comes(void **state)
{
    struct tow_position end;

    (void)state;
    load_fill();
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
    load_fill();
    far.padding = 5;
    assert_load(SET(LOGIN), NULL, "8 7 6 5 4 3 2 1 0 ", NULL);
}

static void test_fewer_rows_than_a_link_promises_fail_the_load(void **state)
{
    (void)state;
    load_fill();
    far.missing = 1;
    assert_load_fails(SET(LOGIN), NULL, TOW_E_ENV,
                      "chunk 2 of statement s0: 2 rows came, its link "
                      "promises 3");
}

static void test_chunks_that_say_nothing_of_their_rows_are_counted_in_the_end(void **state)
{
    struct load load;

    (void)state;
    load_fill();
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
    load_fill();
    far.truncated = 1;
    assert_load_fails(SET(LOGIN), NULL, TOW_E_ENV, "was cut off at 9 rows");
}

static void test_a_damaged_chunk_fails_the_load(void **state)
{
    (void)state;
    load_fill();
    far.damage = "this is no stream of anything";
    assert_load_fails(SET(LOGIN), NULL, TOW_E_ENV, "t: chunk 0 of statement s0: ");
}

static void test_a_type_that_changes_in_between_fails_the_load(void **state)
{
    (void)state;
    load_fill();
    far.main_id_type = "INT";
    assert_load_fails(SET(LOGIN), NULL, TOW_E_ENV,
                      "the type of column \"id\" was BIGINT and is now "
                      "INT");
}

static void test_failures_that_pass_lose_nothing(void **state)
{
    (void)state;
    load_fill();
    far.fail_every = 2;
    assert_load(SET(LOGIN), NULL, "8 7 6 5 4 3 2 1 0 ", NULL);
    far.submit_failures = 1;
    assert_load_fails(SET(LOGIN), NULL, TOW_E_TRANSIENT, "opening t: no answer");
}

static void test_the_statement_is_submitted_again_after_a_failure_that_passes(void **state)
{
    struct load load;
    int code;

    (void)state;
    load_fill();
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
    load_fill();
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
    load_fill();
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
    load_fill();
    far.no_links = 1;
    load_init(&load, SET(LOGIN));
    assert_int_equal(load_run(&load, NULL), TOW_END);
    assert_int_equal(load.count, 9);
    assert_true(fake_host_logged(&load.fake, TOW_LOG_INFO, "hands out no links"));
    load_release(&load);
    assert_load_fails(SET(LOGIN, "result", "links"), NULL, TOW_E_UNSUPPORTED,
                      "does not hand out links");
}

static void test_few_rows_too_large_for_inline_come_by_links(void **state)
{
    (void)state;
    load_fill();
    far.too_large = 1;
    assert_load(SET(LOGIN, "limit", "5"), NULL, "8 7 6 5 4 ", NULL);
    assert_load_fails(SET(LOGIN, "result", "inline"), NULL, TOW_E_CONFIG, "limit exceeded");
}

static void test_inline_failures_that_pass_lose_nothing(void **state)
{
    (void)state;
    load_fill();
    for (far.fail_every = 2; far.fail_every < 6; far.fail_every++)
        assert_load(SET(LOGIN, "result", "inline"), NULL, "8 7 6 5 4 3 2 1 0 ", NULL);
}

static void test_an_inline_cell_that_cannot_be_read_rejects_its_row(void **state)
{
    struct load load;

    (void)state;
    load_fill();
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
    load_fill();
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
    load_fill();
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
    load_fill();
    assert_load(settings, NULL, "7 8 ", &end);
    assert_load(SET(LOGIN, "cursor", "at", "since", "2025-01-01"), &end, "", NULL);
    assert_load(SET(LOGIN, "cursor", "at", "since", "2027-01-01"), NULL, "", &end);
    assert_int_equal(end.length, 0);
}

static void test_overlap_reads_again_but_not_before_since(void **state)
{
    struct tow_position end;

    (void)state;
    load_fill();
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
    load_fill();
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
    assert_load_fails(SET(LOGIN, "cursor", "at", "null_cursor", "fail"), NULL, TOW_E_CONFIG,
                      "3 rows of t have no at");
    assert_load(SET(LOGIN, "cursor", "at", "since", "2026-01-01"), NULL, "3 ", NULL);
}

static void test_an_unpinned_load_ends_at_the_newest_value_of_its_beginning(void **state)
{
    (void)state;
    load_fill();
    assert_load(SET(LOGIN, "cursor", "at", "snapshot", "none"), NULL, "0 1 2 3 4 5 6 7 8 ", NULL);
    assert_int_equal(far_submitted("AS `newest`"), 1);
    assert_int_equal(far_submitted("DESCRIBE"), 0);
    assert_int_equal(far_submitted(":upto0"), 1);
}

static void test_a_table_with_versions_is_pinned(void **state)
{
    (void)state;
    load_fill();
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
    load_fill();
    far.history_class = "EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE";
    far.history_code = TOW_E_ENV;
    load_init(&load, SET(LOGIN, "cursor", "at"));
    assert_int_equal(load_run(&load, NULL), TOW_END);
    assert_int_equal(load.count, 9);
    assert_true(fake_host_logged(&load.fake, TOW_LOG_INFO,
                                 "t is read without a pinned version: [EXPECT_TABLE_NOT_VIEW"));
    load_release(&load);
    assert_load_fails(SET(LOGIN, "snapshot", "pinned"), NULL, TOW_E_ENV,
                      "snapshot = \"pinned\": [EXPECT_TABLE");
    /* What passes must not decide it. */
    far.history_code = TOW_E_TRANSIENT;
    assert_load_fails(SET(LOGIN, "cursor", "at"), NULL, TOW_E_TRANSIENT, "EXPECT_TABLE");
}

static void test_limit_goes_on_behind_the_last_row(void **state)
{
    const char *const *settings = SET(LOGIN, "cursor", "at", "tie_break", "id", "limit", "4");
    struct tow_position end;

    (void)state;
    load_fill();
    far_add(30, -1, NULL);
    assert_load(settings, NULL, "30 0 1 2 ", &end);
    assert_load(settings, &end, "3 4 5 6 ", &end);
    assert_load(settings, &end, "7 8 ", &end);
    assert_load(settings, &end, "", &end);
    far_add(31, AT(7), NULL);
    assert_load(settings, &end, "31 ", NULL);
}

/* ---- names ---------------------------------------------------------------------------------- */

struct word {
    char text[64];
};

static int32_t take_word(void *context, const char *text, uint64_t length)
{
    struct word *word = context;

    snprintf(word->text, sizeof word->text, "%.*s", (int)length, text);
    return TOW_OK;
}

static int ask(struct load *load, const char *const *settings, const char *name, struct word *word)
{
    load_init(load, settings);
    assert_ok(load_open(load, NULL), load->err);
    return databricks_LTX_tow_plugin_entry()->source->name(load->scan, name, take_word, word,
                                                           &load->err);
}

static void test_the_source_says_what_its_table_and_cursor_are_called(void **state)
{
    static const struct {
        const char *table, *schema, *name, *word;
    } cases[] = {
        {"main.crm.vip", NULL, "catalog", "main"}, {"main.crm.vip", NULL, "schema", "crm"},
        {"main.crm.vip", NULL, "table", "vip"},    {"vip", "sales", "schema", "sales"},
        {"main.crm.vip", NULL, "cursor", "at"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct load load;
        struct word word;

        assert_ok(
            ask(&load,
                SET("host", "http://localhost", "token", "x", "warehouse_id", "w", "cursor", "at",
                    "table", cases[i].table, cases[i].schema ? "schema" : NULL, cases[i].schema),
                cases[i].name, &word),
            load.err);
        assert_string_equal(word.text, cases[i].word);
        load_release(&load);
    }
}

static void test_what_the_source_is_not_called_is_told(void **state)
{
    struct load load;
    struct word word;

    (void)state;
    assert_int_equal(ask(&load, SET(LOGIN), "cursor", &word), TOW_E_UNSUPPORTED);
    assert_says(load.err, "no cursor");
    load_release(&load);
    assert_int_equal(
        ask(&load,
            SET("host", "http://localhost", "token", "x", "warehouse_id", "w", "query", "SELECT 1"),
            "table", &word),
        TOW_E_UNSUPPORTED);
    assert_says(load.err, "reads a query");
    load_release(&load);
    /* The far end of this test does not say where it is. */
    assert_int_equal(ask(&load, SET(LOGIN), "catalog", &word), TOW_E_ENV);
    assert_says(load.err, "which catalog it is in");
    assert_int_equal(far_submitted("current_catalog()"), 1);
    load_release(&load);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, load_setup, load_teardown)
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
        TEST(test_the_source_says_what_its_table_and_cursor_are_called),
        TEST(test_what_the_source_is_not_called_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
