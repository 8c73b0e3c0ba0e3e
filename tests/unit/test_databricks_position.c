/* Positions of the source databricks, and how a load's progress is counted. */
#include "plugins/databricks/position.h"
#include "plugins/databricks/progress.h"

#include "json_memory.h"
#include "random.h"
#include "unit.h"

/* ---- positions ------------------------------------------------------------------------------ */

static struct tow_scan_position example(void)
{
    return (struct tow_scan_position){
        .is_load = 1,
        .order = "updated_at timestamp, id number",
        .shape = 0xF3,
        .version = 7,
        .after = {{"2026-01-01T00:00:00.000000Z"}, 1},
        .has_upto = 1,
        .upto = "2026-02-01T00:00:00.000000Z",
        .key = {{"2026-01-02T03:04:05.123456Z", NULL}, 2},
        .same = {5000, 3, 1},
        .total = 1000000,
        .place = {.id = "01ef-a_9", .chunk = 2, .row = 800, .done = 4800, .succeeded_us = 17},
    };
}

static void assert_same_key(const struct tow_key *a, const struct tow_key *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->values[i] == NULL, b->values[i] == NULL);
        if (a->values[i])
            assert_string_equal(a->values[i], b->values[i]);
    }
}

static void assert_same_position(const struct tow_scan_position *a,
                                 const struct tow_scan_position *b)
{
    assert_int_equal(a->is_load, b->is_load);
    assert_string_equal(a->order, b->order);
    assert_same_key(&a->after, &b->after);
    if (!a->is_load)
        return;
    assert_true(a->shape == b->shape);
    assert_true(a->version == b->version && a->total == b->total);
    assert_int_equal(a->has_upto, b->has_upto);
    assert_int_equal(a->upto == NULL, b->upto == NULL);
    if (a->upto)
        assert_string_equal(a->upto, b->upto);
    assert_same_key(&a->key, &b->key);
    assert_memory_equal(a->same, b->same, (a->key.count + 1) * sizeof *a->same);
    assert_string_equal(a->place.id, b->place.id);
    assert_int_equal(a->place.is_inline, b->place.is_inline);
    assert_true(a->place.chunk == b->place.chunk && a->place.row == b->place.row &&
                a->place.done == b->place.done && a->place.succeeded_us == b->place.succeeded_us);
}

static void assert_round_trip(const struct tow_scan_position *position)
{
    struct tow_position bytes = {.size = sizeof bytes};
    struct tow_scan_position again;
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_scan_position_put(position, &bytes, &err), err);
    assert_ok(tow_scan_position_get(&again, &bytes, &err), err);
    assert_same_position(position, &again);
    tow_scan_position_release(&again);
}

static void test_a_position_reads_back_as_it_was(void **state)
{
    struct tow_scan_position position = example();

    (void)state;
    assert_round_trip(&position);
    position.upto = NULL;
    assert_round_trip(&position);
    position.has_upto = 0;
    position.version = position.total = -1;
    position.shape = UINT64_MAX;
    position.place = (struct tow_scan_place){.id = ""};
    assert_round_trip(&position);
    position.place = (struct tow_scan_place){.id = "x", .is_inline = 1, .done = INT64_MAX};
    position.key.values[0] = "quote \" backslash \\ control \x01 four \xF0\x9F\x98\x80";
    assert_round_trip(&position);
    position.key.count = position.after.count = 0;
    assert_round_trip(&position);
}

static void test_where_the_next_load_begins_reads_back(void **state)
{
    struct tow_scan_position position = {.order = "id number", .after = {{"42"}, 1}};

    (void)state;
    assert_round_trip(&position);
    position.after = (struct tow_key){{NULL, "x"}, 2};
    assert_round_trip(&position);
}

