/* The sink ttd: rows as items of a request body, and rows that can be none. */
#include <math.h>

#include "foreign.h"
#include "plugins/ttd/window.h"
#include "table.h"
#include "unit.h"

#define T(type)               \
    {                         \
        TOW_TYPE_##type, 0, 0 \
    }

/* A window over a table, with "<" and ">" around the items. */
struct sending {
    struct table table;
    struct tow_ttd_layout layout;
    struct tow_ttd_window window;
    struct tow_ttd_bounds bounds;
    int64_t row;
    struct tow_buffer refused; /* "row code message;" */
    char text[8192];
    struct tow_error err;
};

static const struct tow_ttd_endpoint *endpoint(const char *name)
{
    for (int i = 0; i < TOW_TTD_ENDPOINT_COUNT; i++)
        if (strcmp(tow_ttd_endpoint(i)->name, name) == 0)
            return tow_ttd_endpoint(i);
    fail_msg("no endpoint %s", name);
    return NULL;
}

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct sending));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    struct sending *sending = *state;

    table_release(&sending->table);
    tow_ttd_layout_release(&sending->layout);
    tow_ttd_window_release(&sending->window);
    tow_buffer_release(&sending->refused);
    free(sending);
    return 0;
}

/* The table is to be filled and finished then. */
static void begin(struct sending *sending, const char *name, const struct tow_field *fields,
                  size_t count)
{
    sending->err = (struct tow_error)TOW_ERROR_INIT;
    table_init(&sending->table, fields, count);
    assert_ok(tow_ttd_layout_init(&sending->layout, endpoint(name), &sending->table.schema,
                                  &sending->err),
              sending->err);
    assert_ok(tow_ttd_window_init(&sending->window, 100, &sending->err), sending->err);
    assert_ok(tow_buffer_append(&sending->window.head, "<", 1, &sending->err), sending->err);
    assert_ok(tow_buffer_append(&sending->window.tail, ">", 1, &sending->err), sending->err);
    sending->bounds = (struct tow_ttd_bounds){100, 100000, 100000};
}

static int refuse(void *context, int64_t row, const struct tow_ttd_refusal *why,
                  struct tow_error *err)
{
    struct sending *sending = context;

    return tow_buffer_printf(&sending->refused, err, "%d %s %s;", (int)row, why->code,
                             why->message);
}

/* The next body. */
static const char *fill(struct sending *sending)
{
    const struct tow_ttd_refuser refuser = {refuse, sending};

    if (!sending->table.array.release)
        table_finish(&sending->table);
    tow_cursor_batch(&sending->layout.cursor, &sending->table.array);
    assert_ok(tow_ttd_window_fill(&sending->window, &sending->layout, &sending->row,
                                  sending->table.array.length, &sending->bounds, &refuser,
                                  &sending->err),
              sending->err);
    snprintf(sending->text, sizeof sending->text, "%.*s", (int)sending->window.body.size,
             sending->window.body.data);
    return sending->text;
}

static const char *refusals(struct sending *sending)
{
    assert_ok(tow_buffer_append(&sending->refused, "", 1, &sending->err), sending->err);
    sending->refused.size--;
    return sending->refused.data;
}

/* ---- advertiser ----------------------------------------------------------------------------- */

static const struct tow_field minimal[] = {
    {"id_type", T(STRING), 0}, {"id_value", T(STRING), 0}, {"segment_name", T(STRING), 0}};

static void add(struct sending *sending, const char *type, const char *id, const char *name)
{
    table_add_row(&sending->table, (const char *const[]){type, id, name}, 3);
}

static void test_a_row_is_an_item(void **state)
{
    struct sending *sending = *state;

    begin(sending, "advertiser", minimal, 3);
    add(sending, "TDID", "id-1", "spring");
    add(sending, "uid2token", "id-2", "fall");
    assert_string_equal(fill(sending), "<{\"Data\":[{\"Name\":\"spring\"}],\"TDID\":\"id-1\"},"
                                       "{\"Data\":[{\"Name\":\"fall\"}],\"UID2Token\":\"id-2\"}>");
    assert_int_equal(sending->window.count, 2);
    assert_string_equal(refusals(sending), "");
}

