/* The source events: what its rows hold, what it leaves out and what it rejects. */
#include <unistd.h>

#include "events_fixture.h"
#include "towpath/batch.h"
#include "unit.h"

#define ENVELOPE                                                                         \
    "{\"id\":1,\"ly_event_ts\":\"2026-01-02T03:04:05.5Z\",\"ly_receive_ts\":1767323046," \
    "\"stream\":\"web\",\"data\":"
#define TIMES "2026-01-02T03:04:05.500Z 2026-01-02T03:04:06Z"

static struct fake_host fake;

static int setup(void **state)
{
    int failed = scratch_setup(state);

    fake_host_init(&fake);
    return failed;
}

static int teardown(void **state)
{
    fake_host_release(&fake);
    return scratch_teardown(state);
}

/* A load of one file. Times of receipt that come from the file are its modification time, which
 * these texts do not look at: `rows` may be NULL. */
static void assert_rows(void **state, const char *text, const char *const *settings,
                        const char *rows, const char *rejects)
{
    const char *all[40] = {"path", events_path(*state, "in.ndjson"), "incremental", "none"};
    struct events_run run;
    int code;

    for (int i = 0; settings[i]; i++)
        all[4 + i] = settings[i];
    events_write(*state, "in.ndjson", text);
    events_run_init(&run, &fake, all, 0);
    code = events_run_open(&run, NULL);
    if (code == TOW_OK)
        code = events_run_read_all(&run);
    if (code != TOW_END)
        fail_msg("%s", run.err.message);
    if (rows)
        assert_buffer(&run.rows, rows);
    assert_buffer(&run.rejects, rejects);
    events_run_release(&run);
}

static void test_an_envelope_gives_five_values_and_data_to_the_byte(void **state)
{
    assert_rows(state,
                ENVELOPE "{ \"a\" : 1.500, \"b\":[1,2e5 ]}}\n" ENVELOPE
                         "\"{\\\"a\\\": 1.0}\"}\r\n" ENVELOPE "null}\n" ENVELOPE "[1]}\n",
                SET(NULL),
                "1 1 " TIMES " web { \"a\" : 1.500, \"b\":[1,2e5 ]}\n"
                "2 1 " TIMES " web {\"a\": 1.0}\n"
                "3 1 " TIMES " web null\n"
                "4 1 " TIMES " web [1]\n",
                "");
}

static void test_a_payload_is_data_as_a_whole(void **state)
{
    assert_rows(
        state,
        "  {\"msg_id\":\"7\", \"timestamp\":\"2026-01-02 03:04:05.500\",\"r\":1767323046}  \n",
        SET("stream", "web", "receive_ts_field", "r"),
        "1 7 " TIMES
        " web {\"msg_id\":\"7\", \"timestamp\":\"2026-01-02 03:04:05.500\",\"r\":1767323046}\n",
        "");
}

static void test_the_shape_may_be_given(void **state)
{
    const char *text = "{\"id\":1,\"ts\":1767323045.5,\"ly_receive_ts\":1767323046,\"data\":{}}\n";

    assert_rows(state, text, SET("stream", "s", "shape", "payload"),
                "1 1 " TIMES
                " s {\"id\":1,\"ts\":1767323045.5,\"ly_receive_ts\":1767323046,\"data\":{}}\n",
                "");
    assert_rows(state, text, SET("stream", "s", "shape", "envelope"), "1 1 " TIMES " s {}\n", "");
    assert_rows(state, "{\"id\":1}\n", SET("stream", "s", "shape", "envelope"), "",
                "no_data 1 0 [{\"id\":1}]\n");
}

static void test_the_fields_may_be_named(void **state)
{
    assert_rows(
        state, "{\"id\":1,\"key\":2,\"ts\":0,\"at\":1767323045.5,\"got\":1767323046}\n",
        SET("stream", "s", "id_field", "key", "event_ts_field", "at", "receive_ts_field", "got"),
        "1 2 " TIMES " s {\"id\":1,\"key\":2,\"ts\":0,\"at\":1767323045.5,\"got\":1767323046}\n",
        "");
}

