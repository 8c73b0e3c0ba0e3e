#include "plugins/databricks/options.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "connectors/databricks/sql.h"
#include "plugins/databricks/fragment.h"
#include "plugins/databricks/key.h"

/* A position has 4 KiB, and values to hold. */
#define OPTIONS_NAMES_MAX 1000

static int options_check_target(const struct tow_scan_options *options, struct tow_error *err)
{
    struct tow_sql_table table = {0};
    int code;

    if (options->table && options->query)
        return tow_error_set(err, TOW_E_CONFIG,
                             "table and query are both set; one says what to "
                             "read");
    if (!options->table && !options->query)
        return tow_error_set(err, TOW_E_CONFIG,
                             "what to read is not said: set table = \"catalog.schema.table\", or "
                             "query");
    if (options->location && (options->query || !options->location[0]))
        return tow_error_set(err, TOW_E_CONFIG,
                             "location is where the files of a table lie that `towpath setup` "
                             "creates; %s",
                             options->query ? "a query has none" : "it is empty");
    if (options->query)
        return tow_fragment_check("query", options->query, err);
    code = tow_sql_table_parse(&table, options->table, err);
    tow_sql_table_release(&table);
    return code;
}

/* Names of columns as they come from the job: there, and each once. */
static int options_check_names(const char *option, struct tow_strings names, struct tow_error *err)
{
    for (uint64_t i = 0; i < names.count; i++) {
        if (names.items[i][0] == '\0')
            return tow_error_set(err, TOW_E_CONFIG, "%s: name %" PRIu64 " is empty", option, i + 1);
        for (uint64_t j = 0; j < i; j++)
            if (strcasecmp(names.items[i], names.items[j]) == 0)
                return tow_error_set(err, TOW_E_CONFIG, "%s: \"%s\" is there twice", option,
                                     names.items[i]);
    }
    return TOW_OK;
}

static int options_check_key(const struct tow_scan_options *options, struct tow_error *err)
{
    size_t names = 0;
    int code = options_check_names("columns", options->columns, err);

    if (code == TOW_OK)
        code = options_check_names("tie_break", options->tie_break, err);
    if (code != TOW_OK)
        return code;
    if (options->cursor && options->cursor[0] == '\0')
        return tow_error_set(err, TOW_E_CONFIG, "cursor is empty");
    for (uint64_t i = 0; options->cursor && i < options->tie_break.count; i++)
        if (strcasecmp(options->cursor, options->tie_break.items[i]) == 0)
            return tow_error_set(err, TOW_E_CONFIG,
                                 "tie_break: \"%s\" is the cursor itself, which breaks no ties",
                                 options->cursor);
    if (tow_scan_key_count(options) > TOW_KEYS_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "cursor and tie_break are %zu columns, at most %d",
                             tow_scan_key_count(options), TOW_KEYS_MAX);
    for (size_t i = 0; i < tow_scan_key_count(options); i++)
        names += strlen(tow_scan_key_name(options, i));
    if (names > OPTIONS_NAMES_MAX)
        return tow_error_set(
            err, TOW_E_CONFIG,
            "the names in cursor and tie_break have %zu bytes; %d can be kept with "
            "the place where a run ended",
            names, OPTIONS_NAMES_MAX);
    return TOW_OK;
}

/* Options that say something about the cursor. */
static int options_check_cursor(const struct tow_scan_options *options, struct tow_error *err)
{
    const struct {
        const char *name;
        int is_set;
    } needs[] = {{"since", options->since != NULL},
                 {"lag", options->lag != 0},
                 {"overlap", options->overlap != 0},
                 {"null_cursor", options->null_cursor != TOW_SCAN_NULLS_FIRST}};

    for (size_t i = 0; !options->cursor && i < sizeof needs / sizeof *needs; i++)
        if (needs[i].is_set)
            return tow_error_set(err, TOW_E_CONFIG,
                                 "%s needs a cursor: set cursor to the column "
                                 "that tells what is new",
                                 needs[i].name);
    if (options->cursor && options->limit > 0 && options->tie_break.count == 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "limit with cursor needs tie_break: the next run goes on behind the "
                             "last row, also where others have the same \"%s\"",
                             options->cursor);
    return options->since ? tow_key_since_check(options->since, err) : TOW_OK;
}

static int options_check_snapshot(const struct tow_scan_options *options, struct tow_error *err)
{
    if (options->query && options->snapshot == TOW_SCAN_SNAPSHOT_PINNED)
        return tow_error_set(err, TOW_E_CONFIG,
                             "snapshot = \"pinned\" needs a table; in a query write VERSION AS OF "
                             "behind the table's name");
    return TOW_OK;
}

int tow_scan_options_check(const struct tow_scan_options *options, struct tow_error *err)
{
    int code = options_check_target(options, err);

    if (code == TOW_OK && options->where)
        code = tow_fragment_check("where", options->where, err);
    if (code == TOW_OK)
        code = options_check_key(options, err);
    if (code == TOW_OK)
        code = options_check_cursor(options, err);
    if (code == TOW_OK)
        code = options_check_snapshot(options, err);
    return code;
}