static void test_every_column_has_its_place(void **state)
{
    static const struct tow_field fields[] = {
        {"bid_factor", T(FLOAT64), 0},      {"base_bid_cpm_metadata", T(STRING), 0},
        {"base_bid_cpm", T(FLOAT32), 0},    {"ttl_in_minutes", T(INT64), 0},
        {"timestamp_utc", T(TIMESTAMP), 0}, {"cookie_mapping_partner_id", T(STRING), 0},
        {"segment_name", T(STRING), 0},     {"id_value", T(STRING), 0},
        {"id_type", T(STRING), 0},          {"remark", T(STRING), 0}};
    struct sending *sending = *state;
    struct tow_builder *builder;

    begin(sending, "advertiser", fields, 10);
    builder = sending->table.builder;
    assert_ok(tow_append_double(builder, 0, 1.25, &sending->err), sending->err);
    table_put_text(&sending->table, 1, "tier-a");
    assert_ok(tow_append_double(builder, 2, 0.1, &sending->err), sending->err);
    assert_ok(tow_append_int64(builder, 3, 43200, &sending->err), sending->err);
    assert_ok(tow_append_int64(builder, 4, 1705320000120000, &sending->err), sending->err);
    table_put_text(&sending->table, 5, "cmp");
    table_put_text(&sending->table, 6, "s");
    table_put_text(&sending->table, 7, "i");
    table_put_text(&sending->table, 8, "IQVIAPPID");
    table_put_text(&sending->table, 9, "not sent");
    table_end_row(&sending->table);
    table_put_text(&sending->table, 6, "s");
    table_put_text(&sending->table, 7, "i");
    table_put_text(&sending->table, 8, "ID5");
    table_end_row(&sending->table);
    assert_string_equal(
        fill(sending),
        "<{\"Data\":[{\"Name\":\"s\",\"TimestampUtc\":\"2024-01-15T12:00:00.120Z\","
        "\"TtlInMinutes\":43200,\"BaseBidCPM\":0.1,\"BaseBidCPMMetadata\":\"tier-a\","
        "\"BidFactor\":1.25}],\"IqviaPPID\":\"i\",\"CookieMappingPartnerId\":\"cmp\"},"
        "{\"Data\":[{\"Name\":\"s\"}],\"ID5\":\"i\"}>");
}

static void test_text_is_escaped(void **state)
{
    struct sending *sending = *state;

    begin(sending, "advertiser", minimal, 3);
    add(sending, "TDID", "\xc3\xa9\"\\\n\x01", "\xf0\x9f\x98\x80/\x7f");
    assert_string_equal(fill(sending), "<{\"Data\":[{\"Name\":\"\xf0\x9f\x98\x80/\x7f\"}],"
                                       "\"TDID\":\"\xc3\xa9\\\"\\\\\\n\\u0001\"}>");
}

static void test_a_row_without_id_or_name_is_refused_alone(void **state)
{
    struct sending *sending = *state;

    begin(sending, "advertiser", minimal, 3);
    add(sending, "TDID", NULL, "s");
    add(sending, "TDID", "", "s");
    add(sending, NULL, "i", "s");
    add(sending, "", "i", "s");
    add(sending, "TDID ", "i", "s");
    add(sending, "TDID", "i", NULL);
    add(sending, "TDID", "i", "");
    add(sending, "TDID", "i", "s");
    assert_string_equal(fill(sending), "<{\"Data\":[{\"Name\":\"s\"}],\"TDID\":\"i\"}>");
    assert_int_equal(sending->window.rows[0], 7);
    assert_string_equal(
        refusals(sending),
        "0 MissingValue id_value is null;1 MissingValue id_value is empty;"
        "2 MissingValue id_type is null;"
        "3 InvalidIdType id_type \"\" is none of TDID, DAID, UID2, UID2Token, EUID, EUIDToken, "
        "RampID, CoreID, ID5, NetID, FirstID, UtiqID, RealID, MerkuryID or IqviaPPID;"
        "4 InvalidIdType id_type \"TDID \" is none of TDID, DAID, UID2, UID2Token, EUID, "
        "EUIDToken, RampID, CoreID, ID5, NetID, FirstID, UtiqID, RealID, MerkuryID or IqviaPPID;"
        "5 MissingValue segment_name is null;6 MissingValue segment_name is empty;");
}

static void test_a_batch_of_bad_rows_makes_no_body(void **state)
{
    struct sending *sending = *state;

    begin(sending, "advertiser", minimal, 3);
    add(sending, "X", "i", "s");
    fill(sending);
    assert_int_equal(sending->window.count, 0);
    assert_int_equal(sending->row, 1);
}

