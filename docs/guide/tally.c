/* tally - a small sink: counts rows and nulls by column, and writes the count to a file. */
#include <towpath/batch.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tally {
    const char *path; /* options */
    int64_t max_rows;
    const struct tow_host *host;
    struct tow_cursor cursor;
    int64_t rows;   /* so far in this load */
    int64_t *nulls; /* by column */
};

static const struct tow_option options[] = {
    TOW_OPT_PATH("path", TOW_OPTION_REQUIRED, struct tally, path, "file that the count is put in"),
    TOW_OPT_INT("max_rows", struct tally, max_rows, "1000000", 1, INT64_MAX,
                "rows beyond this number are rejected"),
    TOW_OPTIONS_END,
};

/* The token holds rows and nulls as of the last flush. */
static int32_t tally_open(void *self, const struct tow_host *host, const struct tow_position *token,
                          struct tow_error *err)
{
    struct tally *tally = self;

    tally->host = host;
    tally->nulls = calloc(TOW_POSITION_MAX / sizeof(int64_t), sizeof(int64_t));
    if (!tally->nulls)
        return tow_error_nomem(err);
    if (token->length >= sizeof tally->rows) {
        memcpy(&tally->rows, token->bytes, sizeof tally->rows);
        memcpy(tally->nulls, token->bytes + sizeof tally->rows, token->length - sizeof tally->rows);
    }
    return TOW_OK;
}

static int32_t tally_begin(void *self, const struct tow_host *host,
                           const struct ArrowSchema *schema, struct tow_error *err)
{
    struct tally *tally = self;

    if (schema->n_children >= TOW_POSITION_MAX / 8)
        return tow_error_set(err, TOW_E_UNSUPPORTED, "%lld columns; at most %d can be counted",
                             (long long)schema->n_children, TOW_POSITION_MAX / 8 - 1);
    return host ? tow_cursor_init(&tally->cursor, schema, err) : TOW_OK;
}

static int32_t tally_write(void *self, const struct tow_rows *rows, struct tow_error *err)
{
    struct tally *tally = self;
    const struct tow_host *host = tally->host;
    struct tow_cursor *cursor = &tally->cursor;

    (void)err;
    tow_cursor_batch(cursor, rows->array);
    while (tow_cursor_next(cursor)) {
        if (tally->rows >= tally->max_rows) {
            host->settle(host, rows->seq, cursor->row, 1, TOW_ROW_REJECTED, "too_many",
                         "max_rows is reached");
            continue;
        }
        tally->rows++;
        for (int64_t i = 0; i < cursor->column_count; i++)
            tally->nulls[i] += tow_view_is_null(&cursor->columns[i], cursor->row);
    }
    return TOW_OK; /* rows that were not settled count as accepted */
}

static int32_t tally_flush(void *self, struct tow_position *token, struct tow_error *err)
{
    struct tally *tally = self;
    size_t nulls = (size_t)tally->cursor.column_count * sizeof *tally->nulls;

    (void)err;
    memcpy(token->bytes, &tally->rows, sizeof tally->rows);
    memcpy(token->bytes + sizeof tally->rows, tally->nulls, nulls);
    token->length = (uint32_t)(sizeof tally->rows + nulls);
    return TOW_OK;
}

/* Readers see the old count or the new one: written beside, then renamed. */
static int32_t tally_finish(void *self, struct tow_error *err)
{
    struct tally *tally = self;
    char *beside = malloc(strlen(tally->path) + sizeof ".new");
    int failed = beside == NULL;

    if (failed)
        return tow_error_nomem(err);
    sprintf(beside, "%s.new", tally->path);
    FILE *file = fopen(beside, "w");
    failed = !file || fprintf(file, "rows %lld\n", (long long)tally->rows) < 0;
    for (int64_t i = 0; !failed && i < tally->cursor.column_count; i++)
        failed = fprintf(file, "nulls in column %lld: %lld\n", (long long)i + 1,
                         (long long)tally->nulls[i]) < 0;
    failed = (file && fclose(file)) || failed || rename(beside, tally->path);
    free(beside);
    return failed ? tow_error_errno(err, TOW_E_ENV, errno, "writing %s", tally->path) : TOW_OK;
}

static void tally_close(void *self)
{
    struct tally *tally = self;

    tow_cursor_release(&tally->cursor);
    free(tally->nulls);
}

TOW_SINK_PLUGIN(tally, "1.0", "counts rows and nulls", struct tally, options,
                TOW_SINK_OFFLINE_BEGIN, NULL, tally_open, tally_begin, tally_write, tally_flush,
                tally_finish, tally_close)
