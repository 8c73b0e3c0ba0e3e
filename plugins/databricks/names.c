/* What the source can say of itself: the parts of its table's name, and its cursor. */
#include <stdlib.h>
#include <string.h>

#include "plugins/databricks/scan.h"

/* What a name that is not written out stands for: of the session, by the far end's word. */
static int names_ask(struct tow_scan *scan, const char *column, char **word, struct tow_error *err)
{
    struct tow_statement statement = {.columns = NULL};
    struct tow_query query = {.parameter_count = 0};
    int code = tow_query_place(&query, err);

    if (code == TOW_OK)
        code = tow_scan_run(scan, "asking for the catalog and schema of", &query, &statement, err);
    if (code == TOW_OK) {
        *word = tow_statement_text(scan->client, &statement, column, err);
        code = *word ? TOW_OK : err->code;
    }
    if (code == TOW_OK && !*word)
        code =
            tow_error_set(err, TOW_E_ENV, "the workspace does not say which %s it is in", column);
    tow_statement_release(&statement);
    tow_query_release(&query);
    return code;
}

/* Part `back` of the table's name, counted from its end; NULL where it is not written out. */
static const char *names_part(const struct tow_scan *scan, size_t back)
{
    return scan->table.count > back ? scan->table.parts[scan->table.count - 1 - back] : NULL;
}

int tow_scan_name(struct tow_scan *scan, const char *name, char **word, struct tow_error *err)
{
    const struct tow_scan_options *options = &scan->options;
    const char *known = NULL;
    int is_place = 0;

    *word = NULL;
    if (strcmp(name, "cursor") == 0) {
        known = options->cursor;
        if (!known)
            return tow_error_set(err, TOW_E_UNSUPPORTED, "the source has no cursor");
    } else if (!options->table) {
        return tow_error_set(err, TOW_E_UNSUPPORTED, "the source reads a query, and no table");
    } else if (strcmp(name, "table") == 0) {
        known = names_part(scan, 0);
    } else {
        const int is_schema = strcmp(name, "schema") == 0;

        known = names_part(scan, is_schema ? 1 : 2);
        if (!known)
            known = is_schema ? options->schema : options->catalog;
        is_place = !known || !known[0];
    }
    if (is_place)
        return names_ask(scan, name, word, err);
    *word = strdup(known);
    return *word ? TOW_OK : tow_error_nomem(err);
}