/* ---- values --------------------------------------------------------------------------------- */

static void begin_with(struct sending *sending, const char *column, struct tow_type type)
{
    const struct tow_field fields[] = {{"id_type", T(STRING), 0},
                                       {"id_value", T(STRING), 0},
                                       {"segment_name", T(STRING), 0},
                                       {column, type, 0}};

    begin(sending, "advertiser", fields, 4);
}

static void end_row(struct sending *sending)
{
    for (size_t i = 0; i < 3; i++)
        table_put_text(&sending->table, i, i ? "x" : "TDID");
    table_end_row(&sending->table);
}

static void test_times_are_utc_whatever_they_come_as(void **state)
{
    struct sending *sending = *state;
    static const struct {
        struct tow_type type;
        int64_t value;
        const char *text;
    } all[] = {
        {T(TIMESTAMP), 0, "\"TimestampUtc\":\"1970-01-01T00:00:00Z\""},
        {T(TIMESTAMP_NTZ), 1, "\"TimestampUtc\":\"1970-01-01T00:00:00.000001Z\""},
        {T(DATE), -1, "\"TimestampUtc\":\"1969-12-31T00:00:00Z\""},
        {T(TIMESTAMP), 253402300799999999, "\"9999-12-31T23:59:59.999999Z\""},
        {T(TIMESTAMP), -62135596800000000, "\"0001-01-01T00:00:00Z\""},
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (i) {
            teardown(state);
            setup(state);
            sending = *state;
        }
        begin_with(sending, "timestamp_utc", all[i].type);
        assert_ok(tow_append_int64(sending->table.builder, 3, all[i].value, &sending->err),
                  sending->err);
        end_row(sending);
        assert_non_null(strstr(fill(sending), all[i].text));
    }
}

static void test_a_time_beyond_four_digits_of_year_is_refused(void **state)
{
    struct sending *sending = *state;
    static const int64_t times[] = {253402300800000000, -62135596800000001, INT64_MAX, INT64_MIN};

    begin_with(sending, "timestamp_utc", (struct tow_type)T(TIMESTAMP));
    for (size_t i = 0; i < 4; i++) {
        assert_ok(tow_append_int64(sending->table.builder, 3, times[i], &sending->err),
                  sending->err);
        end_row(sending);
    }
    fill(sending);
    assert_int_equal(sending->window.count, 0);
    assert_non_null(strstr(refusals(sending),
                           "3 InvalidTimestamp timestamp_utc is not within the years 1 to 9999;"));
}

static void test_whole_numbers_have_32_bits(void **state)
{
    struct sending *sending = *state;
    static const int64_t numbers[] = {-5, INT32_MAX, (int64_t)INT32_MAX + 1, INT64_MIN};

    begin_with(sending, "ttl_in_minutes", (struct tow_type)T(INT64));
    for (size_t i = 0; i < 4; i++) {
        assert_ok(tow_append_int64(sending->table.builder, 3, numbers[i], &sending->err),
                  sending->err);
        end_row(sending);
    }
    fill(sending);
    assert_int_equal(sending->window.count, 2);
    assert_non_null(strstr(sending->text, "\"TtlInMinutes\":-5}"));
    assert_non_null(strstr(sending->text, "\"TtlInMinutes\":2147483647}"));
    assert_string_equal(refusals(sending),
                        "2 InvalidNumber ttl_in_minutes does not fit into 32 bits;"
                        "3 InvalidNumber ttl_in_minutes does not fit into 32 bits;");
}

static void test_a_huge_unsigned_number_is_not_a_small_negative_one(void **state)
{
    struct sending *sending = *state;

    begin_with(sending, "ttl_in_minutes", (struct tow_type)T(UINT64));
    assert_ok(tow_append_uint64(sending->table.builder, 3, UINT64_MAX, &sending->err),
              sending->err);
    end_row(sending);
    fill(sending);
    assert_string_equal(refusals(sending),
                        "0 InvalidNumber ttl_in_minutes does not fit into 32 bits;");
}

