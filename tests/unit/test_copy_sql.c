#include "unit.h"

#include "plugins/databricks_copy/copy_sql.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct fixture {
    struct ArrowSchema schema;
    struct tow_copy_columns columns;
    struct tow_sql_table table, load;
    struct tow_buffer out;
    struct tow_error err;
};

static const struct tow_field fields[] = {
    {"id", {TOW_TYPE_INT64, 0, 0}, 0},
    {"it's `odd`", {TOW_TYPE_STRING, 0, 0}, 0},
    {"raw", {TOW_TYPE_BINARY, 0, 0}, 0},
};

static void init(struct fixture *f, size_t count, const char *key)
{
    const struct tow_copy_column_spec spec = {.keys = {&key, key ? 1 : 0}};

    memset(f, 0, sizeof *f);
    f->err = (struct tow_error)TOW_ERROR_INIT;
    assert_ok(tow_schema_make(&f->schema, fields, count, &f->err), f->err);
    assert_ok(tow_copy_columns_init(&f->columns, &f->schema, &spec, &f->err), f->err);
    assert_ok(tow_sql_table_parse(&f->table, "main.crm.vip", &f->err), f->err);
    assert_ok(tow_sql_table_sibling(&f->load, &f->table, "__load_x", &f->err), f->err);
}

static void release(struct fixture *f)
{
    tow_copy_columns_release(&f->columns);
    tow_sql_table_release(&f->table);
    tow_sql_table_release(&f->load);
    tow_buffer_release(&f->out);
    f->schema.release(&f->schema);
}

static void assert_text(struct fixture *f, int code, const char *text)
{
    assert_ok(code, f->err);
    assert_ok(tow_buffer_append(&f->out, "", 1, &f->err), f->err);
    assert_string_equal(f->out.data, text);
    f->out.size = 0;
}

static void test_simple_statements(void **state)
{
    struct fixture f;

    (void)state;
    init(&f, 1, NULL);
    assert_text(&f, tow_copy_sql_describe(&f.out, &f.table, &f.err),
                "DESCRIBE TABLE `main`.`crm`.`vip`");
    assert_text(&f, tow_copy_sql_count(&f.out, &f.load, &f.err),
                "SELECT count(*) AS `rows` FROM `main`.`crm`.`vip__load_x`");
    assert_text(&f, tow_copy_sql_drop(&f.out, &f.load, &f.err),
                "DROP TABLE IF EXISTS `main`.`crm`.`vip__load_x`");
    release(&f);
}

static void test_tables_are_created_with_types_and_what_names_need(void **state)
{
    struct fixture f;

    (void)state;
    init(&f, 1, NULL);
    assert_text(&f, tow_copy_sql_create(&f.out, &f.table, &f.columns, NULL, 0, &f.err),
                "CREATE TABLE IF NOT EXISTS `main`.`crm`.`vip` (`id` BIGINT) USING DELTA");
    release(&f);
    init(&f, 3, NULL);
    assert_text(&f, tow_copy_sql_create(&f.out, &f.load, &f.columns, "a 'load'", 1, &f.err),
                "CREATE TABLE IF NOT EXISTS `main`.`crm`.`vip__load_x` (`id` BIGINT, "
                "`it's ``odd``` STRING, `raw` BINARY, `__towpath_ordinal` BIGINT) USING DELTA "
                "COMMENT 'a \\'load\\'' TBLPROPERTIES ('delta.columnMapping.mode' = 'name')");
    f.columns.items[1].is_missing = 0;
    assert_text(&f, tow_copy_sql_add_columns(&f.out, &f.table, &f.columns, &f.err),
                "ALTER TABLE `main`.`crm`.`vip` ADD COLUMNS (`id` BIGINT, `raw` BINARY)");
    release(&f);
}

static void test_copy_into_reads_csv_without_loss(void **state)
{
    static const char *const names[] = {"w0-g1-p00001.csv.gz", "w1-g1-p00001.csv.gz"};
    const struct tow_copy_files files = {.uri = "/Volumes/main/crm/stage/job/load_x/",
                                         .names = names,
                                         .count = 2,
                                         .null_text = "~nul'l"};
    struct fixture f;

    (void)state;
    init(&f, 3, NULL);
    assert_text(
        &f, tow_copy_sql_copy(&f.out, &f.table, &f.columns, &files, 0, &f.err),
        "COPY INTO `main`.`crm`.`vip` FROM (SELECT CAST(_c0 AS BIGINT) AS `id`, _c1 AS "
        "`it's ``odd```, unbase64(_c2) AS `raw` FROM '/Volumes/main/crm/stage/job/load_x/') "
        "FILEFORMAT = CSV FILES = ('w0-g1-p00001.csv.gz', 'w1-g1-p00001.csv.gz') "
        "FORMAT_OPTIONS ('header' = 'false', 'sep' = ',', 'quote' = '\"', 'escape' = '\"', "
        "'multiLine' = 'true', 'lineSep' = '\\n', 'encoding' = 'UTF-8', 'mode' = 'FAILFAST', "
        "'emptyValue' = '', 'ignoreLeadingWhiteSpace' = 'false', "
        "'ignoreTrailingWhiteSpace' = 'false', 'inferSchema' = 'false', 'mergeSchema' = 'false', "
        "'ignoreMissingFiles' = 'false', 'nullValue' = '~nul\\'l') "
        "COPY_OPTIONS ('force' = 'false', 'mergeSchema' = 'false')");
    release(&f);
}

