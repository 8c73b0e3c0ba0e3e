#include "table.h"

#include "unit.h"

void table_init(struct table *table, const struct tow_field *fields, size_t count)
{
    *table = (struct table){.err = TOW_ERROR_INIT};
    assert_ok(tow_schema_make(&table->schema, fields, count, &table->err), table->err);
    table->builder = tow_builder_new(fields, count, &table->err);
    assert_non_null(table->builder);
}

/* A table with string columns "a", "b", "c". */
void table_init_strings(struct table *table, size_t count)
{
    static const struct tow_field fields[] = {{"a", {TOW_TYPE_STRING, 0, 0}, 0},
                                              {"b", {TOW_TYPE_STRING, 0, 0}, 0},
                                              {"c", {TOW_TYPE_STRING, 0, 0}, 0}};

    assert_true(count <= sizeof fields / sizeof *fields);
    table_init(table, fields, count);
}

void table_release(struct table *table)
{
    tow_buffer_release(&table->text);
    if (table->array.release)
        table->array.release(&table->array);
    tow_builder_free(table->builder);
    table->schema.release(&table->schema);
}

/* NULL appends a null. */
void table_put_bytes(struct table *table, size_t column, const char *text, size_t length)
{
    if (text)
        assert_ok(tow_append_bytes(table->builder, column, text, length, &table->err), table->err);
    else
        assert_ok(tow_append_null(table->builder, column, &table->err), table->err);
}

void table_put_text(struct table *table, size_t column, const char *text)
{
    table_put_bytes(table, column, text, text ? strlen(text) : 0);
}

void table_end_row(struct table *table)
{
    assert_ok(tow_builder_end_row(table->builder, &table->err), table->err);
}

void table_add_row(struct table *table, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        table_put_text(table, i, texts[i]);
    table_end_row(table);
}

void table_finish(struct table *table)
{
    assert_ok(tow_builder_finish(table->builder, &table->array, &table->err), table->err);
}

const char *table_text(struct table *table)
{
    assert_ok(tow_buffer_append(&table->text, "", 1, &table->err), table->err);
    table->text.size = 0;
    return table->text.data;
}

const char *table_csv(struct table *table, const struct tow_csv_format *format, int header)
{
    struct tow_csv_writer *writer = tow_csv_writer_new(&table->schema, format, &table->err);

    if (!writer)
        fail_msg("%s", table->err.message);
    if (header)
        assert_ok(tow_csv_writer_header(writer, &table->text, &table->err), table->err);
    assert_ok(tow_csv_writer_rows(writer, &table->array, 0, table->array.length, &table->text,
                                  &table->err),
              table->err);
    tow_csv_writer_free(writer);
    return table_text(table);
}

const char *table_json(struct table *table, int flags)
{
    struct tow_json_writer *writer = tow_json_writer_new(&table->schema, flags, &table->err);

    if (!writer)
        fail_msg("%s", table->err.message);
    assert_ok(tow_json_writer_rows(writer, &table->array, 0, table->array.length, &table->text,
                                   &table->err),
              table->err);
    tow_json_writer_free(writer);
    return table_text(table);
}
