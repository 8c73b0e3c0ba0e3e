/* The statements of the source databricks: their text, and what may stand in it. */
#include "plugins/databricks/fragment.h"
#include "plugins/databricks/query.h"

#include "unit.h"

#define STRINGS(...)                                          \
    ((struct tow_strings){(const char *const[]){__VA_ARGS__}, \
                          sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)})

struct query_test {
    struct tow_scan_options options;
    struct tow_sql_table table;
    struct tow_query_source source;
    struct tow_scan_columns columns;
    struct tow_query_range range;
    struct tow_query query;
    struct tow_error err;
};

static struct tow_statement_column column(const char *name, const char *type)
{
    return (struct tow_statement_column){.name = (char *)(uintptr_t)name,
                                         .type_text = (char *)(uintptr_t)type};
}

static int setup(void **state)
{
    struct query_test *test = calloc(1, sizeof *test);

    assert_non_null(test);
    test->err = (struct tow_error)TOW_ERROR_INIT;
    *state = test;
    return 0;
}

static int teardown(void **state)
{
    struct query_test *test = *state;

    tow_scan_columns_release(&test->columns);
    tow_sql_table_release(&test->table);
    tow_query_release(&test->query);
    free(test);
    return 0;
}

/* After the options are set. */
static void prepare(struct query_test *test)
{
    const struct tow_statement_column found[] = {
        column("id", "BIGINT"),        column("at", "TIMESTAMP"),
        column("name", "STRING"),      column("tags", "MAP<STRING, INT>"),
        column("raw", "BINARY"),       column("wall", "TIMESTAMP_NTZ"),
        column("items", "ARRAY<INT>"), column("any", "VARIANT")};

    assert_ok(tow_scan_options_check(&test->options, &test->err), test->err);
    if (test->options.table)
        assert_ok(tow_sql_table_parse(&test->table, test->options.table, &test->err), test->err);
    test->source = (struct tow_query_source){&test->options, &test->table, -1};
    assert_ok(tow_scan_columns_init(&test->columns, &test->options, found,
                                    sizeof found / sizeof *found, &test->err),
              test->err);
}

static void assert_rows(struct query_test *test, int is_cast, const char *text)
{
    assert_ok(tow_query_rows(&test->query, &test->source, &test->columns, &test->range, is_cast,
                             &test->err),
              test->err);
    assert_string_equal(test->query.text.data, text);
}

static void assert_parameter(const struct query_test *test, size_t i, const char *name,
                             const char *type, const char *value)
{
    const struct tow_statement_parameter *parameter = &test->query.parameters[i];

    assert_true(i < test->query.parameter_count);
    assert_string_equal(parameter->name, name);
    assert_string_equal(parameter->type, type);
    if (value)
        assert_string_equal(parameter->value, value);
    else
        assert_null(parameter->value);
}

#define ALL                                                                                  \
    "SELECT `vip`.`id`, `vip`.`at`, `vip`.`name`, `vip`.`tags`, `vip`.`raw`, `vip`.`wall`, " \
    "`vip`.`items`, `vip`.`any` FROM `main`.`crm`.`vip`"

/* ---- what is selected ----------------------------------------------------------------------- */

static void test_a_whole_table_is_read_without_order(void **state)
{
    struct query_test *test = *state;

    test->options.table = "main.crm.vip";
    prepare(test);
    assert_rows(test, 0, ALL);
    assert_int_equal(test->query.parameter_count, 0);
}

static void test_where_and_limit_stand_in_their_places(void **state)
{
    struct query_test *test = *state;

    test->options.table = "main.crm.vip";
    test->options.where = "id > 5 OR name = 'x' -- or not";
    test->options.limit = 7;
    prepare(test);
    test->range.limit = 7;
    assert_rows(test, 0, ALL " WHERE (id > 5 OR name = 'x' -- or not\n) LIMIT 7");
}

static void test_a_query_is_read_as_it_stands(void **state)
{
    struct query_test *test = *state;

    test->options.query = "WITH a AS (SELECT 1 AS id) SELECT * FROM a";
    prepare(test);
    test->columns.count = 2;
    assert_rows(test, 0,
                "SELECT `q`.`id`, `q`.`at` FROM (WITH a AS (SELECT 1 AS id) SELECT * FROM "
                "a\n) AS `q`");
    test->columns.count = 8;
}

