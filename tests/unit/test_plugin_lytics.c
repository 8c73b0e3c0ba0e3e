/* The sink lytics over a stream in memory: what arrives, and what becomes of every row. */
#include "unit.h"

#include "fake_host.h"
#include "fake_lytics.h"
#include "table.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define SET(...)     ((const char *const[]){"token", "t", "stream", "people", __VA_ARGS__, NULL})

extern tow_plugin_entry lytics_LTX_tow_plugin_entry;

struct sink {
    struct fake_host fake;
    const struct tow_sink_ops *ops;
    void *self;
    struct table table;
    struct tow_error err;
};

static int setup(void **state)
{
    struct sink *sink = calloc(1, sizeof *sink);

    assert_non_null(sink);
    fake_host_init(&sink->fake);
    fake_lytics_reset();
    sink->ops = lytics_LTX_tow_plugin_entry()->sink;
    sink->err = (struct tow_error)TOW_ERROR_INIT;
    *state = sink;
    return 0;
}

static void end(struct sink *sink)
{
    if (sink->self) {
        sink->ops->close(sink->self);
        fake_instance_free(sink->self);
        table_release(&sink->table);
    }
    sink->self = NULL;
}

static int teardown(void **state)
{
    struct sink *sink = *state;

    end(sink);
    fake_host_release(&sink->fake);
    fake_lytics_reset();
    free(sink);
    return 0;
}

/* ---- driving it ----------------------------------------------------------------------------- */

static int begin(struct sink *sink, const char *const *settings)
{
    const struct tow_position none = {.size = sizeof none};
    int code;

    sink->err = (struct tow_error)TOW_ERROR_INIT;
    sink->self = fake_instance_new(lytics_LTX_tow_plugin_entry(), settings);
    code = sink->ops->open(sink->self, &sink->fake.host, &none, &sink->err);
    if (code == TOW_OK)
        code = sink->ops->begin(sink->self, &sink->fake.host, &sink->table.schema, &sink->err);
    return code;
}

/* One column "a" of these texts. */
static void put(struct sink *sink, const char *const *texts, size_t count)
{
    table_init_strings(&sink->table, 1);
    for (size_t i = 0; i < count; i++)
        table_add_row(&sink->table, &texts[i], 1);
    table_finish(&sink->table);
    sink->fake.settle_limit = sink->table.array.length;
}

static int write_batch(struct sink *sink)
{
    const struct tow_rows rows = {
        .size = sizeof rows, .attempt = 1, .seq = 7, .array = &sink->table.array};

    sink->err = (struct tow_error)TOW_ERROR_INIT;
    return sink->ops->write(sink->self, &rows, &sink->err);
}

static int64_t settled(const struct sink *sink, int32_t outcome)
{
    return fake_host_settled(&sink->fake, outcome);
}

/* What was said of a row that was rejected. */
static const struct fake_outcome *rejected(const struct sink *sink, int64_t row)
{
    for (size_t i = 0; i < sink->fake.outcome_count; i++) {
        const struct fake_outcome *outcome = &sink->fake.outcomes[i];

        if (outcome->outcome == TOW_ROW_REJECTED && outcome->first <= row &&
            row < outcome->first + outcome->count)
            return outcome;
    }
    fail_msg("row %d is not rejected", (int)row);
    return NULL;
}

/* Batches of "row 0" ...; those in `bad` are "bad N". */
static void put_rows(struct sink *sink, size_t count, const size_t *bad, size_t bad_count)
{
    char(*texts)[32] = calloc(count, sizeof *texts);
    const char **row = calloc(count, sizeof *row);

    assert_true(texts && row);
    for (size_t i = 0; i < count; i++) {
        int is_bad = 0;

        for (size_t j = 0; j < bad_count; j++)
            is_bad |= bad[j] == i;
        snprintf(texts[i], sizeof texts[i], "%s %zu", is_bad ? "bad" : "row", i);
        row[i] = texts[i];
    }
    put(sink, row, count);
    free(row);
    free(texts);
}

/* ---- options -------------------------------------------------------------------------------- */