static void test_a_position_says_what_its_header_says(void **state)
{
    struct tow_scan_position next = {.order = "id number", .after = {{"42"}, 1}};
    struct tow_position bytes = {.size = sizeof bytes};
    struct tow_scan_position load = example();
    struct tow_error err = TOW_ERROR_INIT;
    const char *text = (const char *)bytes.bytes;

    (void)state;
    assert_ok(tow_scan_position_put(&next, &bytes, &err), err);
    bytes.bytes[bytes.length] = '\0';
    assert_string_equal(text, "{\"v\":1,\"order\":\"id number\",\"next\":[\"42\"]}");
    assert_ok(tow_scan_position_put(&load, &bytes, &err), err);
    bytes.bytes[bytes.length] = '\0';
    assert_string_equal(
        text,
        "{\"v\":1,\"order\":\"updated_at timestamp, id number\",\"shape\":\"00000000000000f3\","
        "\"version\":7,\"after\":[\"2026-01-01T00:00:00.000000Z\"],\"upto\":[\"2026-02-01T00:"
        "00:00.000000Z\"],\"key\":[\"2026-01-02T03:04:05.123456Z\",null],\"same\":[5000,3,1],"
        "\"total\":1000000,\"statement\":{\"id\":\"01ef-a_9\",\"inline\":false,\"chunk\":2,"
        "\"row\":800,\"done\":4800,\"at\":17}}");
}

static void test_an_empty_position_is_the_start(void **state)
{
    struct tow_position bytes = {.size = sizeof bytes};
    struct tow_scan_position position;
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    assert_int_equal(tow_scan_position_get(&position, &bytes, &err), TOW_END);
    assert_true(position.version == -1 && position.total == -1);
}

static void test_values_too_long_for_a_position_are_left_out_from_the_end(void **state)
{
    struct tow_scan_position position = example(), again;
    struct tow_position bytes = {.size = sizeof bytes};
    struct tow_error err = TOW_ERROR_INIT;
    char texts[TOW_KEYS_MAX][TOW_KEY_TEXT_MAX + 1];

    (void)state;
    for (size_t i = 0; i < TOW_KEYS_MAX; i++) {
        memset(texts[i], 'a' + (int)i, TOW_KEY_TEXT_MAX);
        texts[i][TOW_KEY_TEXT_MAX] = '\0';
        position.key.values[i] = texts[i];
        position.same[i + 1] = 1;
    }
    position.key.count = TOW_KEYS_MAX;
    assert_ok(tow_scan_position_put(&position, &bytes, &err), err);
    assert_true(bytes.length <= TOW_POSITION_MAX);
    assert_ok(tow_scan_position_get(&again, &bytes, &err), err);
    assert_in_range(again.key.count, 5, 7);
    assert_string_equal(again.key.values[again.key.count - 1], texts[again.key.count - 1]);
    tow_scan_position_release(&again);
    for (size_t i = 0; i < TOW_KEYS_MAX; i++)
        position.after.values[i] = texts[i];
    position.after.count = TOW_KEYS_MAX;
    assert_int_equal(tow_scan_position_put(&position, &bytes, &err), TOW_E_UNSUPPORTED);
    assert_says(err, "too long to be kept");
}

static int read_text(const char *text, size_t length)
{
    struct tow_position bytes = {.size = sizeof bytes, .length = (uint32_t)length};
    struct tow_scan_position position;
    struct tow_error err = TOW_ERROR_INIT;
    int code;

    memcpy(bytes.bytes, text, length < sizeof bytes.bytes ? length : sizeof bytes.bytes);
    code = tow_scan_position_get(&position, &bytes, &err);
    if (code == TOW_OK) {
        assert_true(position.key.count <= TOW_KEYS_MAX && position.after.count <= TOW_KEYS_MAX);
        tow_scan_position_release(&position);
    } else {
        assert_int_equal(code, TOW_E_ENV);
        assert_says(err, "none of this plugin's");
    }
    return code;
}