static void test_a_version_is_named(void **state)
{
    struct query_test *test = *state;

    test->options.table = "crm.vip";
    prepare(test);
    test->source.version = 0;
    test->columns.count = 1;
    assert_rows(test, 0, "SELECT `vip`.`id` FROM `crm`.`vip` VERSION AS OF 0");
    test->source.version = INT64_MAX;
    assert_rows(test, 0, "SELECT `vip`.`id` FROM `crm`.`vip` VERSION AS OF 9223372036854775807");
    test->columns.count = 8;
}

static void test_inline_results_are_cast_where_text_loses_something(void **state)
{
    struct query_test *test = *state;

    test->options.table = "vip";
    prepare(test);
    assert_rows(
        test, 1,
        "SELECT `vip`.`id`, unix_micros(`vip`.`at`) AS `at`, `vip`.`name`, to_json(`vip`.`tags`, "
        "map('timestampFormat', 'yyyy-MM-dd\\'T\\'HH:mm:ss.SSSSSSXXX', 'timestampNTZFormat', "
        "'yyyy-MM-dd\\'T\\'HH:mm:ss.SSSSSS', 'ignoreNullFields', 'false')) AS `tags`, "
        "hex(`vip`.`raw`) AS `raw`, CAST(`vip`.`wall` AS STRING) AS `wall`, "
        "to_json(`vip`.`items`, map('timestampFormat', 'yyyy-MM-dd\\'T\\'HH:mm:ss.SSSSSSXXX', "
        "'timestampNTZFormat', 'yyyy-MM-dd\\'T\\'HH:mm:ss.SSSSSS', 'ignoreNullFields', 'false')) "
        "AS `items`, `vip`.`any` FROM `vip`");
}

/* ---- before the rows ------------------------------------------------------------------------ */

static void test_the_columns_are_asked_for_without_rows(void **state)
{
    struct query_test *test = *state;

    test->options.table = "main.crm.vip";
    prepare(test);
    assert_ok(tow_query_columns(&test->query, &test->source, &test->err), test->err);
    assert_string_equal(test->query.text.data, "SELECT * FROM `main`.`crm`.`vip` LIMIT 0");
    test->source.version = 3;
    test->options.columns = STRINGS("name", "ID");
    test->options.cursor = "at";
    test->options.tie_break = STRINGS("id");
    assert_ok(tow_query_columns(&test->query, &test->source, &test->err), test->err);
    assert_string_equal(test->query.text.data,
                        "SELECT `vip`.`name`, `vip`.`ID`, `vip`.`at` FROM `main`.`crm`.`vip` "
                        "VERSION AS OF 3 LIMIT 0");
}

static void test_the_newest_version_is_asked_for(void **state)
{
    struct query_test *test = *state;

    test->options.table = "`a.b`.c";
    prepare(test);
    assert_ok(tow_query_version(&test->query, &test->source, &test->err), test->err);
    assert_string_equal(test->query.text.data, "DESCRIBE HISTORY `a.b`.`c` LIMIT 1");
}

static void assert_bounds(struct query_test *test, unsigned wanted, const char *text)
{
    assert_ok(tow_query_bounds(&test->query, &test->source, tow_scan_key(&test->columns, 0), wanted,
                               &test->err),
              test->err);
    assert_string_equal(test->query.text.data, text);
}

static void test_bounds_are_asked_for_in_one_statement(void **state)
{
    struct query_test *test = *state;

    test->options.table = "vip";
    test->options.where = "id > 0";
    test->options.cursor = "at";
    prepare(test);
    assert_bounds(test, TOW_QUERY_NOW, "SELECT unix_micros(current_timestamp()) AS `now`");
    assert_bounds(test, TOW_QUERY_NEWEST,
                  "SELECT unix_micros(max(`vip`.`at`)) AS `newest` FROM `vip` WHERE (id > 0\n)");
    test->source.version = 4;
    assert_bounds(test, TOW_QUERY_NULLS,
                  "SELECT count_if(`vip`.`at` IS NULL) AS `nulls` FROM `vip` VERSION AS OF 4 WHERE "
                  "(id > 0\n)");
    assert_bounds(test, TOW_QUERY_NOW | TOW_QUERY_NEWEST | TOW_QUERY_NULLS,
                  "SELECT unix_micros(current_timestamp()) AS `now`, unix_micros(max(`vip`.`at`)) "
                  "AS `newest`, count_if(`vip`.`at` IS NULL) AS `nulls` FROM `vip` VERSION AS OF 4 "
                  "WHERE (id > 0\n)");
}

