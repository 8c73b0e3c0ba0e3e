#include "connectors/databricks/describe.h"

#include <stdlib.h>
#include <string.h>

static int describe_add(struct tow_description *out, const char *name, const char *sql_type,
                        struct tow_error *err)
{
    struct tow_described *item;

    if (out->count == out->capacity) {
        size_t capacity = out->capacity ? out->capacity * 2 : 32;
        void *items = reallocarray(out->items, capacity, sizeof *out->items);

        if (!items)
            return tow_error_nomem(err);
        out->items = items;
        out->capacity = capacity;
    }
    item = &out->items[out->count++];
    *item = (struct tow_described){strdup(name), strdup(sql_type)};
    return item->name && item->sql_type ? TOW_OK : tow_error_nomem(err);
}

/* Columns come first; behind an empty name, or one with '#', come partitions and the like. */
int tow_description_read(struct tow_databricks *databricks, struct tow_statement *statement,
                         struct tow_description *out, struct tow_error *err)
{
    struct tow_cells *cells = tow_cells_new(databricks, statement, err);
    const char *const *texts;
    const size_t *lengths;
    int code = cells ? TOW_OK : err->code;

    if (code == TOW_OK && statement->column_count < 2)
        code = tow_error_set(err, TOW_E_ENV,
                             "DESCRIBE TABLE answered with %zu columns, expected col_name and "
                             "data_type",
                             statement->column_count);
    while (code == TOW_OK && (code = tow_cells_next(cells, &texts, &lengths, err)) == TOW_OK) {
        if (!texts[0] || !texts[0][0] || texts[0][0] == '#')
            break;
        code = describe_add(out, texts[0], texts[1] ? texts[1] : "", err);
    }
    if (cells)
        tow_cells_free(cells);
    return code == TOW_END ? TOW_OK : code;
}

void tow_description_release(struct tow_description *description)
{
    for (size_t i = 0; i < description->count; i++) {
        free(description->items[i].name);
        free(description->items[i].sql_type);
    }
    free(description->items);
    *description = (struct tow_description){.count = 0};
}

int tow_statement_lacks_table(const struct tow_statement *failed)
{
    return strcmp(failed->error_class, "TABLE_OR_VIEW_NOT_FOUND") == 0;
}
