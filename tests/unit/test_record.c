#include "unit.h"

#include "run/record.h"

static const struct tow_field fields[] = {{"n", {TOW_TYPE_INT64, 0, 0}, 0}};
static struct ArrowSchema schema;

static int make_schema(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    return tow_schema_make(&schema, fields, 1, &err);
}

static int release_schema(void **state)
{
    (void)state;
    schema.release(&schema);
    return 0;
}

static struct ArrowArray numbers(int64_t first, int64_t count)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_builder *builder = tow_builder_new(fields, 1, &err);
    struct ArrowArray out;

    for (int64_t n = first; n < first + count; n++) {
        assert_ok(tow_append_int64(builder, 0, n, &err), err);
        assert_ok(tow_builder_end_row(builder, &err), err);
    }
    assert_ok(tow_builder_finish(builder, &out, &err), err);
    tow_builder_free(builder);
    return out;
}

/* A record of the numbers 0 to 9, through its last stage. */
static struct record *ten(void)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_batch batch = {.size = sizeof batch, .array = numbers(0, 10)};
    struct record *record = NULL;
    struct ArrowArray out = numbers(0, 10);

    assert_ok(record_new(&record, 7, &batch, &err), err);
    assert_ok(record_end_stage(record, 10, &err), err);
    record_outgoing(record, &out);
    return record;
}

static void try_is(struct record *record, const int64_t *wanted, int64_t count)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct ArrowArray *rows;
    struct tow_view view;

    assert_ok(record_try(record, &schema, &rows, &err), err);
    assert_int_equal(rows->length, count);
    tow_view_init(&view, &schema, rows, 0);
    for (int64_t i = 0; i < count; i++)
        assert_int_equal(tow_view_int64(&view, i), wanted[i]);
}

static void test_a_second_try_offers_the_open_rows_and_settles_them_by_their_new_numbers(void **s)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct record *record = ten();
    const struct ArrowArray *rows;

    (void)s;
    assert_ok(record_try(record, &schema, &rows, &err), err);
    assert_ok(record_settle_try(record, 0, 3, TOW_ROW_ACCEPTED, NULL, NULL, &err), err);
    assert_ok(record_settle_try(record, 5, 1, TOW_ROW_REJECTED, "c", "m", &err), err);
    try_is(record, (const int64_t[]){3, 4, 6, 7, 8, 9}, 6);
    assert_ok(record_settle_try(record, 2, 1, TOW_ROW_REJECTED, "c2", "m2", &err), err);
    try_is(record, (const int64_t[]){3, 4, 7, 8, 9}, 5);
    assert_ok(record_settle_rest(record, TOW_ROW_ACCEPTED, NULL, NULL, &err), err);
    assert_int_equal(record->open, 0);
    assert_int_equal(record->accepted, 8);
    assert_int_equal(record->rejected, 2);
    assert_int_equal(record->notes[0].row, 5);
    assert_int_equal(record->notes[1].row, 6);
    assert_string_equal(record_code(record, &record->notes[1]), "c2");
    assert_string_equal(record_message(record, &record->notes[1]), "m2");
    record_free(record);
}

static void test_stages_count_rows_by_what_came_into_them(void **s)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_batch batch = {.size = sizeof batch, .array = numbers(0, 10)};
    struct record *record = NULL;

    (void)s;
    assert_ok(record_new(&record, 1, &batch, &err), err);
    assert_ok(record_settle_stage(record, 0, RECORD_TRANSFORM, TOW_ROW_FILTERED, NULL, NULL, &err),
              err);
    assert_ok(record_end_stage(record, 9, &err), err);
    assert_ok(record_settle_stage(record, 0, RECORD_COLUMNS, TOW_ROW_REJECTED, "c", "m", &err),
              err);
    assert_ok(record_end_stage(record, 8, &err), err);
    assert_int_equal(record->notes[0].row, 1);
    assert_int_equal(record->out_rows[0], 2);
    assert_int_equal(record->filtered, 1);
    record_free(record);
}

static void test_a_stage_that_loses_rows_is_found_out(void **s)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct record *record = ten();

    (void)s;
    assert_int_equal(record_end_stage(record, 9, &err), TOW_E_BUG);
    assert_says(err, "left 10 rows open and handed out 9");
    record_free(record);
}

static void refuses(struct record *record, int64_t first, int64_t count, int outcome,
                    const char *code, const char *says)
{
    struct tow_error err = TOW_ERROR_INIT;

    assert_int_equal(record_settle_try(record, first, count, outcome, code, "m", &err), TOW_E_BUG);
    assert_says(err, says);
}

static void test_settling_out_of_place_is_a_bug(void **s)
{
    struct record *record = ten();
    struct tow_error err = TOW_ERROR_INIT;
    const struct ArrowArray *rows;

    (void)s;
    assert_ok(record_try(record, &schema, &rows, &err), err);
    refuses(record, -1, 1, TOW_ROW_ACCEPTED, NULL, "no such row");
    refuses(record, 9, 2, TOW_ROW_ACCEPTED, NULL, "no such row");
    refuses(record, INT64_MAX, INT64_MAX, TOW_ROW_ACCEPTED, NULL, "no such row");
    refuses(record, 1, 1, 17, NULL, "unknown outcome");
    refuses(record, 1, 1, TOW_ROW_REJECTED, NULL, "without code");
    assert_ok(record_settle_try(record, 1, 1, TOW_ROW_ACCEPTED, NULL, NULL, &err), err);
    refuses(record, 1, 1, TOW_ROW_REJECTED, "c", "settled twice");
    record_free(record);
}

static void test_unreadable_rows_come_before_others_and_keep_their_lines(void **s)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_batch none = {.size = sizeof none}, batch = {.size = sizeof batch};
    struct tow_buffer line = {0};
    struct record *waiting = NULL, *record = NULL;

    (void)s;
    assert_ok(record_new(&waiting, 0, &none, &err), err);
    assert_ok(tow_buffer_append(&line, "{}\n", 3, &err), err);
    assert_ok(record_unreadable(waiting, "bad_quote", "why", &line, &err), err);
    tow_buffer_release(&line);
    batch.array = numbers(0, 2);
    assert_ok(record_new(&record, 1, &batch, &err), err);
    record_adopt_unreadable(record, waiting);
    record_free(waiting);
    assert_int_equal(record->rejected, 1);
    assert_int_equal(record->open, 2);
    assert_int_equal(record->notes[0].row, -1);
    assert_memory_equal(record->note_text.data + record->notes[0].raw, "{}\n", 3);
    record_free(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_a_second_try_offers_the_open_rows_and_settles_them_by_their_new_numbers),
        cmocka_unit_test(test_stages_count_rows_by_what_came_into_them),
        cmocka_unit_test(test_a_stage_that_loses_rows_is_found_out),
        cmocka_unit_test(test_settling_out_of_place_is_a_bug),
        cmocka_unit_test(test_unreadable_rows_come_before_others_and_keep_their_lines),
    };

    return cmocka_run_group_tests(tests, make_schema, release_schema);
}