static void test_check_refuses_options_that_do_not_go_together(void **state)
{
    static const struct {
        const char *name, *value, *more, *more_value, *says;
    } cases[] = {
        {"token", "", NULL, NULL, "token"},
        {"max_bytes", "1000", "record_max_bytes", "2000", "record_max_bytes is larger"},
        {"format", "json", "droperrors", "true", "droperrors is for format \"csv\""},
        {"format", "json", "append", "{}", "append is for format \"csv\""},
        {"append", "[1]", NULL, NULL, "no JSON object"},
        {"append", "{", NULL, NULL, "no JSON object"},
        {"nested", "flatten", NULL, NULL, "for format \"json\""},
        {"omit_empty", "true", NULL, NULL, "for format \"json\""},
    };
    struct sink *sink = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        void *self = fake_instance_new(
            lytics_LTX_tow_plugin_entry(),
            SET(cases[i].name, cases[i].value, cases[i].more, cases[i].more_value));

        sink->err = (struct tow_error)TOW_ERROR_INIT;
        assert_int_equal(sink->ops->check(self, &sink->fake.host, &sink->err), TOW_E_CONFIG);
        assert_says(sink->err, cases[i].says);
        fake_instance_free(self);
    }
}

static void test_the_column_of_event_times_must_be_there_and_tell_a_time(void **state)
{
    static const struct tow_field field = {"n", {TOW_TYPE_INT64, 0, 0}, 0};
    struct sink *sink = *state;

    put_rows(sink, 1, NULL, 0);
    assert_int_equal(begin(sink, SET("timestamp_field", "at")), TOW_E_CONFIG);
    assert_says(sink->err, "there is no column \"at\"");
    end(sink);
    table_init(&sink->table, &field, 1);
    assert_int_equal(begin(sink, SET("timestamp_field", "n")), TOW_E_CONFIG);
    assert_says(sink->err, "int64, which tells no time");
    end(sink);
    /* Offline, the default's word stands for a column that is not known yet. */
    put_rows(sink, 1, NULL, 0);
    sink->self = fake_instance_new(lytics_LTX_tow_plugin_entry(), SET("timestamp_field", "cursor"));
    assert_ok(sink->ops->begin(sink->self, NULL, &sink->table.schema, &sink->err), sink->err);
    end(sink);
    put_rows(sink, 1, NULL, 0);
    sink->self = fake_instance_new(lytics_LTX_tow_plugin_entry(), SET("timestamp_field", "at"));
    assert_int_equal(sink->ops->begin(sink->self, NULL, &sink->table.schema, &sink->err),
                     TOW_E_CONFIG);
}

/* ---- uploads -------------------------------------------------------------------------------- */

static void test_a_batch_is_one_upload_with_what_the_job_says(void **state)
{
    static const char *const texts[] = {"Ann", "Bob"};
    struct sink *sink = *state;

    put(sink, texts, 2);
    assert_ok(begin(sink, SET("timestamp_field", "a", "append", "{\"x\":1}")), sink->err);
    assert_ok(write_batch(sink), sink->err);
    assert_int_equal(fake_lytics.upload_count, 1);
    assert_string_equal(fake_lytics.uploads[0].body, "a\nAnn\nBob\n");
    assert_string_equal(fake_lytics.uploads[0].filename, "test-load-1-00000007-00000.csv.gz");
    assert_string_equal(fake_lytics.uploads[0].timestamp_field, "a");
    assert_string_equal(fake_lytics.uploads[0].append, "{\"x\":1}");
    assert_int_equal(settled(sink, TOW_ROW_ACCEPTED), 2);
    assert_ok(sink->ops->flush(sink->self, NULL, &sink->err), sink->err);
}

static void test_json_is_an_array(void **state)
{
    static const char *const texts[] = {"Ann", "Bob"};
    struct sink *sink = *state;

    put(sink, texts, 2);
    assert_ok(begin(sink, SET("format", "json", "gzip", "false", "timestamp_field", "")),
              sink->err);
    assert_ok(write_batch(sink), sink->err);
    assert_string_equal(fake_lytics.uploads[0].body, "[{\"a\":\"Ann\"},{\"a\":\"Bob\"}]");
    assert_string_equal(fake_lytics.uploads[0].filename, "test-load-1-00000007-00000.json");
    assert_null(fake_lytics.uploads[0].timestamp_field);
}

static void test_uploads_have_at_most_max_bytes(void **state)
{
    struct sink *sink = *state;

    for (int json = 0; json < 2; json++) {
        put_rows(sink, 1000, NULL, 0);
        assert_ok(begin(sink, SET("timestamp_field", "", "format", json ? "json" : "csv",
                                  "max_bytes", "1000", "record_max_bytes", "100")),
                  sink->err);
        assert_ok(write_batch(sink), sink->err);
        assert_true(fake_lytics.upload_count >= 8);
        for (size_t i = 0; i < fake_lytics.upload_count; i++) {
            assert_true(strlen(fake_lytics.uploads[i].body) <= 1000);
            /* As full as may be. */
            if (i + 1 < fake_lytics.upload_count)
                assert_true(strlen(fake_lytics.uploads[i].body) > 970);
        }
        assert_int_equal(fake_lytics.taken_count, 1000);
        assert_int_equal(settled(sink, TOW_ROW_ACCEPTED), 1000);
        /* Between any two uploads, what the first one's answer said is kept. */
        assert_int_equal(sink->fake.keep_count, fake_lytics.upload_count - 1);
        end(sink);
        fake_host_forget(&sink->fake);
        sink->fake.keep_count = 0;
        fake_lytics_reset();
    }
}