static void test_the_time_of_receipt_is_the_files_where_none_is_given(void **state)
{
    struct events_run run;
    char text[80];

    events_write(*state, "in.ndjson", "{\"id\":1}\n");
    events_run_init(&run, &fake, SET("path", events_path(*state, "in.ndjson"), "stream", "s"), 0);
    assert_ok(events_run_open(&run, NULL), run.err);
    assert_int_equal(events_run_read_all(&run), TOW_END);
    assert_ok(tow_buffer_append(&run.rows, "", 1, &run.err), run.err);
    /* Both times are the file's; the test runs in this century. */
    assert_int_equal(sscanf(run.rows.data, "1 1 20%79s", text), 1);
    assert_memory_equal(run.rows.data + 4, run.rows.data + 4 + strlen(text) + 3, strlen(text) + 2);
    events_run_release(&run);
}

static void test_ids_that_are_none_are_digests(void **state)
{
    struct events_run run;

    /* xxhash64('abc') and xxhash64('s', '{"a":1}') of Spark, without their sign. */
    events_write(
        *state, "in.ndjson",
        "{\"id\":\"abc\"}\n{\"a\":1}\n{\"a\":1}\n{\"id\":null,\"_id\":\"\",\"msg_id\":3}\n");
    events_run_init(&run, &fake, SET("path", events_path(*state, "in.ndjson"), "stream", "s"), 0);
    assert_ok(events_run_open(&run, NULL), run.err);
    assert_int_equal(events_run_read_all(&run), TOW_END);
    assert_buffer(&run.brief, "1423657621850124518 6143696431729406239 6143696431729406239 3 ");
    events_run_release(&run);
}

static void test_ids_beyond_63_bits_are_rejected_or_digested(void **state)
{
    const char *text =
        "{\"id\":9223372036854775807}\n{\"id\":\"18446744073709551615\"}\n{\"id\":-1}\n";
    struct events_run run;

    assert_rows(state, text, SET("stream", "s"), NULL,
                "bad_id 2 27 [{\"id\":\"18446744073709551615\"}]\n");
    events_run_init(
        &run, &fake,
        SET("path", events_path(*state, "in.ndjson"), "stream", "s", "id_overflow", "hash"), 0);
    assert_ok(events_run_open(&run, NULL), run.err);
    assert_int_equal(events_run_read_all(&run), TOW_END);
    assert_buffer(&run.brief, "9223372036854775807 3816116376163377194 -1 ");
    events_run_release(&run);
}

static void test_each_fault_has_its_code_and_place(void **state)
{
    assert_rows(
        state,
        "{\"id\":1\n[1]\n{\"id\":1,\"id\":2}\n{\"x\":\"\xff\"}\n{\"id\":1.5}\n{\"id\":{}}\n"
        "{\"ts\":\"soon\"}\n{\"ts\":true}\n{\"data\":{},\"stream\":5}\n"
        "{\"data\":\"no json\",\"stream\":\"a\"}\n{\"data\":\"\\ud800\",\"stream\":\"a\"}\n"
        "{\"data\":{},\"stream\":\"\\ud800\"}\n{\"data\":{},\"ly_event_ts\":\"99999-01-01\"}\n",
        SET("stream", "s"), "",
        "bad_json 1 0 [{\"id\":1]\nnot_object 2 8 [[1]]\nduplicate_key 3 12 [{\"id\":1,\"id\":2}]\n"
        "invalid_utf8 4 28 [{\"x\":\"\xff\"}]\nbad_id 5 38 [{\"id\":1.5}]\n"
        "bad_id 6 49 [{\"id\":{}}]\nbad_timestamp 7 59 [{\"ts\":\"soon\"}]\n"
        "bad_timestamp 8 73 [{\"ts\":true}]\nbad_stream 9 85 [{\"data\":{},\"stream\":5}]\n"
        "bad_data 10 108 [{\"data\":\"no json\",\"stream\":\"a\"}]\n"
        "bad_data 11 140 [{\"data\":\"\\ud800\",\"stream\":\"a\"}]\n"
        "bad_stream 12 171 [{\"data\":{},\"stream\":\"\\ud800\"}]\n"
        "bad_timestamp 13 201 [{\"data\":{},\"ly_event_ts\":\"99999-01-01\"}]\n");
    assert_rows(state, "{\"a\":1}\n", SET(NULL), "", "no_stream 1 0 [{\"a\":1}]\n");
}

