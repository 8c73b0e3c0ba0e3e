/* The source databricks over a far end in memory: how it goes on from where a load ended. */
#include "source_load.h"
#include "unit.h"

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
    load_fill();
    assert_resumes(SET(LOGIN), unordered, 9);
    assert_resumes(SET(LOGIN, "cursor", "at", "snapshot", "none"), ordered, 9);
    /* All by the results of the two whole loads. */
    assert_int_equal(far_submitted("ORDER BY"), 1);
    assert_int_equal(far.finds, 12);
}

static void test_every_position_goes_on_by_key_where_the_result_is_gone(void **state)
{
    (void)state;
    load_fill();
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
    load_fill();
    load_init(&whole, SET(LOGIN));
    assert_int_equal(load_run(&whole, NULL), TOW_END);
    far.forgets = 1;
    assert_load_fails(SET(LOGIN), &whole.positions[0], TOW_E_CONFIG, "towpath run --full");
    assert_load_fails(SET(LOGIN), &whole.positions[2], TOW_E_CONFIG,
                      "tie_break = [unique columns]");
    /* Nothing is left to read. */
    assert_load(SET(LOGIN), &whole.positions[whole.batches - 1], "", NULL);
    load_release(&whole);
}

static void test_without_tie_break_rows_that_may_have_changed_come_again(void **state)
{
    const char *const *settings = SET(LOGIN, "cursor", "at");
    struct load whole, rest;

    (void)state;
    load_fill();
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
    load_fill();
    far.version = 3;
    for (int after = 0; after < 25; after++) {
        far.fetches = 0;
        far.gone_after = after;
        assert_load(SET(LOGIN, "cursor", "at"), NULL, "0 1 2 3 4 5 6 7 8 ", NULL);
    }
    assert_true(far_submitted(":from0") > 10);
    far.fetches = 0;
    far.gone_after = 9;
    assert_load_fails(SET(LOGIN), NULL, TOW_E_CONFIG, "before all of it was read");
}

static void test_a_result_that_goes_before_its_first_row_is_the_core_s_to_ask_for_again(
    void **state)
{
    struct load load;

    (void)state;
    load_fill();
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
    load_fill();
    far.version = 1;
    load_init(&whole, SET(LOGIN, "cursor", "at"));
    assert_int_equal(load_run(&whole, NULL), TOW_END);
    far.forgets = 1;
    far.rows_class = "DELTA_FILE_NOT_FOUND";
    assert_load_fails(SET(LOGIN, "cursor", "at"), &whole.positions[1], TOW_E_ENV,
                      "DELTA_FILE_NOT_FOUND");
    load_release(&whole);
}

static void test_a_result_that_will_soon_be_gone_is_replaced_in_time(void **state)
{
    const char *const *settings = SET(LOGIN, "cursor", "at", "tie_break", "id");
    struct load load;

    (void)state;
    load_fill();
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
    load_fill();
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
    load_fill();
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
    assert_load_fails(SET(LOGIN, "cursor", "at", "snapshot", "pinned"), &whole.positions[1],
                      TOW_E_ENV, "the stopped load read version 1, which is no longer kept");
    load_release(&whole);
}

static void test_a_snapshot_that_is_not_what_it_was_fails_the_load(void **state)
{
    struct load whole, rest;

    (void)state;
    load_fill();
    far.version = 1;
    load_init(&whole, SET(LOGIN, "cursor", "at"));
    assert_int_equal(load_run(&whole, NULL), TOW_END);
    far.forgets = 1;
    /* Of the three rows with one time, of which two were read, one is left. */
    far.rows[7].at = far.rows[6].at = AT(0);
    assert_load_fails(SET(LOGIN, "cursor", "at"), &whole.positions[1], TOW_E_ENV,
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
    load_fill();
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
    load_fill();
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
    load_fill();
    load_init(&whole, SET(LOGIN));
    assert_int_equal(load_run(&whole, NULL), TOW_END);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_load_fails(SET(LOGIN, others[i][0], others[i][1], others[i][2], others[i][3]),
                          &whole.positions[0], TOW_E_CONFIG, "was changed in the middle of a load");
    load_release(&whole);
}

static void test_another_cursor_cannot_go_on_behind_the_last_one(void **state)
{
    struct tow_position end;

    (void)state;
    load_fill();
    assert_load(SET(LOGIN, "cursor", "at"), NULL, "0 1 2 3 4 5 6 7 8 ", &end);
    assert_load_fails(SET(LOGIN, "cursor", "id"), &end, TOW_E_CONFIG,
                      "\"at timestamp\", now they are \"id number\"");
    assert_load_fails(SET(LOGIN), &end, TOW_E_CONFIG, "the job has others now");
    assert_load(SET(LOGIN, "cursor", "AT"), &end, "", NULL);
}

static void test_a_cursor_of_another_type_cannot_go_on(void **state)
{
    struct tow_position end;

    (void)state;
    load_fill();
    far.id_type = "STRING";
    end = (struct tow_position){.size = sizeof end};
    end.length =
        (uint32_t)sprintf((char *)end.bytes, "{\"v\":1,\"order\":\"id number\",\"next\":[\"4\"]}");
    assert_load_fails(SET(LOGIN, "cursor", "id"), &end, TOW_E_CONFIG, "now they are \"id string\"");
}

static void test_columns_of_the_key_need_not_be_read(void **state)
{
    struct load load;

    (void)state;
    load_fill();
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
    load_fill();
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, load_setup, load_teardown)
    const struct CMUnitTest tests[] = {
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