static void test_a_record_that_is_too_large_is_rejected_alone(void **state)
{
    static char large[200];
    static const char *const texts[] = {"a", "b", large, "c", large};
    struct sink *sink = *state;

    memset(large, 'x', sizeof large - 1);
    put(sink, texts, 5);
    assert_ok(begin(sink, SET("timestamp_field", "", "record_max_bytes", "198")), sink->err);
    assert_ok(write_batch(sink), sink->err);
    assert_int_equal(fake_lytics.taken_count, 3);
    assert_int_equal(settled(sink, TOW_ROW_ACCEPTED), 3);
    assert_string_equal(rejected(sink, 2)->code, "record_too_large");
    assert_string_equal(rejected(sink, 4)->message,
                        "the row has 199 bytes of text, record_max_bytes is 198");
    end(sink);
    fake_host_forget(&sink->fake);
    put(sink, texts, 5);
    assert_ok(begin(sink, SET("timestamp_field", "", "record_max_bytes", "199")), sink->err);
    assert_ok(write_batch(sink), sink->err);
    assert_int_equal(settled(sink, TOW_ROW_ACCEPTED), 5);
}

static void test_uploads_that_are_too_large_for_the_far_end_become_smaller(void **state)
{
    struct sink *sink = *state;

    fake_lytics.body_max = 300;
    put_rows(sink, 100, NULL, 0);
    assert_ok(begin(sink, SET("timestamp_field", "")), sink->err);
    assert_ok(write_batch(sink), sink->err);
    assert_int_equal(fake_lytics.taken_count, 100);
    assert_int_equal(settled(sink, TOW_ROW_ACCEPTED), 100);
    assert_true(fake_host_logged(&sink->fake, TOW_LOG_WARN, "set max_bytes"));
    end(sink);
    fake_host_forget(&sink->fake);
    fake_lytics_reset();
    fake_lytics.body_max = 3;
    put_rows(sink, 2, NULL, 0);
    assert_ok(begin(sink, SET("timestamp_field", "")), sink->err);
    assert_ok(write_batch(sink), sink->err);
    assert_string_equal(rejected(sink, 0)->code, "record_too_large");
    assert_int_equal(settled(sink, TOW_ROW_REJECTED), 2);
}

/* Half of what was too large may be too small for a row that is not. */
static void test_a_row_that_fits_alone_goes_alone(void **state)
{
    static char large[900];
    static const char *const texts[] = {large, large, "a", large};
    struct sink *sink = *state;

    memset(large, 'x', sizeof large - 1);
    fake_lytics.body_max = 950;
    put(sink, texts, 4);
    assert_ok(begin(sink, SET("timestamp_field", "")), sink->err);
    assert_ok(write_batch(sink), sink->err);
    assert_int_equal(settled(sink, TOW_ROW_ACCEPTED), 4);
    assert_int_equal(fake_lytics_has(large), 3);
    assert_int_equal(fake_lytics_has("a"), 1);
}

static void test_nested_values_are_rejected_where_the_job_says_so(void **state)
{
    static const struct tow_field fields[] = {{"j", {TOW_TYPE_JSON, 0, 0}, 0}};
    static const char *const texts[] = {"1", "{\"a\":1}", "\"x\"", "[1]"};
    struct sink *sink = *state;

    table_init(&sink->table, fields, 1);
    for (size_t i = 0; i < 4; i++) {
        table_put_text(&sink->table, 0, texts[i]);
        table_end_row(&sink->table);
    }
    table_finish(&sink->table);
    assert_ok(begin(sink, SET("timestamp_field", "", "nested", "fail")), sink->err);
    assert_ok(write_batch(sink), sink->err);
    assert_string_equal(rejected(sink, 1)->code, "nested_value");
    assert_string_equal(rejected(sink, 3)->code, "nested_value");
    assert_int_equal(settled(sink, TOW_ROW_ACCEPTED), 2);
    assert_string_equal(fake_lytics.uploads[0].body, "j\n1\n\"\"\"x\"\"\"\n");
}

/* ---- counts --------------------------------------------------------------------------------- */