static void test_the_greatest_value_of_other_cursors_is_text(void **state)
{
    struct query_test *test = *state;

    test->options.table = "vip";
    test->options.cursor = "wall";
    prepare(test);
    assert_bounds(test, TOW_QUERY_NEWEST,
                  "SELECT CAST(max(`vip`.`wall`) AS STRING) AS `newest` FROM `vip`");
}

/* ---- order and bounds ----------------------------------------------------------------------- */

#define COLUMNS "SELECT `vip`.`id`, `vip`.`at` FROM `vip`"

/* Of two columns, id and at. */
static void prepare_pair(struct query_test *test)
{
    const struct tow_statement_column found[] = {column("id", "INT"), column("at", "TIMESTAMP")};

    test->options.table = "vip";
    assert_ok(tow_scan_options_check(&test->options, &test->err), test->err);
    assert_ok(tow_sql_table_parse(&test->table, test->options.table, &test->err), test->err);
    test->source = (struct tow_query_source){&test->options, &test->table, -1};
    assert_ok(tow_scan_columns_init(&test->columns, &test->options, found, 2, &test->err),
              test->err);
}

static void test_without_tie_break_all_that_has_an_order_makes_one(void **state)
{
    struct query_test *test = *state;

    test->options.table = "main.crm.vip";
    test->options.cursor = "at";
    prepare(test);
    assert_rows(test, 0,
                ALL " ORDER BY `vip`.`at`, `vip`.`id`, `vip`.`name`, `vip`.`raw`, "
                    "`vip`.`wall`, `vip`.`items`");
    assert_false(tow_scan_columns_are_ordered(&test->columns, &test->options));
}

static void test_tie_break_makes_the_order(void **state)
{
    struct query_test *test = *state;

    test->options.table = "main.crm.vip";
    test->options.cursor = "AT";
    test->options.tie_break = STRINGS("ID");
    prepare(test);
    assert_rows(test, 0, ALL " ORDER BY `vip`.`at`, `vip`.`id`");
    assert_true(tow_scan_columns_are_ordered(&test->columns, &test->options));
}

static void test_tie_break_alone_makes_an_order_too(void **state)
{
    struct query_test *test = *state;

    test->options.tie_break = STRINGS("id");
    prepare_pair(test);
    test->range.from = (struct tow_query_key){{"5"}, 1};
    assert_rows(test, 0, COLUMNS " WHERE (`vip`.`id` >= :from0) ORDER BY `vip`.`id`");
    assert_parameter(test, 0, "from0", "BIGINT", "5");
}

static void test_rows_behind_the_last_run_are_read(void **state)
{
    struct query_test *test = *state;

    test->options.cursor = "at";
    test->options.tie_break = STRINGS("id");
    prepare_pair(test);
    test->range.after = (struct tow_query_key){{"2026-01-02T03:04:05.000001Z"}, 1};
    assert_rows(test, 0, COLUMNS " WHERE (`vip`.`at` > :after0) ORDER BY `vip`.`at`, `vip`.`id`");
    assert_int_equal(test->query.parameter_count, 1);
    assert_parameter(test, 0, "after0", "TIMESTAMP", "2026-01-02T03:04:05.000001Z");
}