static void test_numbers_that_json_has_no_text_for_are_refused(void **state)
{
    struct sending *sending = *state;
    static const double numbers[] = {1e-07, 1e22, 5.0, NAN, INFINITY, -INFINITY};

    begin_with(sending, "bid_factor", (struct tow_type)T(FLOAT64));
    for (size_t i = 0; i < 6; i++) {
        assert_ok(tow_append_double(sending->table.builder, 3, numbers[i], &sending->err),
                  sending->err);
        end_row(sending);
    }
    fill(sending);
    assert_int_equal(sending->window.count, 3);
    assert_non_null(strstr(sending->text, "\"BidFactor\":1e-7}"));
    assert_non_null(strstr(sending->text, "\"BidFactor\":1e22}"));
    assert_non_null(strstr(sending->text, "\"BidFactor\":5}"));
    assert_non_null(strstr(refusals(sending), "5 InvalidNumber bid_factor is not finite"));
}

static void test_decimals_keep_their_digits(void **state)
{
    struct sending *sending = *state;

    begin_with(sending, "base_bid_cpm", (struct tow_type){TOW_TYPE_DECIMAL, 10, 2});
    assert_ok(
        tow_append_decimal(sending->table.builder, 3, (struct tow_decimal){150, 0}, &sending->err),
        sending->err);
    end_row(sending);
    assert_non_null(strstr(fill(sending), "\"BaseBidCPM\":1.50}"));
}

/* ---- bounds --------------------------------------------------------------------------------- */

static void test_a_body_ends_at_its_rows(void **state)
{
    struct sending *sending = *state;

    begin(sending, "deletion_optout_merchant", minimal, 3);
    for (int i = 0; i < 5; i++)
        add(sending, "TDID", "i", NULL);
    sending->bounds.rows = 2;
    assert_string_equal(fill(sending), "<{\"TDID\":\"i\"},{\"TDID\":\"i\"}>");
    fill(sending);
    assert_string_equal(fill(sending), "<{\"TDID\":\"i\"}>");
    assert_int_equal(sending->row, 5);
}

static void test_a_body_ends_at_its_bytes(void **state)
{
    struct sending *sending = *state;

    begin(sending, "deletion_optout_merchant", minimal, 3);
    add(sending, "TDID", "i", NULL);
    add(sending, "TDID", "i", NULL);
    add(sending, "TDID", "i", NULL);
    sending->bounds.bytes = sending->bounds.item_bytes =
        strlen("<{\"TDID\":\"i\"},{\"TDID\":\"i\"}>");
    fill(sending);
    assert_int_equal(sending->window.count, 2);
    assert_int_equal(sending->window.body.size, sending->bounds.bytes);
    fill(sending);
    assert_int_equal(sending->window.count, 1);
    sending->row = 0;
    sending->bounds.bytes--;
    fill(sending);
    assert_int_equal(sending->window.count, 1);
    assert_int_equal(sending->row, 1);
}

static void test_a_row_that_is_too_large_alone_is_refused(void **state)
{
    struct sending *sending = *state;

    begin(sending, "deletion_optout_merchant", minimal, 3);
    add(sending, "TDID", "i", NULL);
    add(sending, "TDID", "much longer", NULL);
    add(sending, "TDID", "i", NULL);
    sending->bounds.bytes = sending->bounds.item_bytes = 20;
    assert_string_equal(fill(sending), "<{\"TDID\":\"i\"}>");
    assert_string_equal(fill(sending), "<{\"TDID\":\"i\"}>");
    assert_int_equal(sending->row, 3);
    assert_string_equal(
        refusals(sending),
        "1 ItemTooLarge the row alone makes a request of 24 bytes; batch_bytes is 20;");
}

static void test_a_row_that_only_the_far_end_found_too_large_goes_alone(void **state)
{
    struct sending *sending = *state;

    begin(sending, "deletion_optout_merchant", minimal, 3);
    add(sending, "TDID", "i", NULL);
    add(sending, "TDID", "much longer", NULL);
    sending->bounds.bytes = 20;
    fill(sending);
    assert_int_equal(sending->window.count, 1);
    assert_string_equal(fill(sending), "<{\"TDID\":\"much longer\"}>");
}

/* ---- offline conversions -------------------------------------------------------------------- */

static const struct tow_field conversion[] = {
    {"tracking_tag_id", T(STRING), 0}, {"timestamp_utc", T(TIMESTAMP), 0}, {"user_ids", T(JSON), 0},
    {"line_items", T(JSON), 0},        {"privacy_settings", T(JSON), 0},   {"td10", T(STRING), 0}};

static void convert(struct sending *sending, const char *users, const char *items,
                    const char *privacy)
{
    table_put_text(&sending->table, 0, "tag");
    assert_ok(tow_append_int64(sending->table.builder, 1, 0, &sending->err), sending->err);
    table_put_text(&sending->table, 2, users);
    table_put_text(&sending->table, 3, items);
    table_put_text(&sending->table, 4, privacy);
    table_put_text(&sending->table, 5, NULL);
    table_end_row(&sending->table);
}

