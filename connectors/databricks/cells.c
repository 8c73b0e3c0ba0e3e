/*
 * The rows of an inline result: arrays of texts and nulls (Databricks REST API reference, Statement
 * Execution, JSON_ARRAY), chunk after chunk, each walked over as it came.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "connectors/databricks/statement_priv.h"
#include "towpath/value.h"

#define CELLS_PATH_MAX 256

struct tow_cells {
    struct tow_databricks *databricks;
    struct tow_statement *statement;
    struct tow_buffer body; /* of the chunk at hand; empty for the first, which the statement has */
    struct tow_json_scan rows;
    int has_rows;           /* rows stands in a chunk */
    int64_t chunk;          /* the one at hand */
    int64_t next;           /* the one behind it; -1: none */
    int64_t row;            /* rows handed out */
    struct tow_buffer text; /* of the row at hand */
    size_t *starts, *lengths;
    const char **texts;
};

/* ---- chunks ---------------------------------------------------------------------------------- */

/* Starts on the rows of a `result` object. */
static int cells_enter(struct tow_cells *cells, struct tow_json_part result, struct tow_error *err)
{
    struct tow_json_part rows;
    json_t *rest;
    int code = tow_json_object_without(result, "\"data_array\"", &rest, &rows, err);

    if (code != TOW_OK)
        return code;
    cells->next = tow_databricks_json_int(rest, "next_chunk_index", -1);
    json_decref(rest);
    cells->has_rows = rows.length > 0 && tow_json_scan_array(&cells->rows, rows);
    if (rows.length > 0 && !cells->has_rows && !tow_json_part_is(rows, "null"))
        return tow_error_set(err, TOW_E_ENV, "chunk %" PRId64 " has a data_array that is no array",
                             cells->chunk);
    if (cells->next >= 0 && cells->next <= cells->chunk)
        return tow_error_set(err, TOW_E_ENV,
                             "chunk %" PRId64 " is followed by chunk %" PRId64 ", as the server "
                             "says",
                             cells->chunk, cells->next);
    return TOW_OK;
}

/* The `result` object of the answer that the statement keeps. */
static int cells_enter_first(struct tow_cells *cells, struct tow_error *err)
{
    const struct tow_buffer *body = &cells->statement->body;
    struct tow_json_part key, value;
    struct tow_json_scan scan;

    cells->next = -1;
    if (body->size == 0 ||
        !tow_json_scan_object(&scan, (struct tow_json_part){body->data, body->size}))
        return TOW_OK;
    while (tow_json_scan_member(&scan, &key, &value))
        if (tow_json_part_is(key, "\"result\"") && value.text[0] == '{')
            return cells_enter(cells, value, err);
    return TOW_OK;
}

