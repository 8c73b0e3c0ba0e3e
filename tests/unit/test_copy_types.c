#include "unit.h"

#include "plugins/databricks_copy/types.h"
#include "plugins/shared/databricks_types.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct tow_type type_of(const char *name)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_type type;

    assert_ok(tow_type_parse(name, &type, &err), err);
    return type;
}

static void test_types_that_hold_every_value_fit(void **state)
{
    static const struct {
        const char *type, *sql_type;
        int fits;
    } cases[] = {
        {"bool", "boolean", 1},
        {"bool", "tinyint", 0},
        {"bool", "string", 1},
        {"int8", "tinyint", 1},
        {"int16", "tinyint", 0},
        {"int16", "SMALLINT", 1},
        {"int32", "bigint", 1},
        {"int64", "int", 0},
        {"int64", "bigint", 1},
        {"int64", "decimal(19,0)", 1},
        {"int64", "decimal(18,0)", 0},
        {"int64", "decimal(20,2)", 0},
        {"int64", "double", 0},
        {"int32", "double", 1},
        {"int32", "float", 0},
        {"int16", "float", 1},
        {"uint8", "tinyint", 0},
        {"uint8", "smallint", 1},
        {"uint32", "int", 0},
        {"uint32", "bigint", 1},
        {"uint64", "bigint", 0},
        {"uint64", "decimal(20,0)", 1},
        {"float32", "float", 1},
        {"float32", "double", 1},
        {"float64", "float", 0},
        {"float64", "double", 1},
        {"float64", "decimal(38,10)", 0},
        {"decimal(10,2)", "decimal(10,2)", 1},
        {"decimal(10,2)", "decimal(12,4)", 1},
        {"decimal(10,2)", "decimal(11,4)", 0},
        {"decimal(10,2)", "decimal(12,1)", 0},
        {"decimal(10,2)", "double", 0},
        {"decimal(2,0)", "tinyint", 1},
        {"decimal(3,0)", "tinyint", 0},
        {"decimal(18,0)", "bigint", 1},
        {"decimal(19,0)", "bigint", 0},
        {"string", "string", 1},
        {"string", "STRING COLLATE UTF8_LCASE", 1},
        {"string", "varchar(20)", 1},
        {"string", "varchar(20) COMMENT 'x'", 0},
        {"string", "varchar`", 0},
        {"int64", "bigint)", 0},
        {"string", "int", 0},
        {"string", "interval day to second", 0},
        {"string", "void", 0},
        {"string", "geometry(4326)", 0},
        {"binary", "binary", 1},
        {"binary", "string", 0},
        {"date", "date", 1},
        {"date", "timestamp", 0},
        {"timestamp", "timestamp", 1},
        {"timestamp", "timestamp_ntz", 0},
        {"timestamp_ntz", "timestamp_ntz", 1},
        {"timestamp_ntz", "timestamp", 0},
        {"json", "string", 1},
        {"json", "variant", 1},
        {"json", "struct<a:int,b:array<string>>", 1},
        {"json", "struct<a:int) AS SELECT 1>", 0},
        {"string", "variant", 0},
        {"string", "", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (tow_copy_type_fits(type_of(cases[i].type), cases[i].sql_type) != cases[i].fits)
            fail_msg("%s in %s", cases[i].type, cases[i].sql_type);
}

/* What is created for a type holds it. */
static void test_every_type_fits_the_one_that_is_created_for_it(void **state)
{
    static const char *const names[] = {
        "bool",      "int8",          "int16",          "int32",  "int64",
        "uint8",     "uint16",        "uint32",         "uint64", "float32",
        "float64",   "decimal(38,0)", "string",         "binary", "date",
        "timestamp", "timestamp_ntz", "decimal(38,38)", "json"};

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        char sql_type[TOW_DATABRICKS_TYPE_MAX];

        tow_databricks_type_sql(type_of(names[i]), sql_type);
        assert_true(tow_copy_type_is_safe(sql_type));
        if (!tow_copy_type_fits(type_of(names[i]), sql_type))
            fail_msg("%s in %s", names[i], sql_type);
    }
}

static void test_type_text_cannot_end_before_it_does(void **state)
{
    static const char *const safe[] = {
        "INT",
        "decimal(10, 2)",
        "STRING COLLATE UTF8_LCASE",
        "struct<a:int,b:array<map<string,decimal(1,0)>>>",
        "struct<`a b`:int,`c``d'>)`:int>",
    };
    static const char *const unsafe[] = {
        "",
        "`int`",
        "int, b int",
        "int)",
        "struct<a:int",
        "struct<a:int)",
        "struct<a:int>>",
        "struct<`a:int>",
        "struct<`a``:int>",
        "int COMMENT 'x'",
        "int;drop table t",
        "int\n",
        "int -- x",
        "int/*x*/",
        "<a:int>",
    };
    char deep[400];

    (void)state;
    for (size_t i = 0; i < COUNT(safe); i++)
        if (!tow_copy_type_is_safe(safe[i]))
            fail_msg("\"%s\" is refused", safe[i]);
    for (size_t i = 0; i < COUNT(unsafe); i++)
        if (tow_copy_type_is_safe(unsafe[i]))
            fail_msg("\"%s\" is taken", unsafe[i]);
    memset(deep, '<', sizeof deep);
    deep[0] = 'a';
    deep[sizeof deep - 1] = '\0';
    assert_false(tow_copy_type_is_safe(deep));
}

static void test_each_type_has_its_expression(void **state)
{
    static const struct {
        const char *type, *sql_type, *text;
    } cases[] = {
        {"bool", "boolean", "CAST(_c0 AS BOOLEAN)"},
        {"uint64", "decimal(20,0)", "CAST(_c0 AS DECIMAL(20,0))"},
        {"int32", "bigint", "CAST(_c0 AS BIGINT)"},
        {"float32", "float", "CAST(_c0 AS FLOAT)"},
        {"float32", "double", "CAST(CAST(_c0 AS FLOAT) AS DOUBLE)"},
        {"decimal(10,2)", "dec(12,4)", "CAST(_c0 AS DECIMAL(12,4))"},
        {"string", "varchar(10)", "_c0"},
        {"timestamp", "string", "_c0"},
        {"binary", "binary", "unbase64(_c0)"},
        {"date", "date", "CAST(_c0 AS DATE)"},
        {"timestamp", "timestamp", "CAST(_c0 AS TIMESTAMP)"},
        {"timestamp_ntz", "timestamp_ntz", "CAST(_c0 AS TIMESTAMP_NTZ)"},
        {"json", "string", "_c0"},
        {"json", "variant", "parse_json(_c0)"},
        {"json", "struct<`it's`:int>",
         "from_json(_c0, 'struct<`it\\'s`:int>', map('mode', 'FAILFAST'))"},
    };
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tow_buffer out = {.data = NULL};

        assert_ok(tow_copy_type_cast(&out, type_of(cases[i].type), cases[i].sql_type, "_c0", &err),
                  err);
        assert_ok(tow_buffer_append(&out, "", 1, &err), err);
        assert_string_equal(out.data, cases[i].text);
        tow_buffer_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_that_hold_every_value_fit),
        cmocka_unit_test(test_every_type_fits_the_one_that_is_created_for_it),
        cmocka_unit_test(test_type_text_cannot_end_before_it_does),
        cmocka_unit_test(test_each_type_has_its_expression),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