static void test_text_that_is_not_utf8_may_be_mended(void **state)
{
    assert_rows(state, ENVELOPE "{\"a\":\"\xff\xc3\xa9\xc3\"}}\n", SET("invalid_utf8", "replace"),
                "1 1 " TIMES " web {\"a\":\"\xEF\xBF\xBD\xc3\xa9\xEF\xBF\xBD\"}\n", "");
}

static void test_records_that_are_too_long_are_rejected(void **state)
{
    char text[800], rejects[800];

    sprintf(text, ENVELOPE "{}}\n{\"a\":\"%0200d\"}\n" ENVELOPE "{}}\n", 1);
    sprintf(rejects, "row_too_long 2 %d [{\"a\":\"%0200d\"}\n]\n", (int)strlen(ENVELOPE "{}}\n"),
            1);
    assert_rows(state, text, SET("max_row_bytes", "150"),
                "1 1 " TIMES " web {}\n3 1 " TIMES " web {}\n", rejects);
}

/* EVT-1 */
static void test_evt_1_only_the_streams_asked_for_are_exported(void **state)
{
    const char *text =
        ENVELOPE "{\"n\":1}}\n{\"id\":2,\"stream\":\"app\",\"data\":{}}\n"
                 "{\"id\":3,\"stream\":\"we\",\"data\":{}}\n{\"id\":4,\"stream\":\"w\\u0065b\","
                 "\"data\":{}}\n";
    struct events_run run;

    events_write(*state, "in.ndjson", text);
    events_run_init(&run, &fake,
                    SET("path", events_path(*state, "in.ndjson"), "streams", "web,mail"), 0);
    assert_ok(events_run_open(&run, NULL), run.err);
    assert_int_equal(events_run_read_all(&run), TOW_END);
    assert_buffer(&run.brief, "1 4 ");
    /* What is left out was never read. */
    assert_int_equal(run.counted, 2);
    assert_true(fake_host_logged(&fake, TOW_LOG_INFO, "2 events of other streams, 0 of other"));
    events_run_release(&run);
}

/* EVT-2 */
static void test_evt_2_only_the_fields_asked_for_are_in_data(void **state)
{
    assert_rows(state,
                ENVELOPE "{ \"a\" : 1.500, \"x\":{\"a\":1}, \"b c\":[1,2e5 ]}}\n" ENVELOPE
                         "\"{\\\"a\\\":1,\\\"x\\\":2}\"}\n" ENVELOPE "[{\"x\":1}]}\n",
                SET("stream_fields", "a,b c"),
                "1 1 " TIMES " web {\"a\" : 1.500,\"b c\":[1,2e5 ]}\n2 1 " TIMES
                " web {\"a\":1}\n3 1 " TIMES " web [{\"x\":1}]\n",
                "");
}

/* EVT-4 */
static void test_evt_4_a_run_exports_as_many_events_as_allowed_and_the_next_goes_on(void **state)
{
    const char *const *settings =
        SET("path", events_path(*state, ""), "stream", "s", "event_limit", "4");
    struct tow_position end = {.size = sizeof end};
    char *text = events_numbered(1, 9);

    events_write(*state, "a.ndjson", text);
    events_write(*state, "b.ndjson", "{\"id\":10}\n");
    fake.host.batch_rows = 3;
    assert_events(&fake, settings, NULL, "1 2 3 4 ", &end);
    assert_events(&fake, settings, &end, "5 6 7 8 ", &end);
    /* What came in between, before the file at hand, comes last. */
    events_write(*state, "0.ndjson", "{\"id\":0}\n");
    assert_events(&fake, settings, &end, "9 10 0 ", &end);
    assert_int_equal(end.length, 0);
    assert_events(&fake, settings, &end, "", &end);
    free(text);
}

static const char dated[] = "{\"id\":1,\"ts\":\"2025-12-31T23:59:59.999999Z\"}\n"
                            "{\"id\":2,\"ts\":\"2026-01-01T00:00:00Z\"}\n"
                            "{\"id\":3,\"ts\":\"2026-01-02T23:59:59.999Z\"}\n"
                            "{\"id\":4,\"ts\":\"2026-01-03\"}\n";