static const size_t bad[] = {0, 41, 42, 99};

/* Every good row is there once at least, no bad one is, and each has the outcome that it had. */
static void assert_sorted_out(struct sink *sink, int is_exact)
{
    for (size_t i = 0; i < 100; i++) {
        char text[32];
        int is_bad = 0;

        for (size_t j = 0; j < COUNT(bad); j++)
            is_bad |= bad[j] == i;
        snprintf(text, sizeof text, "row %zu", i);
        if (is_bad)
            assert_string_equal(rejected(sink, (int64_t)i)->code, "refused_by_lytics");
        else if (is_exact ? fake_lytics_has(text) != 1 : fake_lytics_has(text) < 1)
            fail_msg("%s is there %zu times", text, fake_lytics_has(text));
    }
    assert_int_equal(settled(sink, TOW_ROW_ACCEPTED), 96);
    assert_int_equal(settled(sink, TOW_ROW_REJECTED), 4);
}

static void run_counts(struct sink *sink, enum fake_lytics_fault fault, const char *const *settings,
                       int is_exact)
{
    fake_lytics_reset();
    fake_lytics.fault = fault;
    put_rows(sink, 100, bad, COUNT(bad));
    assert_ok(begin(sink, settings), sink->err);
    assert_ok(write_batch(sink), sink->err);
    assert_sorted_out(sink, is_exact);
    end(sink);
    fake_host_forget(&sink->fake);
}

static void test_rows_that_lytics_does_not_take_are_found_and_rejected(void **state)
{
    struct sink *sink = *state;

    /* What was taken before the error goes again: the far end cannot tell. */
    run_counts(sink, FAKE_LYTICS_STOPS, SET("timestamp_field", ""), 0);
    run_counts(sink, FAKE_LYTICS_SHORT, SET("timestamp_field", ""), 0);
    run_counts(sink, FAKE_LYTICS_COUNTS, SET("timestamp_field", ""), 0);
}

static void test_with_droperrors_the_others_are_taken_once(void **state)
{
    run_counts(*state, FAKE_LYTICS_COUNTS, SET("timestamp_field", "", "droperrors", "true"), 1);
    run_counts(*state, FAKE_LYTICS_STOPS, SET("timestamp_field", "", "droperrors", "true"), 1);
}

static void test_after_a_dry_run_nothing_is_taken_in_part(void **state)
{
    struct sink *sink = *state;

    for (int fault = FAKE_LYTICS_STOPS; fault <= FAKE_LYTICS_SHORT; fault++)
        run_counts(sink, (enum fake_lytics_fault)fault,
                   SET("timestamp_field", "", "dryrun_first", "true"), 1);
    fake_lytics_reset();
    put_rows(sink, 10, NULL, 0);
    assert_ok(begin(sink, SET("timestamp_field", "", "dryrun_first", "true")), sink->err);
    assert_ok(write_batch(sink), sink->err);
    assert_int_equal(fake_lytics.upload_count, 2);
    assert_int_equal(fake_lytics_dry_runs(), 1);
}

static void test_a_batch_of_bad_rows_alone_is_rejected(void **state)
{
    static const size_t all[] = {0, 1};
    struct sink *sink = *state;

    for (int first = 0; first < 2; first++) {
        put_rows(sink, 2, all, 2);
        assert_ok(begin(sink, SET("timestamp_field", "", "dryrun_first", first ? "true" : "false")),
                  sink->err);
        assert_ok(write_batch(sink), sink->err);
        assert_int_equal(settled(sink, TOW_ROW_REJECTED), 2);
        assert_true(strstr(rejected(sink, 1)->message, "HTTP 400") != NULL);
        assert_int_equal(fake_lytics.taken_count, 0);
        end(sink);
        fake_host_forget(&sink->fake);
    }
}

/* Counts that nothing explains: the rows are told, and none is called accepted. */
static void test_rows_that_cannot_be_told_apart_are_rejected_together(void **state)
{
    struct sink *sink = *state;

    fake_lytics.says_less = 3;
    put_rows(sink, 10, NULL, 0);
    assert_ok(begin(sink, SET("timestamp_field", "")), sink->err);
    assert_ok(write_batch(sink), sink->err);
    assert_int_equal(settled(sink, TOW_ROW_REJECTED), 10);
    assert_string_equal(rejected(sink, 5)->code, "not_all_taken");
    assert_true(strstr(rejected(sink, 5)->message, "took 7 and rejected 0 of 10 rows") != NULL);
    end(sink);
    fake_host_forget(&sink->fake);
    fake_lytics_reset();
    fake_lytics.looks_are_blind = 1;
    put_rows(sink, 100, bad, COUNT(bad));
    assert_ok(begin(sink, SET("timestamp_field", "", "droperrors", "true")), sink->err);
    assert_ok(write_batch(sink), sink->err);
    assert_int_equal(settled(sink, TOW_ROW_REJECTED), 100);
}

