#include "plugins/databricks_copy/copy_sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugins/databricks_copy/types.h"

#define SQL_CELL_MAX 32

/* A text under way; once something has failed, what follows does nothing. */
struct sql {
    struct tow_buffer *out;
    int code;
    struct tow_error *err;
};

static void sql_text(struct sql *sql, const char *text)
{
    if (sql->code == TOW_OK)
        sql->code = tow_buffer_append(sql->out, text, strlen(text), sql->err);
}

static void sql_string(struct sql *sql, const char *text)
{
    if (sql->code == TOW_OK)
        sql->code = tow_sql_string(sql->out, text, strlen(text), sql->err);
}

static void sql_name(struct sql *sql, const char *name)
{
    if (sql->code == TOW_OK)
        sql->code = tow_sql_name(sql->out, name, sql->err);
}

static void sql_table(struct sql *sql, const char *before, const struct tow_sql_table *table)
{
    sql_text(sql, before);
    if (sql->code == TOW_OK)
        sql->code = tow_sql_table(sql->out, table, sql->err);
}

/* ", " between; nothing before the first. */
static void sql_comma(struct sql *sql, int *is_first)
{
    if (!*is_first)
        sql_text(sql, ", ");
    *is_first = 0;
}

/* "`a`, `b`"; prefix stands before each name: "s.". */
static void sql_names(struct sql *sql, const struct tow_copy_columns *columns, const char *prefix)
{
    int is_first = 1;

    for (size_t i = 0; i < columns->count; i++) {
        sql_comma(sql, &is_first);
        sql_text(sql, prefix);
        sql_name(sql, columns->items[i].name);
    }
}

/* `a` BIGINT */
static void sql_definition(struct sql *sql, const struct tow_copy_column *column)
{
    sql_name(sql, column->name);
    sql_text(sql, " ");
    sql_text(sql, column->sql_type);
}

/* ---- simple ones ---------------------------------------------------------------------------- */

int tow_copy_sql_describe(struct tow_buffer *out, const struct tow_sql_table *table,
                          struct tow_error *err)
{
    struct sql sql = {out, TOW_OK, err};

    sql_table(&sql, "DESCRIBE TABLE ", table);
    return sql.code;
}

int tow_copy_sql_count(struct tow_buffer *out, const struct tow_sql_table *table,
                       struct tow_error *err)
{
    struct sql sql = {out, TOW_OK, err};

    sql_table(&sql, "SELECT count(*) AS `rows` FROM ", table);
    return sql.code;
}

int tow_copy_sql_drop(struct tow_buffer *out, const struct tow_sql_table *table,
                      struct tow_error *err)
{
    struct sql sql = {out, TOW_OK, err};

    sql_table(&sql, "DROP TABLE IF EXISTS ", table);
    return sql.code;
}

/* ---- definitions ---------------------------------------------------------------------------- */

static void sql_mapping(struct sql *sql, const struct tow_copy_columns *columns)
{
    if (tow_copy_columns_need_mapping(columns))
        sql_text(sql, " TBLPROPERTIES ('delta.columnMapping.mode' = 'name')");
}

int tow_copy_sql_create(struct tow_buffer *out, const struct tow_sql_table *table,
                        const struct tow_copy_columns *columns, const char *comment,
                        int has_ordinal, struct tow_error *err)
{
    struct sql sql = {out, TOW_OK, err};
    int is_first = 1;

    sql_table(&sql, "CREATE TABLE IF NOT EXISTS ", table);
    sql_text(&sql, " (");
    for (size_t i = 0; i < columns->count; i++) {
        sql_comma(&sql, &is_first);
        sql_definition(&sql, &columns->items[i]);
    }
    if (has_ordinal)
        sql_text(&sql, ", `" TOW_COPY_ORDINAL "` BIGINT");
    sql_text(&sql, ") USING DELTA");
    if (comment) {
        sql_text(&sql, " COMMENT ");
        sql_string(&sql, comment);
    }
    sql_mapping(&sql, columns);
    return sql.code;
}

int tow_copy_sql_placeholder(struct tow_buffer *out, const struct tow_sql_table *table,
                             const char *comment, struct tow_error *err)
{
    struct sql sql = {out, TOW_OK, err};

    sql_table(&sql, "CREATE TABLE IF NOT EXISTS ", table);
    if (comment) {
        sql_text(&sql, " COMMENT ");
        sql_string(&sql, comment);
    }
    return sql.code;
}

int tow_copy_sql_location(struct tow_buffer *out, const char *location, struct tow_error *err)
{
    struct sql sql = {out, TOW_OK, err};

    sql_text(&sql, " LOCATION ");
    sql_string(&sql, location);
    return sql.code;
}

