/* Whatever DESCRIBE TABLE says of a table, the statements that are made of it keep their form:
 * names, types and texts stay in their places. Input: lines of a name, a tab and a type. */
#include <stdint.h>

#include "fuzz_demand.h"
#include "plugins/databricks_copy/copy_sql.h"
#include "plugins/databricks_copy/token.h"

#define LINES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Behind what is quoted at p. */
static const char *skip_quoted(const char *p)
{
    const char quote = *p;

    for (p++; *p; p++) {
        if (quote == '\'' && *p == '\\' && p[1])
            p++;
        else if (*p == quote && quote == '`' && p[1] == quote)
            p++;
        else if (*p == quote)
            return p + 1;
    }
    demand(0, "quotes that end");
    return p;
}

static void demand_form(struct tow_buffer *text)
{
    struct tow_error err = TOW_ERROR_INIT;
    int depth = 0;

    demand(tow_buffer_append(text, "", 1, &err) == TOW_OK, "memory");
    for (const char *p = text->data; *p;) {
        if (*p == '`' || *p == '\'') {
            p = skip_quoted(p);
            continue;
        }
        depth += (*p == '(') - (*p == ')');
        demand(depth >= 0, "parentheses that close what was opened");
        demand(*p != ';' && strncmp(p, "--", 2) != 0 && strncmp(p, "/*", 2) != 0,
               "one statement without comments");
        p++;
    }
    demand(depth == 0, "parentheses that close");
    text->size = 0;
}

static void try_statements(const struct tow_copy_columns *columns)
{
    static const char *const name = "w0-g1-p00001.csv.gz";
    const struct tow_copy_files files = {
        .uri = "/Volumes/a/b/c/d/", .names = &name, .count = 1, .null_text = "~"};
    struct tow_sql_table table = {.parts = {(char *)"t"}, .count = 1};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer text = {0};

    if (tow_copy_sql_create(&text, &table, columns, "a comment", 1, &err) == TOW_OK)
        demand_form(&text);
    text.size = 0;
    if (tow_copy_sql_copy(&text, &table, columns, &files, 1, &err) == TOW_OK)
        demand_form(&text);
    text.size = 0;
    if (tow_copy_sql_merge(&text, &table, &table, columns, &err) == TOW_OK)
        demand_form(&text);
    tow_buffer_release(&text);
}

static size_t read_lines(char *text, struct tow_described *there)
{
    size_t count = 0;

    while (text && count < LINES_MAX) {
        char *line = strsep(&text, "\n"), *tab = strchr(line, '\t');

        /* Answers are JSON, hence UTF-8. */
        if (!tab || tab == line || !tow_utf8_valid(line, strlen(line)))
            continue;
        *tab = '\0';
        there[count++] = (struct tow_described){line, tab + 1};
    }
    return count;
}

static void try_columns(char *text)
{
    static const struct tow_field fields[] = {{"id", {TOW_TYPE_INT64, 0, 0}, 0},
                                              {"name", {TOW_TYPE_STRING, 0, 0}, 0},
                                              {"single", {TOW_TYPE_FLOAT32, 0, 0}, 0},
                                              {"doc", {TOW_TYPE_JSON, 0, 0}, 0}};
    static const char *const key = "id";
    const struct tow_copy_column_spec spec = {.keys = {&key, 1}};
    struct tow_described there[LINES_MAX];
    const size_t count = read_lines(text, there);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_copy_columns columns;
    struct ArrowSchema schema;

    demand(tow_schema_make(&schema, fields, 4, &err) == TOW_OK, "a schema");
    demand(tow_copy_columns_init(&columns, &schema, &spec, &err) == TOW_OK, "columns");
    if (tow_copy_columns_fit(&columns, "t", there, count, &err) == TOW_OK)
        try_statements(&columns);
    else
        demand_message(&err);
    demand(columns.count == 4 && columns.missing <= 4, "all columns");
    tow_copy_columns_release(&columns);
    schema.release(&schema);
}

static void try_token(const uint8_t *data, size_t size)
{
    struct tow_position position = {.size = sizeof position}, again = {.size = sizeof again};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_copy_token token, same;

    position.length = (uint32_t)(size < TOW_POSITION_MAX ? size : TOW_POSITION_MAX);
    if (position.length)
        memcpy(position.bytes, data, position.length);
    if (tow_copy_token_read(&position, &token, &err) != TOW_OK)
        return;
    tow_copy_token_write(&token, &again);
    demand(tow_copy_token_read(&again, &same, &err) == TOW_OK, "a token that is read again");
    demand(token.rows == same.rows && token.layout == same.layout, "the same token");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (!text)
        exit(99);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    try_token(data, size);
    try_columns(text);
    free(text);
    return 0;
}