static int cells_fetch(struct tow_cells *cells, struct tow_error *err)
{
    char path[CELLS_PATH_MAX], what[64];
    struct tow_databricks_call call = {
        .what = what, .method = "GET", .path = path, .limit = TOW_STATEMENT_LIMIT};
    struct tow_http_response response;
    int64_t before = cells->chunk;
    int code;

    snprintf(what, sizeof what, "fetching chunk %" PRId64 " of the result", cells->next);
    snprintf(path, sizeof path, TOW_STATEMENT_PATH "/%s/result/chunks/%" PRId64,
             cells->statement->id, cells->next);
    code = tow_databricks_call(cells->databricks, &call, &response, err);
    if (response.status == 404)
        code = tow_databricks_hint(err, TOW_E_ENV, "a result is kept for an hour: run it again");
    if (code == TOW_OK)
        code = tow_databricks_check_page(cells->databricks, &call, &response, err);
    if (code == TOW_OK &&
        !tow_json_valid(response.body.data, response.body.size, TOW_STATEMENT_DEPTH))
        code = tow_error_set(err, TOW_E_ENV, "%s: the answer is no JSON", what);
    if (code == TOW_OK) {
        tow_buffer_release(&cells->body);
        cells->body = response.body;
        response.body = (struct tow_buffer){NULL, 0, 0};
        cells->chunk = cells->next;
        code = cells_enter(cells, (struct tow_json_part){cells->body.data, cells->body.size}, err);
        /* Asked again, it is fetched again. */
        if (code != TOW_OK) {
            cells->next = cells->chunk;
            cells->chunk = before;
        }
    }
    tow_http_response_release(&response);
    return code;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static int cells_take(struct tow_cells *cells, struct tow_json_part value, size_t column,
                      struct tow_error *err)
{
    struct tow_buffer *text = &cells->text;
    int code;

    cells->starts[column] = text->size;
    cells->texts[column] = NULL;
    cells->lengths[column] = 0;
    if (tow_json_part_is(value, "null"))
        return TOW_OK;
    if (value.text[0] == '"')
        code = tow_json_unescape(text, value, err);
    else
        code = tow_buffer_append(text, value.text, value.length, err);
    if (code == TOW_E_DATA)
        return tow_error_prefix(err, "row %" PRId64 " of the result, column %s", cells->row + 1,
                                cells->statement->columns[column].name);
    if (code != TOW_OK)
        return code;
    cells->lengths[column] = text->size - cells->starts[column];
    cells->texts[column] = "";
    return tow_buffer_append(text, "", 1, err);
}

static int cells_read_row(struct tow_cells *cells, struct tow_json_part row, struct tow_error *err)
{
    size_t count = cells->statement->column_count, column = 0;
    struct tow_json_part value;
    struct tow_json_scan scan;

    cells->text.size = 0;
    if (!tow_json_scan_array(&scan, row))
        return tow_error_set(err, TOW_E_ENV, "row %" PRId64 " of the result is no array",
                             cells->row + 1);
    for (; tow_json_scan_item(&scan, &value); column++) {
        int code = column < count ? cells_take(cells, value, column, err) : TOW_OK;

        if (code != TOW_OK)
            return code;
    }
    if (column != count)
        return tow_error_set(err, TOW_E_ENV,
                             "row %" PRId64 " of the result has %zu cells, the result %zu columns",
                             cells->row + 1, column, count);
    /* The text stands still from here on. */
    for (column = 0; column < count; column++)
        if (cells->texts[column])
            cells->texts[column] = cells->text.data + cells->starts[column];
    return TOW_OK;
}

static int cells_end(const struct tow_cells *cells, struct tow_error *err)
{
    if (cells->row != cells->statement->rows)
        return tow_error_set(err, TOW_E_ENV,
                             "%" PRId64 " rows of the result have come, its manifest says %" PRId64,
                             cells->row, cells->statement->rows);
    return TOW_END;
}

int tow_cells_next(struct tow_cells *cells, const char *const **texts, const size_t **lengths,
                   struct tow_error *err)
{
    struct tow_json_part row;
    int code;

    while (!cells->has_rows || !tow_json_scan_item(&cells->rows, &row)) {
        cells->has_rows = 0;
        if (cells->next < 0)
            return cells_end(cells, err);
        code = cells_fetch(cells, err);
        if (code != TOW_OK)
            return code;
    }
    code = cells_read_row(cells, row, err);
    if (code != TOW_OK)
        return code;
    cells->row++;
    *texts = cells->texts;
    *lengths = cells->lengths;
    return TOW_OK;
}

struct tow_cells *tow_cells_new(struct tow_databricks *databricks, struct tow_statement *statement,
                                struct tow_error *err)
{
    struct tow_cells *cells = calloc(1, sizeof *cells);
    size_t count = statement->column_count;

    if (!cells) {
        tow_error_nomem(err);
        return NULL;
    }
    cells->databricks = databricks;
    cells->statement = statement;
    cells->starts = calloc(count + 1, sizeof *cells->starts);
    cells->lengths = calloc(count + 1, sizeof *cells->lengths);
    cells->texts = calloc(count + 1, sizeof *cells->texts);
    if (!cells->starts || !cells->lengths || !cells->texts)
        tow_error_nomem(err);
    else if (cells_enter_first(cells, err) == TOW_OK)
        return cells;
    tow_cells_free(cells);
    return NULL;
}

void tow_cells_free(struct tow_cells *cells)
{
    if (!cells)
        return;
    tow_buffer_release(&cells->body);
    tow_buffer_release(&cells->text);
    free(cells->starts);
    free(cells->lengths);
    free(cells->texts);
    free(cells);
}

char *tow_statement_text(struct tow_databricks *databricks, struct tow_statement *statement,
                         const char *column, struct tow_error *err)
{
    const char *const *texts;
    const size_t *lengths;
    struct tow_cells *cells;
    char *text = NULL;
    size_t i = 0;
    int code;

    tow_error_set(err, TOW_OK, "%s", "");
    while (i < statement->column_count && strcasecmp(statement->columns[i].name, column) != 0)
        i++;
    if (i == statement->column_count)
        return NULL;
    cells = tow_cells_new(databricks, statement, err);
    if (!cells)
        return NULL;
    code = tow_cells_next(cells, &texts, &lengths, err);
    if (code == TOW_OK && texts[i]) {
        text = strndup(texts[i], lengths[i]);
        if (!text)
            tow_error_nomem(err);
    }
    tow_cells_free(cells);
    return text;
}