int tow_copy_sql_add_columns(struct tow_buffer *out, const struct tow_sql_table *table,
                             const struct tow_copy_columns *columns, struct tow_error *err)
{
    struct sql sql = {out, TOW_OK, err};
    int is_first = 1;

    sql_table(&sql, "ALTER TABLE ", table);
    sql_text(&sql, " ADD COLUMNS (");
    for (size_t i = 0; i < columns->count; i++) {
        if (!columns->items[i].is_missing)
            continue;
        sql_comma(&sql, &is_first);
        sql_definition(&sql, &columns->items[i]);
    }
    sql_text(&sql, ")");
    return sql.code;
}

/* ---- COPY INTO ------------------------------------------------------------------------------ */

/* Names are the parts' own, "_c0" of CSV without a header, or keys of JSON. */
static void sql_select(struct sql *sql, const struct tow_copy_columns *columns,
                       const struct tow_copy_files *files, int has_ordinal)
{
    char cell[SQL_CELL_MAX];
    int is_first = 1;

    for (size_t i = 0; i < columns->count; i++) {
        const struct tow_copy_column *column = &columns->items[i];

        snprintf(cell, sizeof cell, files->is_json ? "c%" PRId64 : "_c%" PRId64, column->index);
        sql_comma(sql, &is_first);
        if (sql->code == TOW_OK)
            sql->code =
                tow_copy_type_cast(sql->out, column->type, column->sql_type, cell, sql->err);
        sql_text(sql, " AS ");
        sql_name(sql, column->name);
    }
    if (!has_ordinal)
        return;
    snprintf(cell, sizeof cell, files->is_json ? "c%zu" : "_c%zu", columns->count);
    sql_text(sql, ", CAST(");
    sql_text(sql, cell);
    sql_text(sql, " AS BIGINT) AS `" TOW_COPY_ORDINAL "`");
}

static void sql_credential(struct sql *sql, const struct tow_copy_files *files)
{
    if (files->credential) {
        sql_text(sql, " WITH (CREDENTIAL ");
        sql_name(sql, files->credential);
        sql_text(sql, ")");
        return;
    }
    if (!files->access_key)
        return;
    sql_text(sql, " WITH (CREDENTIAL (AWS_ACCESS_KEY = ");
    sql_string(sql, files->access_key);
    sql_text(sql, ", AWS_SECRET_KEY = ");
    sql_string(sql, files->secret_key);
    if (files->session_token) {
        sql_text(sql, ", AWS_SESSION_TOKEN = ");
        sql_string(sql, files->session_token);
    }
    sql_text(sql, "))");
}

/* Each overrides a default that loses something (Databricks SQL reference, COPY INTO). */
static void sql_csv_options(struct sql *sql, const struct tow_copy_files *files)
{
    const char *flag = files->infers ? "'true'" : "'false'";

    sql_text(sql, " FORMAT_OPTIONS ('header' = ");
    sql_text(sql, flag);
    sql_text(sql, ", 'sep' = ',', 'quote' = '\"', "
                  "'escape' = '\"', 'multiLine' = 'true', 'lineSep' = '\\n', "
                  "'encoding' = 'UTF-8', 'mode' = 'FAILFAST', 'emptyValue' = '', "
                  "'ignoreLeadingWhiteSpace' = 'false', 'ignoreTrailingWhiteSpace' = 'false', "
                  "'inferSchema' = ");
    sql_text(sql, flag);
    sql_text(sql, ", 'mergeSchema' = ");
    sql_text(sql, flag);
    sql_text(sql, ", 'ignoreMissingFiles' = 'false', 'nullValue' = ");
    sql_string(sql, files->null_text);
    sql_text(sql, ")");
}

static void sql_json_options(struct sql *sql)
{
    sql_text(sql, " FORMAT_OPTIONS ('multiLine' = 'false', 'lineSep' = '\\n', "
                  "'encoding' = 'UTF-8', 'mode' = 'FAILFAST', 'primitivesAsString' = 'true', "
                  "'inferTimestamp' = 'false', 'dropFieldIfAllNull' = 'false', "
                  "'ignoreMissingFiles' = 'false')");
}

static void sql_files(struct sql *sql, const struct tow_copy_files *files)
{
    int is_first = 1;

    sql_text(sql, " FILES = (");
    for (size_t i = 0; i < files->count; i++) {
        sql_comma(sql, &is_first);
        sql_string(sql, files->names[i]);
    }
    sql_text(sql, ")");
}