static void test_other_bytes_are_no_position(void **state)
{
    char large[TOW_POSITION_MAX + 1];
    static const char *const others[] = {
        "x",
        "{}",
        "[]",
        "null",
        "csv 1 5 6 7 0 0 0\n/a",
        "{\"v\":1,\"order\":\"\",\"next\":[]}",
        "{\"v\":2,\"order\":\"\",\"next\":[\"1\"]}",
        "{\"v\":1,\"next\":[\"1\"]}",
        "{\"v\":1,\"order\":\"\",\"next\":[1]}",
        "{\"v\":1,\"order\":\"\",\"next\":\"1\"}",
        "{\"v\":1,\"order\":\"\",\"next\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\","
        "\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\"17\"]}",
        "{\"v\":1,\"order\":\"\",\"next\":[\"a\\u0000b\"]}",
        "{\"v\":1,\"v\":1,\"order\":\"\",\"next\":[\"1\"]}",
    };
    static const char *const parts[][2] = {
        {"\"00000000000000f3\"", "\"f3\""},
        {"\"00000000000000f3\"", "3"},
        {"\"version\":7", "\"version\":-2"},
        {"\"version\":7", "\"version\":7.5"},
        {"\"version\":7", "\"version\":99999999999999999999"},
        {"[5000,3,1]", "[5000,3]"},
        {"[5000,3,1]", "[5000,3,4]"},
        {"[5000,3,1]", "[-1,-1,-1]"},
        {"[5000,3,1]", "5000"},
        {"\"total\":1000000", "\"total\":-2"},
        {"\"01ef-a_9\"", "\"../../x\""},
        {"\"01ef-a_9\"", "\"\""},
        {"\"01ef-a_9\"", "7"},
        {"\"chunk\":2", "\"chunk\":-1"},
        {"\"row\":800", "\"row\":\"800\""},
        {"\"done\":4800,", ""},
        {"\"upto\":[", "\"upto\":[\"a\","},
    };
    struct tow_position bytes = {.size = sizeof bytes};
    struct tow_scan_position position = example();
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (read_text(others[i], strlen(others[i])) == TOW_OK)
            fail_msg("%s passes", others[i]);
    assert_ok(tow_scan_position_put(&position, &bytes, &err), err);
    bytes.bytes[bytes.length] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char text[TOW_POSITION_MAX];
        char *at = strstr((char *)bytes.bytes, parts[i][0]);

        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - (char *)bytes.bytes),
                 (char *)bytes.bytes, parts[i][1], at + strlen(parts[i][0]));
        if (read_text(text, strlen(text)) == TOW_OK)
            fail_msg("%s passes", text);
    }
    memset(large, ' ', sizeof large);
    assert_int_equal(read_text(large, sizeof large), TOW_E_ENV);
}

static void test_damaged_positions_do_no_harm(void **state)
{
    struct tow_position bytes = {.size = sizeof bytes};
    struct tow_scan_position position = example();
    struct tow_error err = TOW_ERROR_INIT;
    uint64_t seed = 3;

    (void)state;
    assert_ok(tow_scan_position_put(&position, &bytes, &err), err);
    for (uint32_t length = 1; length < bytes.length; length++)
        assert_int_equal(read_text((const char *)bytes.bytes, length), TOW_E_ENV);
    for (int i = 0; i < 20000; i++) {
        char text[TOW_POSITION_MAX];

        memcpy(text, bytes.bytes, bytes.length);
        for (int j = 0; j < 3; j++)
            text[random_next(&seed) % bytes.length] = (char)(random_next(&seed) % 256);
        read_text(text, bytes.length);
    }
}

/* ---- progress ------------------------------------------------------------------------------- */

struct rows {
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct tow_view views[2];
};

/* Rows of a number and a text; a text of NULL, and a number of 0, are nulls. */
static void rows_init(struct rows *rows, const int64_t *numbers, const char *const *texts,
                      size_t count)
{
    const struct tow_field fields[] = {{"n", {TOW_TYPE_INT64, 0, 0}, 0},
                                       {"s", {TOW_TYPE_STRING, 0, 0}, 0}};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_builder *builder = tow_builder_new(fields, 2, &err);

    assert_non_null(builder);
    assert_ok(tow_schema_make(&rows->schema, fields, 2, &err), err);
    for (size_t i = 0; i < count; i++) {
        if (numbers[i])
            assert_ok(tow_append_int64(builder, 0, numbers[i], &err), err);
        assert_ok(tow_append_text(builder, 1, texts[i], &err), err);
        assert_ok(tow_builder_end_row(builder, &err), err);
    }
    assert_ok(tow_builder_finish(builder, &rows->array, &err), err);
    tow_builder_free(builder);
    for (int i = 0; i < 2; i++)
        tow_view_init(&rows->views[i], &rows->schema, &rows->array, i);
}

static void rows_release(struct rows *rows)
{
    rows->schema.release(&rows->schema);
    rows->array.release(&rows->array);
}

static void advance(struct tow_scan_progress *progress, const struct rows *rows, int64_t first,
                    int64_t count)
{
    struct tow_scan_progress next = {.same = {0}};
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_scan_progress_advance(progress, rows->views, 2, first, count, &next, &err), err);
    tow_scan_progress_release(progress);
    *progress = next;
}