/* As the Lytics integration does it. */
static void test_copy_into_of_a_placeholder_infers_columns_and_types(void **state)
{
    static const char *const names[] = {"w0-g1-p00001.csv.gz"};
    const struct tow_copy_files files = {.uri = "/Volumes/main/crm/stage/job/load_x/",
                                         .names = names,
                                         .count = 1,
                                         .infers = 1,
                                         .null_text = "~null"};
    struct fixture f;

    (void)state;
    init(&f, 1, NULL);
    assert_text(&f, tow_copy_sql_placeholder(&f.out, &f.table, NULL, &f.err),
                "CREATE TABLE IF NOT EXISTS `main`.`crm`.`vip`");
    assert_text(&f, tow_copy_sql_placeholder(&f.out, &f.table, "a load", &f.err),
                "CREATE TABLE IF NOT EXISTS `main`.`crm`.`vip` COMMENT 'a load'");
    assert_text(
        &f, tow_copy_sql_copy(&f.out, &f.table, &f.columns, &files, 0, &f.err),
        "COPY INTO `main`.`crm`.`vip` FROM '/Volumes/main/crm/stage/job/load_x/' "
        "FILEFORMAT = CSV FILES = ('w0-g1-p00001.csv.gz') "
        "FORMAT_OPTIONS ('header' = 'true', 'sep' = ',', 'quote' = '\"', 'escape' = '\"', "
        "'multiLine' = 'true', 'lineSep' = '\\n', 'encoding' = 'UTF-8', 'mode' = 'FAILFAST', "
        "'emptyValue' = '', 'ignoreLeadingWhiteSpace' = 'false', "
        "'ignoreTrailingWhiteSpace' = 'false', 'inferSchema' = 'true', 'mergeSchema' = 'true', "
        "'ignoreMissingFiles' = 'false', 'nullValue' = '~null') "
        "COPY_OPTIONS ('force' = 'false', 'mergeSchema' = 'true')");
    release(&f);
}

static void test_copy_into_reads_json_as_text(void **state)
{
    static const char *const name = "w0-g1-p00001.json.gz";
    const struct tow_copy_files files = {
        .uri = "s3://bucket/job/load_x/", .names = &name, .count = 1, .is_json = 1};
    struct fixture f;

    (void)state;
    init(&f, 1, NULL);
    assert_text(&f, tow_copy_sql_copy(&f.out, &f.load, &f.columns, &files, 1, &f.err),
                "COPY INTO `main`.`crm`.`vip__load_x` FROM (SELECT CAST(c0 AS BIGINT) AS `id`, "
                "CAST(c1 AS BIGINT) AS `__towpath_ordinal` FROM 's3://bucket/job/load_x/') "
                "FILEFORMAT = JSON FILES = ('w0-g1-p00001.json.gz') "
                "FORMAT_OPTIONS ('multiLine' = 'false', 'lineSep' = '\\n', 'encoding' = 'UTF-8', "
                "'mode' = 'FAILFAST', 'primitivesAsString' = 'true', 'inferTimestamp' = 'false', "
                "'dropFieldIfAllNull' = 'false', 'ignoreMissingFiles' = 'false') "
                "COPY_OPTIONS ('force' = 'false', 'mergeSchema' = 'false')");
    release(&f);
}

static void test_credentials_stand_behind_the_address(void **state)
{
    static const char *const name = "a.csv.gz";
    struct tow_copy_files files = {.uri = "s3://b/", .names = &name, .count = 1, .null_text = "~"};
    struct fixture f;

    (void)state;
    init(&f, 1, NULL);
    files.credential = "my `cred`";
    assert_ok(tow_copy_sql_copy(&f.out, &f.table, &f.columns, &files, 0, &f.err), f.err);
    assert_ok(tow_buffer_append(&f.out, "", 1, &f.err), f.err);
    assert_non_null(strstr(f.out.data, " FROM 's3://b/' WITH (CREDENTIAL `my ``cred```)) FILE"));
    f.out.size = 0;
    files.credential = NULL;
    files.access_key = "AK";
    files.secret_key = "s'k";
    assert_ok(tow_copy_sql_copy(&f.out, &f.table, &f.columns, &files, 0, &f.err), f.err);
    assert_ok(tow_buffer_append(&f.out, "", 1, &f.err), f.err);
    assert_non_null(strstr(f.out.data, "WITH (CREDENTIAL (AWS_ACCESS_KEY = 'AK', AWS_SECRET_KEY = "
                                       "'s\\'k')))"));
    f.out.size = 0;
    files.session_token = "st";
    assert_ok(tow_copy_sql_copy(&f.out, &f.table, &f.columns, &files, 0, &f.err), f.err);
    assert_ok(tow_buffer_append(&f.out, "", 1, &f.err), f.err);
    assert_non_null(strstr(f.out.data, ", AWS_SESSION_TOKEN = 'st')))"));
    release(&f);
}