#define HEAD "{\"TrackingTagId\":\"tag\",\"TimestampUtc\":\"1970-01-01T00:00:00Z\""

static void test_user_ids_are_pairs_of_code_and_id(void **state)
{
    struct sending *sending = *state;

    begin(sending, "offlineconversion", conversion, 6);
    convert(
        sending,
        " [ {\"type\": \"TDID\", \"id\": \"a\\u00e9\"}, {\"id\":7,\"type\":\"uid2token\",\"x\":1},"
        "{\"type\":\"RampID\",\"id\":\"r\"} ] ",
        NULL, NULL);
    assert_string_equal(fill(sending),
                        "<" HEAD ",\"UserIdArray\":[[\"0\",\"a\\u00e9\"],[\"3\",\"7\"],"
                        "[\"6\",\"r\"]]}>");
}

static void test_structures_lose_nulls_and_what_is_unknown(void **state)
{
    struct sending *sending = *state;

    begin(sending, "offlineconversion", conversion, 6);
    convert(sending, NULL,
            "[{\"item_code\":\"a\",\"name\":null,\"qty\":2,\"price\":1.50,\"colour\":\"red\"},"
            "{\"item_code\":null},{}]",
            "[{\"is_applicable\":true,\"consent_string\":\"\\\"]},{\"}]");
    assert_string_equal(
        fill(sending),
        "<" HEAD ",\"LineItems\":[{\"item_code\":\"a\",\"qty\":\"2\",\"price\":\"1.50\"},{},{}],"
        "\"PrivacySettings\":[{\"is_applicable\":\"true\",\"consent_string\":\"\\\"]},{\"}]}>");
}

static void test_empty_arrays_are_left_out(void **state)
{
    struct sending *sending = *state;

    begin(sending, "offlineconversion", conversion, 6);
    convert(sending, "[]", "null", "[ ]");
    convert(sending, NULL, "", NULL);
    assert_string_equal(fill(sending), "<" HEAD "}," HEAD "}>");
    assert_string_equal(refusals(sending), "");
}

static void test_nested_values_of_another_shape_are_refused(void **state)
{
    struct sending *sending = *state;

    begin(sending, "offlineconversion", conversion, 6);
    convert(sending, "{}", NULL, NULL);
    convert(sending, "[{\"type\":\"TDID\"", NULL, NULL);
    convert(sending, "[[\"0\",\"a\"]]", NULL, NULL);
    convert(sending, "[{\"type\":\"ID5\",\"id\":\"x\"}]", NULL, NULL);
    convert(sending, "[{\"type\":\"TDID\",\"id\":\"x\"},{\"type\":\"TDID\",\"id\":null}]", NULL,
            NULL);
    convert(sending, "[{\"type\":\"TDID\",\"id\":\"\"}]", NULL, NULL);
    convert(sending, "[{\"id\":\"x\"}]", NULL, NULL);
    convert(sending, "[{\"type\":\"TDID\",\"id\":{}}]", NULL, NULL);
    convert(sending, "[null]", NULL, NULL);
    convert(sending, NULL, "[{\"qty\":[1]}]", NULL);
    convert(sending, NULL, "[1]", NULL);
    fill(sending);
    assert_int_equal(sending->window.count, 0);
    assert_string_equal(
        refusals(sending),
        "0 InvalidJson user_ids is no JSON array;1 InvalidJson user_ids is no JSON array;"
        "2 InvalidJson user_ids, element 1: is no object, as in {\"type\": ..., \"id\": ...};"
        "3 InvalidIdType user_ids, element 1: type \"ID5\" is none of TDID, DAID, UID2, UID2Token, "
        "EUID, EUIDToken or RampID;"
        "4 MissingValue user_ids, element 2: id is empty, null or not there;"
        "5 MissingValue user_ids, element 1: id is empty, null or not there;"
        "6 InvalidIdType user_ids, element 1: has no type, which must be a string;"
        "7 InvalidJson user_ids, element 1: id is no string;"
        "8 InvalidJson user_ids, element 1: is no object, as in {\"type\": ..., \"id\": ...};"
        "9 InvalidJson line_items, element 1: has a member that is no string;"
        "10 InvalidJson line_items, element 1: is no object;");
}