static void test_a_whole_key_is_compared_column_by_column(void **state)
{
    struct query_test *test = *state;

    test->options.cursor = "at";
    test->options.tie_break = STRINGS("id");
    prepare_pair(test);
    test->range.after = (struct tow_query_key){{"2026-01-02T03:04:05.000001Z", "7"}, 2};
    test->range.from = (struct tow_query_key){{"2026-01-03T03:04:05.000001Z", "8"}, 2};
    assert_rows(test, 0,
                COLUMNS " WHERE (`vip`.`at` > :after0 OR (`vip`.`at` = :after0 AND (`vip`.`id` > "
                        ":after1))) AND (`vip`.`at` > :from0 OR (`vip`.`at` = :from0 AND "
                        "(`vip`.`id` >= :from1))) ORDER BY `vip`.`at`, `vip`.`id`");
    assert_int_equal(test->query.parameter_count, 4);
    assert_parameter(test, 1, "after1", "BIGINT", "7");
    assert_parameter(test, 3, "from1", "BIGINT", "8");
}

static void test_nulls_of_a_key_come_first(void **state)
{
    struct query_test *test = *state;

    test->options.cursor = "at";
    test->options.tie_break = STRINGS("id");
    prepare_pair(test);
    test->range.after = (struct tow_query_key){{NULL, "7"}, 2};
    test->range.from = (struct tow_query_key){{NULL, NULL}, 2};
    assert_rows(test, 0,
                COLUMNS " WHERE (`vip`.`at` IS NOT NULL OR (`vip`.`at` IS NULL AND (`vip`.`id` > "
                        ":after1))) AND (`vip`.`at` IS NOT NULL OR (`vip`.`at` IS NULL AND "
                        "(`vip`.`id` IS NOT NULL OR `vip`.`id` IS NULL))) ORDER BY `vip`.`at`, "
                        "`vip`.`id`");
    assert_int_equal(test->query.parameter_count, 1);
}

static void test_an_upper_bound_leaves_nulls_to_the_first_run(void **state)
{
    struct query_test *test = *state;

    test->options.cursor = "at";
    test->options.tie_break = STRINGS("id");
    prepare_pair(test);
    test->range.has_upto = 1;
    test->range.upto = "2026-01-02T00:00:00.000000Z";
    assert_rows(test, 0,
                COLUMNS " WHERE (`vip`.`at` <= :upto0 OR `vip`.`at` IS NULL) ORDER BY `vip`.`at`, "
                        "`vip`.`id`");
    assert_parameter(test, 0, "upto0", "TIMESTAMP", "2026-01-02T00:00:00.000000Z");
    test->range.upto = NULL;
    test->range.after = (struct tow_query_key){{"2026-01-01T00:00:00.000000Z"}, 1};
    assert_rows(test, 0,
                COLUMNS " WHERE (`vip`.`at` > :after0) AND `vip`.`at` <= :upto0 ORDER BY "
                        "`vip`.`at`, `vip`.`id`");
    assert_parameter(test, 1, "upto0", "TIMESTAMP", NULL);
}

static void test_nulls_can_be_left_out(void **state)
{
    struct query_test *test = *state;

    test->options.cursor = "at";
    test->options.tie_break = STRINGS("id");
    test->options.null_cursor = TOW_SCAN_NULLS_SKIP;
    prepare_pair(test);
    assert_rows(test, 0, COLUMNS " WHERE `vip`.`at` IS NOT NULL ORDER BY `vip`.`at`, `vip`.`id`");
    test->range.has_upto = 1;
    test->range.upto = "2026-01-02T00:00:00.000000Z";
    assert_rows(test, 0, COLUMNS " WHERE `vip`.`at` <= :upto0 ORDER BY `vip`.`at`, `vip`.`id`");
}

/* ---- names that want out -------------------------------------------------------------------- */

static void test_names_cannot_leave_their_backticks(void **state)
{
    struct query_test *test = *state;
    const struct tow_statement_column found[] = {column("a` FROM secrets -- ", "INT"),
                                                 column("b'); DROP TABLE x", "TIMESTAMP")};

    test->options.table = "`x``; DROP TABLE y`";
    test->options.cursor = "b'); DROP TABLE x";
    assert_ok(tow_sql_table_parse(&test->table, "t", &test->err), test->err);
    test->source = (struct tow_query_source){&test->options, &test->table, -1};
    assert_ok(tow_scan_columns_init(&test->columns, &test->options, found, 2, &test->err),
              test->err);
    assert_rows(test, 0,
                "SELECT `t`.`a`` FROM secrets -- `, `t`.`b'); DROP TABLE x` FROM `t` ORDER BY "
                "`t`.`b'); DROP TABLE x`, `t`.`a`` FROM secrets -- `");
    test->options.columns = STRINGS("a` FROM secrets -- ");
    assert_ok(tow_query_columns(&test->query, &test->source, &test->err), test->err);
    assert_string_equal(test->query.text.data,
                        "SELECT `t`.`a`` FROM secrets -- `, `t`.`b'); DROP TABLE x` FROM `t` LIMIT "
                        "0");
}