static void assert_progress(const struct tow_scan_progress *progress, const char *number,
                            const char *text, int64_t all, int64_t first, int64_t both)
{
    assert_int_equal(progress->last.count, 2);
    if (number)
        assert_string_equal(progress->last.values[0], number);
    else
        assert_null(progress->last.values[0]);
    if (text)
        assert_string_equal(progress->last.values[1], text);
    else
        assert_null(progress->last.values[1]);
    assert_int_equal(progress->same[0], all);
    assert_int_equal(progress->same[1], first);
    assert_int_equal(progress->same[2], both);
}

static void test_want_of_memory_is_no_damage(void **state)
{
    struct tow_scan_position position = example(), again;
    struct tow_position bytes = {.size = sizeof bytes};
    struct tow_error err = TOW_ERROR_INIT;
    int code;

    (void)state;
    assert_ok(tow_scan_position_put(&position, &bytes, &err), err);
    for (long n = 0;; n++) {
        json_memory_after(n);
        code = tow_scan_position_get(&again, &bytes, &err);
        json_memory_enough();
        if (code == TOW_OK)
            break;
        assert_int_equal(code, TOW_E_NOMEM);
    }
    assert_same_position(&position, &again);
    tow_scan_position_release(&again);
}

static void test_rows_with_the_last_key_are_counted_across_batches(void **state)
{
    static const int64_t numbers[] = {0, 0, 1, 1, 1, 1, 1, 2};
    static const char *const texts[] = {NULL, "a", "a", "b", "b", "b", "c", "c"};
    struct tow_scan_progress progress = {.same = {0}};
    struct tow_error err = TOW_ERROR_INIT;
    struct rows rows;
    int matches;

    (void)state;
    rows_init(&rows, numbers, texts, 8);
    advance(&progress, &rows, 0, 1);
    assert_progress(&progress, NULL, NULL, 1, 1, 1);
    assert_ok(tow_scan_progress_matches(&progress, rows.views, 0, &matches, &err), err);
    assert_int_equal(matches, 1);
    assert_ok(tow_scan_progress_matches(&progress, rows.views, 1, &matches, &err), err);
    assert_int_equal(matches, 0);
    advance(&progress, &rows, 1, 1);
    assert_progress(&progress, NULL, "a", 2, 2, 1);
    advance(&progress, &rows, 2, 2);
    assert_progress(&progress, "1", "b", 4, 2, 1);
    advance(&progress, &rows, 4, 1);
    assert_progress(&progress, "1", "b", 5, 3, 2);
    advance(&progress, &rows, 5, 2);
    assert_progress(&progress, "1", "c", 7, 5, 1);
    advance(&progress, &rows, 7, 1);
    assert_progress(&progress, "2", "c", 8, 1, 1);
    tow_scan_progress_release(&progress);
    advance(&progress, &rows, 0, 8);
    assert_progress(&progress, "2", "c", 8, 1, 1);
    tow_scan_progress_release(&progress);
    advance(&progress, &rows, 0, 6);
    assert_progress(&progress, "1", "b", 6, 4, 3);
    tow_scan_progress_release(&progress);
    rows_release(&rows);
}

static void test_a_value_that_cannot_be_kept_ends_the_key(void **state)
{
    static const int64_t numbers[] = {1, 1, 1};
    char text[TOW_KEY_TEXT_MAX + 2];
    const char *const texts[] = {"a", text, "\xFF"};
    struct tow_scan_progress progress = {.same = {0}};
    struct rows rows;

    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    rows_init(&rows, numbers, texts, 3);
    advance(&progress, &rows, 0, 2);
    assert_int_equal(progress.last.count, 1);
    assert_int_equal(progress.same[1], 2);
    advance(&progress, &rows, 2, 1);
    assert_int_equal(progress.last.count, 1);
    assert_int_equal(progress.same[0], 3);
    assert_int_equal(progress.same[1], 3);
    tow_scan_progress_release(&progress);
    rows_release(&rows);
}