/* ---- columns -------------------------------------------------------------------------------- */

static void test_all_columns_that_are_missing_or_unfit_are_named_at_once(void **state)
{
    struct sending *sending = *state;
    static const struct tow_field fields[] = {{"id_type", T(INT64), 0},
                                              {"ttl_in_minutes", T(STRING), 0},
                                              {"timestamp_utc", T(STRING), 0},
                                              {"segment", T(STRING), 0}};

    sending->err = (struct tow_error)TOW_ERROR_INIT;
    table_init(&sending->table, fields, 4);
    assert_int_equal(tow_ttd_layout_init(&sending->layout, endpoint("advertiser"),
                                         &sending->table.schema, &sending->err),
                     TOW_E_CONFIG);
    assert_string_equal(
        sending->err.message,
        "endpoint advertiser: columns are missing: segment_name (string), id_value (string); "
        "column timestamp_utc is string and must be timestamp (type = \"timestamp\" in columns); "
        "column ttl_in_minutes is string and must be int32 (type = \"int32\" in columns); "
        "column id_type is int64 and must be string (type = \"string\" in columns)");
}

static void test_columns_that_are_not_sent_are_known(void **state)
{
    struct sending *sending = *state;
    static const struct tow_field fields[] = {{"a", T(JSON), 0},
                                              {"id_type", T(STRING), 0},
                                              {"id_value", T(STRING), 0},
                                              {"segment_name", T(STRING), 0}};
    struct tow_buffer names = {0};

    begin(sending, "deletion_optout_advertiser", fields, 4);
    assert_ok(tow_ttd_layout_unsent(&sending->layout, &names, &sending->err), sending->err);
    assert_int_equal(names.size, strlen("a, segment_name"));
    assert_memory_equal(names.data, "a, segment_name", names.size);
    tow_buffer_release(&names);
}

/* Offsets in parent and child, no validity buffers, bytes that end where memory does. */
static void test_slices_of_foreign_batches_are_read_right(void **state)
{
    struct sending *sending = *state;
    static const int32_t offsets[] = {0, 1, 5, 9, 9, 10};
    struct foreign_batch batch;
    struct ArrowArray *child;

    begin(sending, "deletion_optout_advertiser", minimal, 2);
    foreign_init(&batch, 2);
    batch.array.offset = 1;
    child = foreign_add(&batch, NULL, offsets, "xTDIDDAIDy");
    child->length = 3;
    child = foreign_add(&batch, NULL, offsets, "xid-1id-2y");
    child->length = 3;
    sending->table.array = batch.array;
    assert_string_equal(fill(sending), "<{\"TDID\":\"id-1\"},{\"DAID\":\"id-2\"}>");
    sending->table.array.release = NULL;
}

int main(void)
{
#define ITEM_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        ITEM_TEST(test_a_row_is_an_item),
        ITEM_TEST(test_every_column_has_its_place),
        ITEM_TEST(test_text_is_escaped),
        ITEM_TEST(test_a_row_without_id_or_name_is_refused_alone),
        ITEM_TEST(test_a_batch_of_bad_rows_makes_no_body),
        ITEM_TEST(test_times_are_utc_whatever_they_come_as),
        ITEM_TEST(test_a_time_beyond_four_digits_of_year_is_refused),
        ITEM_TEST(test_whole_numbers_have_32_bits),
        ITEM_TEST(test_a_huge_unsigned_number_is_not_a_small_negative_one),
        ITEM_TEST(test_numbers_that_json_has_no_text_for_are_refused),
        ITEM_TEST(test_decimals_keep_their_digits),
        ITEM_TEST(test_a_body_ends_at_its_rows),
        ITEM_TEST(test_a_body_ends_at_its_bytes),
        ITEM_TEST(test_a_row_that_is_too_large_alone_is_refused),
        ITEM_TEST(test_a_row_that_only_the_far_end_found_too_large_goes_alone),
        ITEM_TEST(test_user_ids_are_pairs_of_code_and_id),
        ITEM_TEST(test_structures_lose_nulls_and_what_is_unknown),
        ITEM_TEST(test_empty_arrays_are_left_out),
        ITEM_TEST(test_nested_values_of_another_shape_are_refused),
        ITEM_TEST(test_all_columns_that_are_missing_or_unfit_are_named_at_once),
        ITEM_TEST(test_columns_that_are_not_sent_are_known),
        ITEM_TEST(test_slices_of_foreign_batches_are_read_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
