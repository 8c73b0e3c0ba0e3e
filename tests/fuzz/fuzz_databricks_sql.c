/* What is quoted for SQL reads back as itself, and nothing but itself. */
#include <stdint.h>

#include "connectors/databricks/sql.h"
#include "fuzz_demand.h"
#include "tests/unit/sql_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_string(const char *text, size_t length, char *back)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};

    if (tow_sql_string(&out, text, length, &err) == TOW_OK) {
        demand(sql_read_string(out.data, out.size, back) == (long)length, "a string of its length");
        demand(length == 0 || memcmp(back, text, length) == 0, "the same string");
    } else {
        demand_message(&err);
        demand(out.size == 0, "nothing of a text that is refused");
    }
    tow_buffer_release(&out);
}

static void try_name(const char *name, char *back)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};

    if (tow_sql_name(&out, name, &err) == TOW_OK) {
        demand(sql_read_name(out.data, out.size, back) == (long)strlen(name),
               "a name of its length");
        demand(memcmp(back, name, strlen(name)) == 0, "the same name");
    } else {
        demand_message(&err);
    }
    tow_buffer_release(&out);
}

/* A table's name as SQL is a table's name again, with the same parts. */
static void try_again(const struct tow_sql_table *table)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};
    struct tow_sql_table again, sibling;

    demand(tow_sql_table(&out, table, &err) == TOW_OK, "a name as SQL");
    demand(tow_buffer_append(&out, "", 1, &err) == TOW_OK, "memory");
    demand(tow_sql_table_parse(&again, out.data, &err) == TOW_OK, "a name that is read again");
    demand(again.count == table->count, "as many parts");
    for (size_t i = 0; i < table->count; i++)
        demand(strcmp(again.parts[i], table->parts[i]) == 0, "the same parts");
    demand(tow_sql_table_sibling(&sibling, table, "__load", &err) == TOW_OK, "a sibling");
    out.size = 0;
    demand(tow_sql_table(&out, &sibling, &err) == TOW_OK, "a sibling as SQL");
    demand(tow_buffer_append(&out, "", 1, &err) == TOW_OK, "memory");
    tow_sql_table_release(&again);
    demand(tow_sql_table_parse(&again, out.data, &err) == TOW_OK, "a sibling with a proper name");
    tow_sql_table_release(&again);
    tow_sql_table_release(&sibling);
    tow_buffer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tow_error err = TOW_ERROR_INIT;
    char *text = malloc(size + 1), *back = malloc(2 * size + 1);
    struct tow_sql_table table;

    if (!text || !back)
        exit(99);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    try_string((const char *)data, size, back);
    try_name(text, back);
    if (tow_sql_table_parse(&table, text, &err) == TOW_OK)
        try_again(&table);
    else
        demand_message(&err);
    tow_sql_table_release(&table);
    free(text);
    free(back);
    return 0;
}