/* Against counting by hand, over random rows cut into random batches. */
static void test_progress_is_that_of_all_rows_however_they_are_cut(void **state)
{
    static const char *const words[] = {NULL, "a", "b"};
    uint64_t seed = 11;

    (void)state;
    for (int round = 0; round < 200; round++) {
        int64_t numbers[40];
        const char *texts[40];
        struct tow_scan_progress progress = {.same = {0}};
        struct rows rows;
        int64_t done = 0, first = 1, both = 1;

        for (int i = 0; i < 40; i++) {
            numbers[i] = (int64_t)(random_next(&seed) % 2);
            texts[i] = words[random_next(&seed) % 3];
        }
        rows_init(&rows, numbers, texts, 40);
        while (done < 40) {
            int64_t count = 1 + (int64_t)(random_next(&seed) % 9);

            count = count < 40 - done ? count : 40 - done;
            advance(&progress, &rows, done, count);
            done += count;
        }
        for (int i = 38; i >= 0 && numbers[i] == numbers[39]; i--)
            first++;
        for (int i = 38; i >= 0 && numbers[i] == numbers[39] && texts[i] == texts[39]; i--)
            both++;
        assert_int_equal(progress.same[0], 40);
        assert_int_equal(progress.same[1], first);
        assert_int_equal(progress.same[2], both);
        tow_scan_progress_release(&progress);
        rows_release(&rows);
    }
}

/* ---- the text of values --------------------------------------------------------------------- */

static void test_every_kind_of_key_has_its_text(void **state)
{
    const struct tow_field fields[] = {
        {"b", {TOW_TYPE_BOOL, 0, 0}, 0},      {"i", {TOW_TYPE_INT8, 0, 0}, 0},
        {"d", {TOW_TYPE_DECIMAL, 38, 3}, 0},  {"y", {TOW_TYPE_DATE, 0, 0}, 0},
        {"t", {TOW_TYPE_TIMESTAMP, 0, 0}, 0}, {"w", {TOW_TYPE_TIMESTAMP_NTZ, 0, 0}, 0},
        {"s", {TOW_TYPE_STRING, 0, 0}, 0},
    };
    static const char *const expected[] = {"true",
                                           "-128",
                                           "-0.001",
                                           "1969-12-31",
                                           "1969-12-31T23:59:59.999999Z",
                                           "2000-01-01T00:00:00.000000",
                                           "it's"};
    const size_t count = sizeof fields / sizeof *fields;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_builder *builder = tow_builder_new(fields, count, &err);
    struct ArrowSchema schema;
    struct ArrowArray array;

    (void)state;
    assert_ok(tow_schema_make(&schema, fields, count, &err), err);
    for (int row = 0; row < 2; row++) {
        assert_ok(tow_append_bool(builder, 0, 1 - row, &err), err);
        assert_ok(tow_append_int64(builder, 1, -128 + row, &err), err);
        assert_ok(tow_append_decimal(builder, 2, (struct tow_decimal){UINT64_MAX, -1 + row}, &err),
                  err);
        assert_ok(tow_append_int64(builder, 3, -1 + row, &err), err);
        assert_ok(tow_append_int64(builder, 4, -1 + row, &err), err);
        assert_ok(tow_append_int64(builder, 5, 946684800000000 + row, &err), err);
        assert_ok(tow_append_text(builder, 6, row ? "its" : "it's", &err), err);
        assert_ok(tow_builder_end_row(builder, &err), err);
    }
    assert_ok(tow_builder_finish(builder, &array, &err), err);
    for (size_t i = 0; i < count; i++) {
        struct tow_buffer text = {0};
        struct tow_view view;

        tow_view_init(&view, &schema, &array, (int64_t)i);
        assert_ok(tow_key_put(&text, &view, 0, &err), err);
        assert_int_equal(text.size, strlen(expected[i]));
        assert_memory_equal(text.data, expected[i], text.size);
        assert_true(tow_key_same(&view, 0, 0));
        assert_false(tow_key_same(&view, 0, 1));
        tow_buffer_release(&text);
    }
    tow_builder_free(builder);
    schema.release(&schema);
    array.release(&array);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_position_reads_back_as_it_was),
        cmocka_unit_test(test_where_the_next_load_begins_reads_back),
        cmocka_unit_test(test_a_position_says_what_its_header_says),
        cmocka_unit_test(test_an_empty_position_is_the_start),
        cmocka_unit_test(test_values_too_long_for_a_position_are_left_out_from_the_end),
        cmocka_unit_test(test_other_bytes_are_no_position),
        cmocka_unit_test(test_damaged_positions_do_no_harm),
        cmocka_unit_test(test_want_of_memory_is_no_damage),
        cmocka_unit_test(test_rows_with_the_last_key_are_counted_across_batches),
        cmocka_unit_test(test_a_value_that_cannot_be_kept_ends_the_key),
        cmocka_unit_test(test_progress_is_that_of_all_rows_however_they_are_cut),
        cmocka_unit_test(test_every_kind_of_key_has_its_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