int tow_copy_sql_copy(struct tow_buffer *out, const struct tow_sql_table *table,
                      const struct tow_copy_columns *columns, const struct tow_copy_files *files,
                      int has_ordinal, struct tow_error *err)
{
    struct sql sql = {out, TOW_OK, err};

    sql_table(&sql, "COPY INTO ", table);
    if (!files->infers) {
        sql_text(&sql, " FROM (SELECT ");
        sql_select(&sql, columns, files, has_ordinal);
    }
    sql_text(&sql, " FROM ");
    sql_string(&sql, files->uri);
    sql_credential(&sql, files);
    sql_text(&sql, files->infers ? " FILEFORMAT = " : ") FILEFORMAT = ");
    sql_text(&sql, files->is_json ? "JSON" : "CSV");
    sql_files(&sql, files);
    if (files->is_json)
        sql_json_options(&sql);
    else
        sql_csv_options(&sql, files);
    sql_text(&sql, " COPY_OPTIONS ('force' = 'false', 'mergeSchema' = ");
    sql_text(&sql, files->infers ? "'true')" : "'false')");
    return sql.code;
}

/* ---- from the load table -------------------------------------------------------------------- */

int tow_copy_sql_overwrite(struct tow_buffer *out, const struct tow_sql_table *table,
                           const struct tow_sql_table *load, const struct tow_copy_columns *columns,
                           struct tow_error *err)
{
    struct sql sql = {out, TOW_OK, err};

    sql_table(&sql, "INSERT OVERWRITE TABLE ", table);
    sql_text(&sql, " (");
    sql_names(&sql, columns, "");
    sql_text(&sql, ") SELECT ");
    sql_names(&sql, columns, "");
    sql_table(&sql, " FROM ", load);
    return sql.code;
}

int tow_copy_sql_replace(struct tow_buffer *out, const struct tow_sql_table *table,
                         const struct tow_sql_table *load, const struct tow_copy_columns *columns,
                         struct tow_error *err)
{
    struct sql sql = {out, TOW_OK, err};

    sql_table(&sql, "CREATE OR REPLACE TABLE ", table);
    sql_text(&sql, " USING DELTA");
    sql_mapping(&sql, columns);
    sql_text(&sql, " AS SELECT ");
    sql_names(&sql, columns, "");
    sql_table(&sql, " FROM ", load);
    return sql.code;
}

/* "t.`k` <=> s.`k`", as null keys are equal to each other. */
static void sql_on(struct sql *sql, const struct tow_copy_columns *columns)
{
    const char *between = "";

    for (size_t i = 0; i < columns->count; i++) {
        if (!columns->items[i].is_key)
            continue;
        sql_text(sql, between);
        sql_text(sql, "t.");
        sql_name(sql, columns->items[i].name);
        sql_text(sql, " <=> s.");
        sql_name(sql, columns->items[i].name);
        between = " AND ";
    }
}

static void sql_keys(struct sql *sql, const struct tow_copy_columns *columns)
{
    int is_first = 1;

    for (size_t i = 0; i < columns->count; i++) {
        if (!columns->items[i].is_key)
            continue;
        sql_comma(sql, &is_first);
        sql_name(sql, columns->items[i].name);
    }
}

/* Nothing where all columns are keys. */
static void sql_update(struct sql *sql, const struct tow_copy_columns *columns)
{
    const char *before = " WHEN MATCHED THEN UPDATE SET ";

    for (size_t i = 0; i < columns->count; i++) {
        if (columns->items[i].is_key)
            continue;
        sql_text(sql, before);
        sql_text(sql, "t.");
        sql_name(sql, columns->items[i].name);
        sql_text(sql, " = s.");
        sql_name(sql, columns->items[i].name);
        before = ", ";
    }
}

int tow_copy_sql_merge(struct tow_buffer *out, const struct tow_sql_table *table,
                       const struct tow_sql_table *load, const struct tow_copy_columns *columns,
                       struct tow_error *err)
{
    struct sql sql = {out, TOW_OK, err};

    sql_table(&sql, "MERGE INTO ", table);
    sql_text(&sql, " AS t USING (SELECT ");
    sql_names(&sql, columns, "");
    sql_table(&sql, " FROM ", load);
    sql_text(&sql, " QUALIFY row_number() OVER (PARTITION BY ");
    sql_keys(&sql, columns);
    sql_text(&sql, " ORDER BY `" TOW_COPY_ORDINAL "` DESC) = 1) AS s ON ");
    sql_on(&sql, columns);
    sql_update(&sql, columns);
    sql_text(&sql, " WHEN NOT MATCHED THEN INSERT (");
    sql_names(&sql, columns, "");
    sql_text(&sql, ") VALUES (");
    sql_names(&sql, columns, "s.");
    sql_text(&sql, ")");
    return sql.code;
}