static void assert_fragment(const char *text, const char *says)
{
    struct tow_error err = TOW_ERROR_INIT;
    int code = tow_fragment_check("where", text, &err);

    if (!says && code != TOW_OK)
        fail_msg("\"%s\": %s", text, err.message);
    if (!says)
        return;
    if (code != TOW_E_CONFIG)
        fail_msg("\"%s\" passes", text);
    assert_says(err, says);
}

static void test_pieces_of_sql_stay_in_their_parentheses(void **state)
{
    static const char *const good[] = {
        "a = 1",
        "a IN (1, (2)) AND b[0] = ')' OR c = \")\" OR `)` = 1",
        "a = 'it\\'s)' -- )\n AND b",
        "a = r'\\' AND b",
        "a = R\"\\\" AND b",
        "a = bar'\\'' AND b",
        "a /* ) /* nested ) */ ; */ = 1",
        "a -- ; ) '",
        "'a''b'",
        "a - -1 / 2 * 3",
        "a -- on\\\n) and on\n = 1",
    };
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"a = 1) OR (b = 1", "character 6: this bracket closes none"},
        {"a IN (1", "'(' is not closed"},
        {"a[1)", "closes none"},
        {"a = 'x", "character 5: this quote is not closed"},
        {"a = 'x\\'", "not closed"},
        {"a = r'x\\')", "closes none"},
        {"`a", "not closed"},
        {"a = 1;", "semicolon"},
        {"a /* b", "this comment is not closed"},
        {"a /* /* */", "not closed"},
        {"a -- b\\", "backslash"},
        {"", "no SQL"},
        {" \n-- nothing\n/* at all */", "no SQL"},
        {"select 1 ; ", "character 10: a semicolon"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_fragment(good[i], NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fragment(bad[i].text, bad[i].says);
}

static void test_brackets_beyond_the_limit_are_refused(void **state)
{
    char text[600] = "";

    (void)state;
    memset(text, '(', 257);
    assert_fragment(text, "more than 256");
}

/* ---- columns -------------------------------------------------------------------------------- */

static void assert_columns(const struct tow_scan_options *options,
                           const struct tow_statement_column *found, size_t count, int class,
                           const char *says)
{
    struct tow_scan_columns columns = {.count = 0};
    struct tow_error err = TOW_ERROR_INIT;

    assert_int_equal(tow_scan_columns_init(&columns, options, found, count, &err), class);
    assert_says(err, says);
    tow_scan_columns_release(&columns);
}

static void test_columns_that_cannot_be_are_refused(void **state)
{
    const struct tow_statement_column twice[] = {column("a", "INT"), column("A", "STRING")};
    const struct tow_statement_column kinds[] = {
        column("f", "DOUBLE"),       column("s", "STRING COLLATE UTF8_LCASE"),
        column("i", "INTERVAL DAY"), column("d", "DECIMAL(10,2)"),
        column("n", "BIGINT"),       column("j", "ARRAY<INT>"),
        column("b", "BOOLEAN"),      column("z", "BINARY"),
        column("t", "TIMESTAMP")};
    const size_t count = sizeof kinds / sizeof *kinds;
    struct tow_scan_options options = {.table = "t"};

    (void)state;
    assert_columns(&options, twice, 2, TOW_E_CONFIG, "two columns named \"A\" (1 and 2)");
    assert_columns(&options, twice, 0, TOW_E_CONFIG, "t has no columns");
    options.cursor = "x";
    assert_columns(&options, kinds, count, TOW_E_CONFIG, "cursor = \"x\": t has no such column");
    options.cursor = "f";
    assert_columns(&options, kinds, count, TOW_E_CONFIG, "type is DOUBLE: a cursor is");
    options.cursor = "s";
    assert_columns(&options, kinds, count, TOW_E_CONFIG, "under a collation");
    options.cursor = "i";
    assert_columns(&options, kinds, count, TOW_E_CONFIG, "cannot be told apart");
    options.cursor = "d";
    assert_columns(&options, kinds, count, TOW_E_CONFIG, "DECIMAL(10,2)");
    options.cursor = "b";
    assert_columns(&options, kinds, count, TOW_E_CONFIG, "BOOLEAN");
    options.cursor = "n";
    options.tie_break = STRINGS("d", "b", "t", "j");
    assert_columns(&options, kinds, count, TOW_E_CONFIG, "tie_break = \"j\"");
    options.tie_break = STRINGS("z");
    assert_columns(&options, kinds, count, TOW_E_CONFIG, "type is BINARY");
    options.tie_break = (struct tow_strings){NULL, 0};
    options.lag = 1000;
    assert_columns(&options, kinds, count, TOW_E_CONFIG, "lag needs a cursor that is a timestamp");
    options.lag = 0;
    options.overlap = 1000;
    assert_columns(&options, kinds, count, TOW_E_CONFIG, "overlap needs");
    options.overlap = 0;
    options.since = "2026-01-01";
    assert_columns(&options, kinds, count, TOW_E_CONFIG, "write a whole number");
    options.columns = STRINGS("f", "s", "i", "d", "n", "j", "b", "z", "t", "u");
    assert_columns(&options, kinds, count, TOW_E_ENV, "10 columns were asked for, and 9 came");
}

static void test_a_change_between_two_statements_is_named(void **state)
{
    struct query_test *test = *state;
    struct tow_statement_column now[] = {column("id", "INT"), column("at", "TIMESTAMP")};

    prepare_pair(test);
    assert_ok(tow_scan_columns_compare(&test->columns, now, 2, 0, "vip", &test->err), test->err);
    now[0].type_text = (char *)(uintptr_t) "BIGINT";
    assert_int_equal(tow_scan_columns_compare(&test->columns, now, 2, 0, "vip", &test->err),
                     TOW_E_ENV);
    assert_says(test->err, "the type of column \"id\" was INT and is now BIGINT");
    now[0] = column("key", "INT");
    assert_int_equal(tow_scan_columns_compare(&test->columns, now, 2, 0, "vip", &test->err),
                     TOW_E_ENV);
    assert_says(test->err, "column 1 was \"id\" and is now \"key\"");
    assert_int_equal(tow_scan_columns_compare(&test->columns, now, 1, 0, "vip", &test->err),
                     TOW_E_ENV);
    assert_says(test->err, "2 columns then, 1 now");
    now[0] = column("ID", "int");
    now[1] = column("at", "BIGINT");
    assert_ok(tow_scan_columns_compare(&test->columns, now, 2, 1, "vip", &test->err), test->err);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_whole_table_is_read_without_order),
        TEST(test_where_and_limit_stand_in_their_places),
        TEST(test_a_query_is_read_as_it_stands),
        TEST(test_a_version_is_named),
        TEST(test_inline_results_are_cast_where_text_loses_something),
        TEST(test_the_columns_are_asked_for_without_rows),
        TEST(test_the_newest_version_is_asked_for),
        TEST(test_bounds_are_asked_for_in_one_statement),
        TEST(test_the_greatest_value_of_other_cursors_is_text),
        TEST(test_without_tie_break_all_that_has_an_order_makes_one),
        TEST(test_tie_break_makes_the_order),
        TEST(test_tie_break_alone_makes_an_order_too),
        TEST(test_rows_behind_the_last_run_are_read),
        TEST(test_a_whole_key_is_compared_column_by_column),
        TEST(test_nulls_of_a_key_come_first),
        TEST(test_an_upper_bound_leaves_nulls_to_the_first_run),
        TEST(test_nulls_can_be_left_out),
        TEST(test_names_cannot_leave_their_backticks),
        TEST(test_pieces_of_sql_stay_in_their_parentheses),
        TEST(test_brackets_beyond_the_limit_are_refused),
        TEST(test_columns_that_cannot_be_are_refused),
        TEST(test_a_change_between_two_statements_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
