/* SQL types of Databricks against towpath's own. */
#include "plugins/shared/databricks_types.h"

#include "unit.h"

static void assert_type(const char *sql, const char *name)
{
    char text[TOW_TYPE_TEXT_MAX];

    if (strcmp(tow_type_name(tow_databricks_type(sql), text), name) != 0)
        fail_msg("\"%s\" is %s, not %s", sql, text, name);
}

static void test_manifests_and_describe_name_the_same_types(void **state)
{
    static const struct {
        const char *sql, *name;
    } cases[] = {
        {"BOOLEAN", "bool"},
        {"boolean", "bool"},
        {"TINYINT", "int8"},
        {"BYTE", "int8"},
        {"SMALLINT", "int16"},
        {"SHORT", "int16"},
        {"INT", "int32"},
        {"integer", "int32"},
        {"BIGINT", "int64"},
        {"LONG", "int64"},
        {"FLOAT", "float32"},
        {"REAL", "float32"},
        {"DOUBLE", "float64"},
        {"STRING", "string"},
        {"VARCHAR(20)", "string"},
        {"CHAR (3)", "string"},
        {"CHAR", "string"},
        {"BINARY", "binary"},
        {"DATE", "date"},
        {"TIMESTAMP", "timestamp"},
        {"timestamp_ltz", "timestamp"},
        {"Timestamp_NTZ", "timestamp_ntz"},
        {" BIGINT ", "int64"},
        {"STRING COLLATE UTF8_LCASE", "string"},
        {"BIGINT NOT NULL", "int64"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_type(cases[i].sql, cases[i].name);
}

static void test_decimals_keep_precision_and_scale(void **state)
{
    (void)state;
    assert_type("DECIMAL(18,4)", "decimal(18,4)");
    assert_type("decimal( 38 , 38 )", "decimal(38,38)");
    assert_type("DECIMAL(5)", "decimal(5,0)");
    assert_type("DECIMAL", "decimal(10,0)");
    assert_type("DEC(3,1)", "decimal(3,1)");
    assert_type("NUMERIC(1,0)", "decimal(1,0)");
}

static void test_nested_types_and_variant_are_json(void **state)
{
    (void)state;
    assert_type("STRUCT<a: INT NOT NULL, b: ARRAY<STRING>>", "json");
    assert_type("array<int>", "json");
    assert_type("MAP<STRING, DECIMAL(3,1)>", "json");
    assert_type("STRUCT", "json");
    assert_type("VARIANT", "json");
}

static void test_what_is_not_known_is_text(void **state)
{
    static const char *const others[] = {
        "VOID",
        "NULL",
        "INTERVAL",
        "INTERVAL DAY TO SECOND",
        "GEOMETRY(4326)",
        "GEOGRAPHY",
        "USER_DEFINED_TYPE",
        "",
        " ",
        "INT8",
        "BIGINT(3)",
        "INT<STRING>",
        "DECIMAL(39,0)",
        "DECIMAL(0,0)",
        "DECIMAL(2,3)",
        "DECIMAL(10,2",
        "DECIMAL(10,2)x",
        "DECIMAL(a)",
        "DECIMAL()",
        "DECIMAL(100)",
        "TIMESTAMP(3)",
        "STRING(3)",
        "ARRAY(INT)",
        "timestamp_tz",
    };

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_type(others[i], "string");
}

static void test_every_type_has_one_that_holds_it(void **state)
{
    static const struct {
        struct tow_type type;
        const char *sql;
    } cases[] = {
        {{TOW_TYPE_BOOL, 0, 0}, "BOOLEAN"},
        {{TOW_TYPE_INT8, 0, 0}, "TINYINT"},
        {{TOW_TYPE_INT16, 0, 0}, "SMALLINT"},
        {{TOW_TYPE_INT32, 0, 0}, "INT"},
        {{TOW_TYPE_INT64, 0, 0}, "BIGINT"},
        {{TOW_TYPE_UINT8, 0, 0}, "SMALLINT"},
        {{TOW_TYPE_UINT16, 0, 0}, "INT"},
        {{TOW_TYPE_UINT32, 0, 0}, "BIGINT"},
        {{TOW_TYPE_UINT64, 0, 0}, "DECIMAL(20,0)"},
        {{TOW_TYPE_FLOAT32, 0, 0}, "FLOAT"},
        {{TOW_TYPE_FLOAT64, 0, 0}, "DOUBLE"},
        {{TOW_TYPE_DECIMAL, 38, 38}, "DECIMAL(38,38)"},
        {{TOW_TYPE_DECIMAL, 10, 2}, "DECIMAL(10,2)"},
        {{TOW_TYPE_STRING, 0, 0}, "STRING"},
        {{TOW_TYPE_BINARY, 0, 0}, "BINARY"},
        {{TOW_TYPE_DATE, 0, 0}, "DATE"},
        {{TOW_TYPE_TIMESTAMP, 0, 0}, "TIMESTAMP"},
        {{TOW_TYPE_TIMESTAMP_NTZ, 0, 0}, "TIMESTAMP_NTZ"},
        {{TOW_TYPE_JSON, 0, 0}, "STRING"},
    };
    char text[TOW_DATABRICKS_TYPE_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(tow_databricks_type_sql(cases[i].type, text), cases[i].sql);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifests_and_describe_name_the_same_types),
        cmocka_unit_test(test_decimals_keep_precision_and_scale),
        cmocka_unit_test(test_nested_types_and_variant_are_json),
        cmocka_unit_test(test_what_is_not_known_is_text),
        cmocka_unit_test(test_every_type_has_one_that_holds_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