static void test_an_upload_that_was_damaged_on_its_way_goes_again(void **state)
{
    struct sink *sink = *state;

    fake_lytics.damaged = 1;
    put_rows(sink, 10, NULL, 0);
    assert_ok(begin(sink, SET("timestamp_field", "")), sink->err);
    assert_ok(write_batch(sink), sink->err);
    assert_int_equal(settled(sink, TOW_ROW_REJECTED), 0);
    assert_int_equal(fake_lytics.taken_count, 10);
    assert_int_equal(fake_lytics.upload_count, 3);
    assert_int_equal(fake_lytics_dry_runs(), 1);
}

static void test_an_answer_without_counts_is_told(void **state)
{
    struct sink *sink = *state;

    fake_lytics.says_nothing = 1;
    put_rows(sink, 10, NULL, 0);
    assert_ok(begin(sink, SET("timestamp_field", "")), sink->err);
    assert_int_equal(write_batch(sink), TOW_E_ENV);
    assert_says(sink->err, "does not say how many were taken");
    assert_int_equal(sink->fake.outcome_count, 0);
}

static void test_what_is_wrong_with_the_job_ends_the_run(void **state)
{
    struct sink *sink = *state;

    fake_lytics.refuses = "stream people: uploading rows: HTTP 404: no such account";
    put_rows(sink, 100, NULL, 0);
    assert_ok(begin(sink, SET("timestamp_field", "")), sink->err);
    assert_int_equal(write_batch(sink), TOW_E_CONFIG);
    assert_says(sink->err, "no such account");
    assert_int_equal(sink->fake.outcome_count, 0);
    assert_true(fake_lytics.upload_count < 20);
}

static void test_more_rows_at_fault_than_are_looked_for_end_the_run(void **state)
{
    static size_t many[300];
    struct sink *sink = *state;

    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = i;
    fake_lytics.fault = FAKE_LYTICS_COUNTS;
    put_rows(sink, 400, many, COUNT(many));
    assert_ok(begin(sink, SET("timestamp_field", "", "format", "json")), sink->err);
    assert_int_equal(write_batch(sink), TOW_E_CONFIG);
    assert_says(sink->err, "more than 256 of 400 rows");
}

/* ---- trouble -------------------------------------------------------------------------------- */

static void test_rows_of_an_upload_without_an_answer_stay_open(void **state)
{
    struct sink *sink = *state;

    for (int after = 0; after < 2; after++) {
        fake_lytics_reset();
        fake_lytics.fail_upload = 3;
        fake_lytics.fails_after = after;
        put_rows(sink, 500, NULL, 0);
        assert_ok(
            begin(sink, SET("timestamp_field", "", "max_bytes", "1000", "record_max_bytes", "100")),
            sink->err);
        assert_int_equal(write_batch(sink), TOW_E_TRANSIENT);
        /* Two were answered: their rows are settled, and no other's. */
        assert_int_equal(settled(sink, TOW_ROW_ACCEPTED),
                         fake_lytics.uploads[0].records + fake_lytics.uploads[1].records);
        assert_int_equal(settled(sink, TOW_ROW_REJECTED), 0);
        end(sink);
        fake_host_forget(&sink->fake);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_check_refuses_options_that_do_not_go_together, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_the_column_of_event_times_must_be_there_and_tell_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_batch_is_one_upload_with_what_the_job_says, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_json_is_an_array, setup, teardown),
        cmocka_unit_test_setup_teardown(test_uploads_have_at_most_max_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_record_that_is_too_large_is_rejected_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_uploads_that_are_too_large_for_the_far_end_become_smaller, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_row_that_fits_alone_goes_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nested_values_are_rejected_where_the_job_says_so,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows_that_lytics_does_not_take_are_found_and_rejected,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_with_droperrors_the_others_are_taken_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_after_a_dry_run_nothing_is_taken_in_part, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_batch_of_bad_rows_alone_is_rejected, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_rows_that_cannot_be_told_apart_are_rejected_together,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_upload_that_was_damaged_on_its_way_goes_again,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_answer_without_counts_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_wrong_with_the_job_ends_the_run, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_more_rows_at_fault_than_are_looked_for_end_the_run,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows_of_an_upload_without_an_answer_stay_open, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
