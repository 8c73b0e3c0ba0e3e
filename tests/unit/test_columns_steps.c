#include "columns_fixture.h"

/* One string column through one spec: a row comes in, and goes out as `wanted`. */
static void check_string(const struct tow_column_spec *spec, const char *text, const char *wanted)
{
    const struct tow_field field = {"s", STRING_TYPE, 0};
    static struct outcome outcome;

    outcome_init(&outcome, spec, 1, &field, 1, &text, 1);
    if (outcome.out.length != 1)
        fail_msg("%s", outcome.rejects.message);
    check_row(&outcome, 0, &wanted);
    outcome_release(&outcome);
}

/* ---- steps on text -------------------------------------------------------------------------- */

static void test_steps_run_in_their_order(void **state)
{
    const char *const null_if[] = {"N/A", ""};
    struct tow_column_spec spec = {.name = "s", .from = "s"};

    (void)state;
    spec.trim = 1;
    check_string(&spec, " \t a b\r\n", "a b");
    check_string(&spec, " \v\f ", "");
    spec.lower = 1;
    check_string(&spec, " AbZ[@ ", "abz[@");
    check_string(&spec, "\xc3\x84X", "\xc3\x84x");
    spec.null_if = null_if;
    spec.null_if_count = 2;
    /* Compared trimmed, but not yet lowered. */
    check_string(&spec, " N/A ", "NULL");
    check_string(&spec, " n/a ", "n/a");
    check_string(&spec, "  ", "NULL");
    spec.fallback = " None ";
    /* The default stays as written. */
    check_string(&spec, "N/A", " None ");
    check_string(&spec, NULL, " None ");
    spec.trim = 0;
    check_string(&spec, " N/A ", " n/a ");
    spec.lower = 0;
    check_string(&spec, "N/A", " None ");
    check_string(&spec, "X", "X");
}

static void test_trimmed_text_is_converted(void **state)
{
    struct tow_column_spec spec = {
        .name = "s", .from = "s", .trim = 1, .has_type = 1, .type = INT32_TYPE, .fallback = "-1"};

    (void)state;
    check_string(&spec, " 12 ", "12");
    check_string(&spec, NULL, "-1");
    spec.type.id = TOW_TYPE_JSON;
    spec.fallback = "{}";
    check_string(&spec, " [] ", "[]");
    check_string(&spec, NULL, "{}");
    spec.type.id = TOW_TYPE_BINARY;
    spec.fallback = "AA==";
    check_string(&spec, " aGk= ", "6869");
    check_string(&spec, NULL, "00");
    spec.type.id = TOW_TYPE_BOOL;
    spec.fallback = "yes";
    check_string(&spec, "f ", "false");
    check_string(&spec, NULL, "true");
}

static void test_messages_show_trimmed_text(void **state)
{
    const struct tow_column_spec spec = {
        .name = "n", .from = "b", .trim = 1, .lower = 1, .has_type = 1, .type = INT32_TYPE};
    static const char *const texts[] = {"1", "  Abc "};
    static struct outcome outcome;

    (void)state;
    outcome_init(&outcome, &spec, 1, two_fields, 2, texts, 1);
    assert_string_equal(outcome.rejects.message, "column n: \"Abc\" is not an int32");
    outcome_release(&outcome);
}

static void test_null_if_compares_the_text_form_of_other_types(void **state)
{
    static const struct tow_field fields[] = {{"i", INT64_TYPE, 0},
                                              {"d", {TOW_TYPE_DECIMAL, 5, 2}, 0},
                                              {"b", {TOW_TYPE_BOOL, 0, 0}, 0},
                                              {"day", {TOW_TYPE_DATE, 0, 0}, 0}};
    const struct tow_column_spec specs[] = {
        {.name = "i", .from = "i", .null_if = (const char *const[]){"-1", "0"}, .null_if_count = 2},
        {.name = "d",
         .from = "d",
         .null_if = (const char *const[]){"0.00"},
         .null_if_count = 1,
         .fallback = "1.5"},
        {.name = "b",
         .from = "b",
         .null_if = (const char *const[]){"false"},
         .null_if_count = 1,
         .has_type = 1,
         .type = INT32_TYPE},
        {.name = "day",
         .from = "day",
         .null_if = (const char *const[]){"1900-01-01"},
         .null_if_count = 1},
    };
    static const char *const texts[] = {"0", "0", "false", "1900-01-01",
                                        "7", "2", "true",  "2024-01-01"};
    static struct outcome outcome;

    (void)state;
    outcome_init(&outcome, specs, COUNT(specs), fields, COUNT(fields), texts, 2);
    check_row(&outcome, 0, (const char *const[]){"NULL", "1.50", "NULL", "NULL"});
    check_row(&outcome, 1, (const char *const[]){"7", "2.00", "1", "2024-01-01"});
    outcome_release(&outcome);
}

