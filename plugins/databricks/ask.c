/* Small statements: which columns, which version. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/databricks/scan.h"

/* ---- statements ----------------------------------------------------------------------------- */

static void ask_waiting(void *context, const char *state)
{
    const struct tow_scan *scan = context;

    tow_log(scan->host, TOW_LOG_INFO, "waiting for the warehouse, which is %s", state);
}

struct tow_statement_request tow_scan_request(struct tow_scan *scan, const char *what,
                                              const struct tow_query *query)
{
    return (struct tow_statement_request){.what = what,
                                          .text = query->text.data,
                                          .parameters = query->parameters,
                                          .parameter_count = query->parameter_count,
                                          .catalog = scan->options.catalog,
                                          .schema = scan->options.schema,
                                          .result = TOW_STATEMENT_INLINE,
                                          .repeatable = 1,
                                          .start_budget_ms = scan->options.start_timeout,
                                          .run_budget_ms = scan->options.query_timeout,
                                          .waiting = ask_waiting,
                                          .context = scan};
}

/* Runs a small statement: "<doing> <what is read>" in messages. */
int tow_scan_run(struct tow_scan *scan, const char *doing, const struct tow_query *query,
                 struct tow_statement *out, struct tow_error *err)
{
    struct tow_statement_request request;
    char what[320];

    snprintf(what, sizeof what, "%s %.256s", doing, tow_scan_what(&scan->options));
    request = tow_scan_request(scan, what, query);
    return tow_statement_run(scan->client, &request, out, err);
}

/* ---- the version ---------------------------------------------------------------------------- */

/* A class that says something of the statement, and not of the moment. */
static int ask_is_refusal(int code)
{
    return code == TOW_E_AUTH || code == TOW_E_CONFIG || code == TOW_E_UNSUPPORTED ||
           code == TOW_E_ENV || code == TOW_E_DATA;
}

static int ask_read_version(struct tow_scan *scan, struct tow_statement *statement,
                            struct tow_error *err)
{
    char *text = tow_statement_text(scan->client, statement, "version", err);
    int64_t version;
    int code = err->code;

    if (!text && code == TOW_OK)
        code = tow_error_set(err, TOW_E_ENV, "DESCRIBE HISTORY tells no version");
    if (text && (tow_parse_int64(text, strlen(text), &version) != TOW_PARSE_OK || version < 0))
        code = tow_error_set(err, TOW_E_ENV, "DESCRIBE HISTORY tells version \"%.40s\"", text);
    if (code == TOW_OK)
        scan->version = version;
    free(text);
    return code;
}

int tow_scan_find_version(struct tow_scan *scan, struct tow_error *err)
{
    const struct tow_query_source source = tow_scan_source(scan);
    struct tow_statement statement = {.columns = NULL};
    struct tow_query query = {.parameter_count = 0};
    int code = tow_query_version(&query, &source, err);

    scan->version = -1;
    if (code == TOW_OK)
        code = tow_scan_run(scan, "looking for the version of", &query, &statement, err);
    if (code == TOW_OK)
        code = ask_read_version(scan, &statement, err);
    tow_statement_release(&statement);
    tow_query_release(&query);
    if (code == TOW_OK || !ask_is_refusal(code))
        return code;
    if (scan->options.snapshot == TOW_SCAN_SNAPSHOT_PINNED)
        return tow_error_prefix(err, "snapshot = \"pinned\"");
    tow_log(scan->host, TOW_LOG_INFO, "%s is read without a pinned version: %s",
            scan->options.table, err->message);
    tow_error_set(err, TOW_OK, "%s", "");
    return TOW_OK;
}

int tow_scan_version_is_gone(const struct tow_scan *scan, const struct tow_statement *failed,
                             int code)
{
    static const char *const classes[] = {"TIME_TRAVEL",
                                          "VERSION_NOT",
                                          "DELTA_FILE_NOT_FOUND",
                                          "FAILED_READ_FILE",
                                          "DELTA_CANNOT_FIND_VERSION",
                                          "DELTA_VERSION"};

    if (scan->version < 0 || !ask_is_refusal(code))
        return 0;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strstr(failed->error_class, classes[i]))
            return 1;
    return 0;
}

int tow_scan_leave_version(struct tow_scan *scan, struct tow_error *err)
{
    const int64_t version = scan->version;
    int code;

    if (scan->options.snapshot == TOW_SCAN_SNAPSHOT_PINNED || !tow_scan_key_count(&scan->options))
        return tow_error_prefix(err,
                                "the stopped load read version %" PRId64
                                ", which is no longer kept; start it anew with `towpath run "
                                "--full`",
                                version);
    code = tow_scan_find_version(scan, err);
    if (code != TOW_OK)
        return code;
    scan->is_unbound = 1;
    tow_log(scan->host, TOW_LOG_WARN,
            "version %" PRId64 " of %s, which the stopped load read, is no longer "
            "kept: going on behind its last row in what the table is now",
            version, tow_scan_what(&scan->options));
    return TOW_OK;
}

/* ---- columns -------------------------------------------------------------------------------- */

static int ask_columns(struct tow_scan *scan, struct tow_statement *statement,
                       struct tow_error *err)
{
    const struct tow_query_source source = tow_scan_source(scan);
    struct tow_query query = {.parameter_count = 0};
    int code = tow_query_columns(&query, &source, err);

    if (code == TOW_OK)
        code = tow_scan_run(scan, "opening", &query, statement, err);
    tow_query_release(&query);
    return code;
}

int tow_scan_find_columns(struct tow_scan *scan, struct tow_error *err)
{
    struct tow_statement statement = {.columns = NULL};
    int code = ask_columns(scan, &statement, err);

    if (code != TOW_OK && tow_scan_version_is_gone(scan, &statement, code)) {
        tow_statement_release(&statement);
        code = tow_scan_leave_version(scan, err);
        if (code == TOW_OK)
            code = ask_columns(scan, &statement, err);
    }
    if (code == TOW_OK)
        code = tow_scan_columns_init(&scan->columns, &scan->options, statement.columns,
                                     statement.column_count, err);
    tow_statement_release(&statement);
    /* The rows that failed are none of ours. */
    if (code == TOW_E_DATA)
        err->code = code = TOW_E_ENV;
    return code;
}