static void test_a_load_table_becomes_what_readers_see(void **state)
{
    struct fixture f;

    (void)state;
    init(&f, 2, "id");
    assert_text(&f, tow_copy_sql_overwrite(&f.out, &f.table, &f.load, &f.columns, &f.err),
                "INSERT OVERWRITE TABLE `main`.`crm`.`vip` (`id`, `it's ``odd```) SELECT `id`, "
                "`it's ``odd``` FROM `main`.`crm`.`vip__load_x`");
    assert_text(&f, tow_copy_sql_replace(&f.out, &f.table, &f.load, &f.columns, &f.err),
                "CREATE OR REPLACE TABLE `main`.`crm`.`vip` USING DELTA TBLPROPERTIES "
                "('delta.columnMapping.mode' = 'name') AS SELECT `id`, `it's ``odd``` FROM "
                "`main`.`crm`.`vip__load_x`");
    assert_text(&f, tow_copy_sql_merge(&f.out, &f.table, &f.load, &f.columns, &f.err),
                "MERGE INTO `main`.`crm`.`vip` AS t USING (SELECT `id`, `it's ``odd``` FROM "
                "`main`.`crm`.`vip__load_x` QUALIFY row_number() OVER (PARTITION BY `id` ORDER BY "
                "`__towpath_ordinal` DESC) = 1) AS s ON t.`id` <=> s.`id` WHEN MATCHED THEN UPDATE "
                "SET t.`it's ``odd``` = s.`it's ``odd``` WHEN NOT MATCHED THEN INSERT (`id`, "
                "`it's ``odd```) VALUES (s.`id`, s.`it's ``odd```)");
    release(&f);
    init(&f, 1, "id");
    assert_text(&f, tow_copy_sql_merge(&f.out, &f.table, &f.load, &f.columns, &f.err),
                "MERGE INTO `main`.`crm`.`vip` AS t USING (SELECT `id` FROM "
                "`main`.`crm`.`vip__load_x` QUALIFY row_number() OVER (PARTITION BY `id` ORDER BY "
                "`__towpath_ordinal` DESC) = 1) AS s ON t.`id` <=> s.`id` WHEN NOT MATCHED THEN "
                "INSERT (`id`) VALUES (s.`id`)");
    release(&f);
}

static void test_hostile_names_stay_in_their_place(void **state)
{
    static const struct tow_field hostile[] = {
        {"a` INT) COMMENT 'x", {TOW_TYPE_STRING, 0, 0}, 0},
        {"\\", {TOW_TYPE_STRING, 0, 0}, 0},
        {"'); DROP TABLE t; --", {TOW_TYPE_STRING, 0, 0}, 0}};
    const struct tow_copy_column_spec spec = {.keys = {NULL, 0}};
    struct tow_copy_columns columns;
    struct ArrowSchema schema;
    struct fixture f;

    (void)state;
    init(&f, 1, NULL);
    assert_ok(tow_schema_make(&schema, hostile, COUNT(hostile), &f.err), f.err);
    assert_ok(tow_copy_columns_init(&columns, &schema, &spec, &f.err), f.err);
    assert_text(&f, tow_copy_sql_create(&f.out, &f.table, &columns, NULL, 0, &f.err),
                "CREATE TABLE IF NOT EXISTS `main`.`crm`.`vip` (`a`` INT) COMMENT 'x` STRING, "
                "`\\` STRING, `'); DROP TABLE t; --` STRING) USING DELTA TBLPROPERTIES "
                "('delta.columnMapping.mode' = 'name')");
    tow_copy_columns_release(&columns);
    schema.release(&schema);
    release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simple_statements),
        cmocka_unit_test(test_tables_are_created_with_types_and_what_names_need),
        cmocka_unit_test(test_copy_into_reads_csv_without_loss),
        cmocka_unit_test(test_copy_into_of_a_placeholder_infers_columns_and_types),
        cmocka_unit_test(test_copy_into_reads_json_as_text),
        cmocka_unit_test(test_credentials_stand_behind_the_address),
        cmocka_unit_test(test_a_load_table_becomes_what_readers_see),
        cmocka_unit_test(test_hostile_names_stay_in_their_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