static void check_null_if_slices(const char *type, const char *null_text, const char *other)
{
    const struct tow_field field = {"s", type_of(type), 0};
    const struct tow_column_spec specs[] = {
        {.name = "s", .from = "s", .null_if = &null_text, .null_if_count = 1},
        {.name = "d", .from = "s", .null_if = &null_text, .null_if_count = 1, .fallback = other}};
    const char *texts[40];
    static struct outcome outcome;

    for (int i = 0; i < 40; i++)
        texts[i] = i % 3 == 0 ? null_text : i % 7 == 0 ? NULL : other;
    schema_of(&outcome.schema, &field, 1);
    outcome.columns = columns_of(specs, 2, &outcome.schema);
    for (int first = 0; first < 20; first++) {
        outcome.in = slice_of(batch_of(&field, 1, texts, 40), first, 20);
        columns_run(outcome.columns, outcome.in, &outcome.out, &outcome.rejects);
        for (int row = 0; row < 20; row++)
            check_row(&outcome, row,
                      (const char *const[]){texts[first + row] == other ? other : "NULL", other});
        outcome.out.release(&outcome.out);
        tow_share_unref(outcome.in);
    }
    tow_columns_free(outcome.columns);
    outcome.schema.release(&outcome.schema);
}

static void test_null_if_on_slices_spares_the_rows_around(void **state)
{
    (void)state;
    check_null_if_slices("string", "-", "v");
    check_null_if_slices("bool", "false", "true");
    check_null_if_slices("bool", "true", "false");
    check_null_if_slices("int16", "0", "7");
    check_null_if_slices("decimal(4,2)", "0.00", "1.25");
}

/* ---- hashes --------------------------------------------------------------------------------- */

/* NIST's examples for SHA-256: "abc" and the empty text. */
#define SHA_ABC   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
/* Of "1", which is also the text form of the number. */
#define SHA_ONE "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"

static void test_hashes_match_known_vectors(void **state)
{
    struct tow_column_spec spec = {.name = "s", .from = "s", .hash_sha256 = 1};

    (void)state;
    check_string(&spec, "abc", SHA_ABC);
    check_string(&spec, "", SHA_EMPTY);
    check_string(&spec, NULL, "NULL");
    spec.trim = spec.lower = 1;
    check_string(&spec, " ABC ", SHA_ABC);
    spec.has_type = 1;
    spec.type.id = TOW_TYPE_BINARY;
    check_string(&spec, " ABC ", SHA_ABC);
    spec.fallback = "abc";
    check_string(&spec, NULL, SHA_ABC);
    check_string(&spec, "", SHA_EMPTY);
}

static void test_hashes_take_the_text_form_of_other_types(void **state)
{
    const struct tow_column_spec specs[] = {
        {.name = "h", .from = "a", .hash_sha256 = 1},
        {.name = "k", .value = " ABC", .trim = 1, .lower = 1, .hash_sha256 = 1},
    };
    static const char *const texts[] = {"1", NULL};
    static struct outcome outcome;

    (void)state;
    outcome_init(&outcome, specs, 2, two_fields, 2, texts, 1);
    check_row(&outcome, 0, (const char *const[]){SHA_ONE, SHA_ABC});
    outcome_release(&outcome);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_run_in_their_order),
        cmocka_unit_test(test_trimmed_text_is_converted),
        cmocka_unit_test(test_messages_show_trimmed_text),
        cmocka_unit_test(test_null_if_compares_the_text_form_of_other_types),
        cmocka_unit_test(test_null_if_on_slices_spares_the_rows_around),
        cmocka_unit_test(test_hashes_match_known_vectors),
        cmocka_unit_test(test_hashes_take_the_text_form_of_other_types),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
