#include "console/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_GAP 2

struct tow_table {
    const struct tow_table_column *columns;
    size_t column_count;
    char **cells; /* row after row */
    size_t count, capacity;
    int failed; /* memory ran out */
};

struct tow_table *tow_table_new(const struct tow_table_column *columns, size_t count)
{
    struct tow_table *table = calloc(1, sizeof *table);

    if (table) {
        table->columns = columns;
        table->column_count = count;
    }
    return table;
}

static void table_append(struct tow_table *table, char *text)
{
    if (table->count == table->capacity) {
        size_t capacity = table->capacity ? 2 * table->capacity : 64;
        char **cells = reallocarray(table->cells, capacity, sizeof *cells);

        if (!cells) {
            table->failed = 1;
            free(text);
            return;
        }
        table->cells = cells;
        table->capacity = capacity;
    }
    table->cells[table->count++] = text;
}

void tow_table_add(struct tow_table *table, const char *format, ...)
{
    char *text = NULL;
    va_list args;

    if (!table || table->failed)
        return;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) {
        table->failed = 1;
        text = NULL;
    }
    va_end(args);
    for (char *p = text; p && *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    if (text)
        table_append(table, text);
}

void tow_table_end_row(struct tow_table *table)
{
    while (table && !table->failed && table->count % table->column_count)
        table_append(table, NULL);
}

/* Characters, as UTF-8 has them; wide ones count as one. */
static int table_width(const char *text)
{
    int width = 0;

    for (; text && *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void table_line(const struct tow_table *table, char *const *cells, const int *widths,
                       FILE *to)
{
    size_t last = table->column_count;
    int owed = 0; /* spaces before the next cell: none are left at a line's end */

    while (last > 0 && !(cells[last - 1] && *cells[last - 1]))
        last--;
    for (size_t i = 0; i < last; i++) {
        const char *cell = cells[i] ? cells[i] : "";
        int fill = widths[i] - table_width(cell);
        int right = table->columns[i].right;

        fprintf(to, "%*s%s", owed + (right ? fill : 0), "", cell);
        owed = TABLE_GAP + (right ? 0 : fill);
    }
    fputc('\n', to);
}

static int table_print(const struct tow_table *table, int indent, FILE *to, struct tow_error *err)
{
    size_t columns = table->column_count;
    int *widths = calloc(columns, sizeof *widths);
    char **heads = calloc(columns, sizeof *heads);
    int headed = 0;

    if (!widths || !heads) {
        free(widths);
        free(heads);
        return tow_error_nomem(err);
    }
    for (size_t i = 0; i < columns; i++) {
        heads[i] = (char *)table->columns[i].head;
        headed |= heads[i] != NULL;
        widths[i] = table_width(heads[i]);
        if (widths[i] < table->columns[i].width)
            widths[i] = table->columns[i].width;
    }
    for (size_t i = 0; i < table->count; i++) {
        int width = table_width(table->cells[i]);

        if (width > widths[i % columns])
            widths[i % columns] = width;
    }
    if (headed) {
        fprintf(to, "%*s", indent, "");
        table_line(table, heads, widths, to);
    }
    for (size_t i = 0; i + columns <= table->count; i += columns) {
        fprintf(to, "%*s", indent, "");
        table_line(table, table->cells + i, widths, to);
    }
    free(widths);
    free(heads);
    return TOW_OK;
}

int tow_table_print(struct tow_table *table, int indent, FILE *to, struct tow_error *err)
{
    if (!table)
        return tow_error_nomem(err);
    tow_table_end_row(table);
    int rc = table->failed ? tow_error_nomem(err) : table_print(table, indent, to, err);
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->cells);
    free(table);
    return rc;
}