/* EVT-5 */
static void test_evt_5_the_start_date_is_part_of_the_export(void **state)
{
    events_write(*state, "in.ndjson", dated);
    assert_events(&fake,
                  SET("path", events_path(*state, "in.ndjson"), "stream", "s", "incremental",
                      "none", "start_date", "2026-01-01"),
                  NULL, "2 3 4 ", NULL);
    assert_events(&fake,
                  SET("path", events_path(*state, "in.ndjson"), "stream", "s", "incremental",
                      "none", "start_date", "2026-01-01", "date_timezone", "+00:01"),
                  NULL, "1 2 3 4 ", NULL);
}

/* EVT-6 */
static void test_evt_6_the_end_date_is_not(void **state)
{
    events_write(*state, "in.ndjson", dated);
    assert_events(&fake,
                  SET("path", events_path(*state, "in.ndjson"), "stream", "s", "incremental",
                      "none", "end_date", "2026-01-03"),
                  NULL, "1 2 3 ", NULL);
    assert_events(&fake,
                  SET("path", events_path(*state, "in.ndjson"), "stream", "s", "incremental",
                      "none", "start_date", "2026-01-01", "end_date", "2026-01-03", "date_timezone",
                      "America/New_York"),
                  NULL, "3 4 ", NULL);
    /* By the time of receipt, which is that of the file. */
    assert_events(&fake,
                  SET("path", events_path(*state, "in.ndjson"), "stream", "s", "incremental",
                      "none", "end_date", "2026-01-03", "date_field", "receive"),
                  NULL, "", NULL);
}

static void test_options_that_do_not_fit_together_are_refused(void **state)
{
    static const char *const cases[][5] = {
        {"start_date", "2026-02-30", NULL, NULL, "start_date = \"2026-02-30\""},
        {"end_date", "soon", NULL, NULL, "end_date = \"soon\""},
        {"start_date", "2026-01-02", "end_date", "2026-01-02", "is not after start_date"},
        {"start_date", "2026-01-02", "date_timezone", "Mars/Base", "date_timezone = \"Mars/Base\""},
        {"follow", "true", NULL, NULL, "needs tail"},
        {"tail", "true", "incremental", "none", "needs incremental"},
        {"start_from_end", "true", "incremental", "none", "needs incremental"},
        {"done_marker", "a/b", NULL, NULL, "done_marker = \"a/b\""},
        {"stream", "", NULL, NULL, "stream is empty"},
        {"path", "", NULL, NULL, "path is empty"},
        {"path", "-", "tail", "true", "tail needs files"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_events_fail(&fake,
                           SET("path", events_path(*state, ""), cases[i][0], cases[i][1],
                               cases[i][2], cases[i][3]),
                           TOW_E_CONFIG, cases[i][4]);
}

static void test_the_columns_are_the_five_of_every_export(void **state)
{
    struct events_run run;

    for (int is_json = 0; is_json < 2; is_json++) {
        static const char *const names[] = {"id", "ly_event_ts", "ly_receive_ts", "stream", "data"};
        const enum tow_type_id types[] = {TOW_TYPE_INT64, TOW_TYPE_TIMESTAMP, TOW_TYPE_TIMESTAMP,
                                          TOW_TYPE_STRING,
                                          is_json ? TOW_TYPE_JSON : TOW_TYPE_STRING};

        events_run_init(
            &run, &fake,
            SET("path", events_path(*state, ""), "data_type", is_json ? "json" : "string"), 0);
        assert_ok(events_run_open(&run, NULL), run.err);
        assert_int_equal(run.schema.n_children, 5);
        for (int i = 0; i < 5; i++) {
            struct tow_field field;

            assert_ok(tow_schema_field(&run.schema, i, &field, &run.err), run.err);
            assert_string_equal(field.name, names[i]);
            assert_int_equal(field.type.id, types[i]);
        }
        events_run_release(&run);
    }
}

/* ---- formats -------------------------------------------------------------------------------- */

static void test_an_array_is_known_by_its_first_byte(void **state)
{
    events_write(*state, "in", " \n[{\"id\":1},\n{\"id\":2}]");
    assert_events(&fake, SET("path", events_path(*state, "in"), "stream", "s"), NULL, "1 2 ", NULL);
}

static void assert_table(void **state, const char *text, const char *const *settings,
                         const char *rows, const char *rejects)
{
    const char *all[20] = {"path", events_path(*state, "in.csv")};
    struct events_run run;

    for (int i = 0; settings[i]; i++)
        all[2 + i] = settings[i];
    /* Whatever the window, and from behind each row. */
    for (size_t window = 8; window < 60; window += 7) {
        struct fake_host other;

        events_write(*state, "in.csv", text);
        fake_host_init(&other);
        events_run_init(&run, &other, all, window);
        if (events_run_open(&run, NULL) != TOW_OK || events_run_read_all(&run) != TOW_END)
            fail_msg("%s", run.err.message);
        assert_buffer(&run.rows, rows);
        assert_buffer(&run.rejects, rejects);
        events_run_release(&run);
        fake_host_release(&other);
    }
}

static void test_rows_of_csv_are_envelopes_or_payloads(void **state)
{
    assert_table(
        state,
        "id,ly_event_ts,ly_receive_ts,stream,data\n"
        "1,2026-01-02 03:04:05.5,1767323046,web,\"{\"\"a\"\": 1.50,\n\"\"b\"\":\"\"x,y\"\"}\"\r\n\n"
        "2,2026-01-02 03:04:05.5,1767323046,web,",
        SET(NULL), "2 1 " TIMES " web {\"a\": 1.50,\n\"b\":\"x,y\"}\n5 2 " TIMES " web null\n", "");
    assert_table(state, "id;a\"b;ts;ly_receive_ts\n7;\"x\"\"\n\";1767323045.5;1767323046\n",
                 SET("delimiter", ";", "stream", "s"),
                 "2 7 " TIMES " s {\"id\":\"7\",\"a\\\"b\":\"x\\\"\\n\",\"ts\":\"1767323045.5\","
                 "\"ly_receive_ts\":\"1767323046\"}\n",
                 "");
    assert_table(state, "", SET("stream", "s"), "", "");
    assert_table(state, "id,ts\n", SET("stream", "s"), "", "");
}

static void test_rows_of_csv_that_are_malformed_are_rejected(void **state)
{
    assert_table(state, "id,ts,ly_receive_ts\n\"1\"x,2\n1\n1,2,3,4\n9,1767323045.5,1767323046\n\"",
                 SET("stream", "s"),
                 "5 9 " TIMES
                 " s {\"id\":\"9\",\"ts\":\"1767323045.5\",\"ly_receive_ts\":\"1767323046\"}\n",
                 "bad_quote 2 20 [\"1\"x,2]\nfield_count 3 27 [1]\nfield_count 4 29 [1,2,3,4]\n"
                 "unclosed_quote 6 63 [\"]\n");
}

static void test_a_header_that_cannot_be_is_refused(void **state)
{
    static const char *const cases[][2] = {{"a,,b\n", "column 2 in the header is empty"},
                                           {"a,b,a\n", "the name \"a\" twice"},
                                           {"\xff\n", "not valid UTF-8"},
                                           {"\"a", "unclosed_quote"}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        events_write(*state, "in.csv", cases[i][0]);
        assert_events_fail(&fake, SET("path", events_path(*state, "in.csv"), "stream", "s"),
                           TOW_E_ENV, cases[i][1]);
    }
}

static void test_a_byte_order_mark_is_skipped(void **state)
{
    events_write(*state, "in", "\xEF\xBB\xBF{\"id\":1}\n");
    assert_events(&fake, SET("path", events_path(*state, "in"), "stream", "s"), NULL, "1 ", NULL);
    events_write(*state, "array", "\xEF\xBB\xBF[{\"id\":1},{\"id\":2}]");
    assert_events(&fake, SET("path", events_path(*state, "array"), "stream", "s"), NULL, "1 2 ",
                  NULL);
}

static void test_compressed_files_are_read(void **state)
{
    events_write_gzip(*state, "in.ndjson.gz", "{\"id\":1}\n{\"id\":2}");
    assert_events(&fake, SET("path", events_path(*state, ""), "stream", "s"), NULL, "1 2 ", NULL);
}

static void test_a_damaged_file_gives_its_rows_and_then_its_error(void **state)
{
    struct events_run run;

    events_write(*state, "in", "[{\"id\":1},{\"id\":2}");
    events_run_init(&run, &fake, SET("path", events_path(*state, "in"), "stream", "s"), 0);
    assert_ok(events_run_open(&run, NULL), run.err);
    assert_ok(events_run_read(&run), run.err);
    assert_buffer(&run.brief, "1 2 ");
    assert_int_equal(events_run_read(&run), TOW_E_ENV);
    assert_int_equal(events_run_read(&run), TOW_E_ENV);
    assert_says(run.err, "not closed");
    assert_int_equal(run.marks, 0);
    events_run_release(&run);
}

static void test_a_file_that_is_damaged_in_the_space_before_its_events_is_told(void **state)
{
    static char text[300000];
    const char *path = events_path(*state, "in.ndjson.gz");
    struct events_run run;

    memset(text, '\n', sizeof text - 1);
    events_write_gzip(*state, "in.ndjson.gz", text);
    assert_int_equal(truncate(path, 100), 0);
    events_run_init(&run, &fake, SET("path", path, "stream", "s"), 0);
    alarm(20); /* it read for ever once */
    assert_ok(events_run_open(&run, NULL), run.err);
    assert_int_equal(events_run_read_all(&run), TOW_E_ENV);
    alarm(0);
    assert_says(run.err, "in.ndjson.gz");
    events_run_release(&run);
}

static void test_a_batch_ends_where_rejects_pile_up(void **state)
{
    struct events_run run;

    fake.reject_pause = 1;
    events_write(*state, "in", "x\ny\n{\"id\":1}\n");
    events_run_init(&run, &fake, SET("path", events_path(*state, "in"), "stream", "s"), 0);
    assert_ok(events_run_open(&run, NULL), run.err);
    assert_int_equal(events_run_read_all(&run), TOW_END);
    assert_int_equal(run.batches, 3);
    assert_int_equal(run.counted, 3);
    events_run_release(&run);
}

static void test_reading_is_cancelled(void **state)
{
    struct events_run run;

    events_write(*state, "in", "{\"id\":1}\n");
    events_run_init(&run, &fake, SET("path", events_path(*state, "in"), "stream", "s"), 0);
    assert_ok(events_run_open(&run, NULL), run.err);
    fake_host_cancel(&fake);
    assert_int_equal(events_run_read(&run), TOW_E_CANCELLED);
    events_run_release(&run);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_envelope_gives_five_values_and_data_to_the_byte),
        TEST(test_a_payload_is_data_as_a_whole),
        TEST(test_the_shape_may_be_given),
        TEST(test_the_fields_may_be_named),
        TEST(test_the_time_of_receipt_is_the_files_where_none_is_given),
        TEST(test_ids_that_are_none_are_digests),
        TEST(test_ids_beyond_63_bits_are_rejected_or_digested),
        TEST(test_each_fault_has_its_code_and_place),
        TEST(test_text_that_is_not_utf8_may_be_mended),
        TEST(test_records_that_are_too_long_are_rejected),
        TEST(test_evt_1_only_the_streams_asked_for_are_exported),
        TEST(test_evt_2_only_the_fields_asked_for_are_in_data),
        TEST(test_evt_4_a_run_exports_as_many_events_as_allowed_and_the_next_goes_on),
        TEST(test_evt_5_the_start_date_is_part_of_the_export),
        TEST(test_evt_6_the_end_date_is_not),
        TEST(test_options_that_do_not_fit_together_are_refused),
        TEST(test_the_columns_are_the_five_of_every_export),
        TEST(test_an_array_is_known_by_its_first_byte),
        TEST(test_rows_of_csv_are_envelopes_or_payloads),
        TEST(test_rows_of_csv_that_are_malformed_are_rejected),
        TEST(test_a_header_that_cannot_be_is_refused),
        TEST(test_a_byte_order_mark_is_skipped),
        TEST(test_compressed_files_are_read),
        TEST(test_a_damaged_file_gives_its_rows_and_then_its_error),
        TEST(test_a_file_that_is_damaged_in_the_space_before_its_events_is_told),
        TEST(test_a_batch_ends_where_rejects_pile_up),
        TEST(test_reading_is_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
