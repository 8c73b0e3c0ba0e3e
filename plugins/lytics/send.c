#include "plugins/lytics/send.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "towpath/batch.h"

/* Rows at fault that are looked for in one upload. */
#define SEND_BAD_MAX 256
/* So many refused one by one, and not one that is taken: it is not the rows. */
#define SEND_BAD_HOPELESS 3
#define SEND_PART_MAX     64

/* Rows [first, end) of a window's list. */
struct send_range {
    int64_t first, end;
};

/* A window on its way. */
struct send {
    struct tow_import_sender *sender;
    struct tow_import_window *window;
    uint64_t seq;
    int has_taken; /* a dry run of some rows was well */
};

void tow_import_sender_release(struct tow_import_sender *sender)
{
    tow_body_zip_free(sender->zip);
    tow_buffer_release(&sender->body);
    tow_buffer_release(&sender->filename);
    free(sender->bad);
    *sender = (struct tow_import_sender){.options = NULL};
}

/* ---- outcomes ------------------------------------------------------------------------------- */

int tow_import_settle(const struct tow_host *host, uint64_t seq, int64_t first, int64_t count,
                      const char *code, const char *message, struct tow_error *err)
{
    int rc = host->settle(host, seq, first, count, code ? TOW_ROW_REJECTED : TOW_ROW_ACCEPTED, code,
                          message);

    return rc == TOW_OK
               ? TOW_OK
               : tow_error_set(err, rc, "rows %" PRId64 " to %" PRId64 " could not be settled",
                               first, first + count - 1);
}

/* Neighbours are settled together. */
static int send_settle(const struct send *send, struct send_range range, const char *code,
                       const char *message, struct tow_error *err)
{
    const int64_t *rows = send->window->rows;
    int rc = TOW_OK;

    for (int64_t i = range.first, next; i < range.end && rc == TOW_OK; i = next) {
        for (next = i + 1; next < range.end && rows[next] == rows[i] + (next - i);)
            next++;
        rc =
            tow_import_settle(send->sender->host, send->seq, rows[i], next - i, code, message, err);
    }
    return rc;
}

/* ---- one upload ----------------------------------------------------------------------------- */

static int send_name(const struct send *send, int64_t row, struct tow_error *err)
{
    char part[SEND_PART_MAX];

    snprintf(part, sizeof part, "%08" PRIu64 "-%05" PRId64, send->seq, row);
    return tow_import_filename(send->sender->options, send->sender->host, part,
                               &send->sender->filename, err);
}

/* By what the far end says: all of the rows were taken. */
static int send_is_whole(const struct tow_lytics_receipt *receipt, int64_t count)
{
    return receipt->message_count == count && receipt->rejected_count <= 0;
}

/*
 * *is_taken: all rows were, or in a dry run would be. Where they were not, sender->refusal and
 * sender->receipt say what is known. A body that breaks off at an error is a refusal of its rows
 * and no failure of the upload.
 */
static int send_body(struct send *send, const struct tow_buffer *body, struct send_range range,
                     int is_dry, int *is_taken, struct tow_error *err)
{
    struct tow_import_sender *sender = send->sender;
    const struct tow_import_options *options = sender->options;
    struct tow_lytics_upload upload = {
        .stream = options->stream,
        .is_json = options->format == TOW_IMPORT_JSON,
        .is_gzip = options->gzip,
        .timestamp_field = options->timestamp_field && options->timestamp_field[0]
                               ? options->timestamp_field
                               : NULL,
        .append = options->append,
        .is_dry_run = is_dry,
        .drops_errors = options->droperrors && !is_dry,
    };
    int code = send_name(send, send->window->rows[range.first], err);

    if (code == TOW_OK && sender->zip)
        code = tow_body_zip(sender->zip, body->data, body->size, &body, err);
    if (code != TOW_OK)
        return code;
    upload.filename = sender->filename.data;
    upload.body = body->data;
    upload.length = (int64_t)body->size;
    sender->refusal = (struct tow_error)TOW_ERROR_INIT;
    code = tow_lytics_upload(sender->lytics, &upload, &sender->receipt, &sender->refusal);
    *is_taken = code == TOW_OK && send_is_whole(&sender->receipt, range.end - range.first);
    if (code == TOW_OK && sender->receipt.message_count < 0)
        return tow_error_set(err, TOW_E_ENV,
                             "stream %s: the answer to an upload of %" PRId64
                             " rows does not say how many were taken (message_count)",
                             options->stream, range.end - range.first);
    if (code == TOW_OK || code == TOW_E_CONFIG)
        return TOW_OK;
    tow_error_set(err, code, "%s", sender->refusal.message);
    if (err)
        err->retry_after_ms = sender->refusal.retry_after_ms;
    return code;
}

static int send_rows(struct send *send, struct send_range range, int is_dry, int *is_taken,
                     struct tow_error *err)
{
    struct tow_import_sender *sender = send->sender;
    int code = tow_import_body(sender->text, send->window->rows + range.first,
                               range.end - range.first, &sender->body, err);

    return code == TOW_OK ? send_body(send, &sender->body, range, is_dry, is_taken, err) : code;
}

/* ---- which rows ----------------------------------------------------------------------------- */

static int send_add_bad(struct send *send, int64_t place, struct tow_error *err)
{
    struct tow_import_sender *sender = send->sender;
    struct tow_import_bad *bad;

    if (!sender->bad) {
        sender->bad = calloc(SEND_BAD_MAX, sizeof *sender->bad);
        if (!sender->bad)
            return tow_error_nomem(err);
    }
    if (sender->bad_count == SEND_BAD_MAX)
        return tow_error_set(err, TOW_E_CONFIG,
                             "stream %s: more than %d of %" PRId64
                             " rows of one upload are refused, the last one with: %s. Mend the "
                             "data, or make uploads smaller (pipeline.batch_rows)",
                             sender->options->stream, SEND_BAD_MAX, send->window->count,
                             sender->refusal.code ? sender->refusal.message : "rejected_count 1");
    bad = &sender->bad[sender->bad_count++];
    bad->place = place;
    snprintf(bad->why, sizeof bad->why, "%.*s", (int)sizeof bad->why - 1,
             sender->refusal.code ? sender->refusal.message : "");
    bad->why[tow_utf8_prefix(bad->why, strlen(bad->why))] = '\0';
    /* The job is at fault: a name of a stream, of a column, that the far end does not take. */
    if (sender->bad_count >= SEND_BAD_HOPELESS && !send->has_taken && sender->refusal.code)
        return tow_error_set(err, sender->refusal.code, "%s", sender->refusal.message);
    return TOW_OK;
}

/* Looks for rows at fault in a range of which the last dry run has said that it has some. As deep
 * as the range can be halved. */
static int send_find(struct send *send, struct send_range range, struct tow_error *err)
{
    const int64_t middle = range.first + (range.end - range.first) / 2;
    const struct send_range halves[] = {{range.first, middle}, {middle, range.end}};
    int code = TOW_OK;

    if (range.end - range.first == 1)
        return send_add_bad(send, range.first, err);
    for (size_t i = 0; i < 2 && code == TOW_OK; i++) {
        int is_taken;

        code = send_rows(send, halves[i], 1, &is_taken, err);
        send->has_taken |= code == TOW_OK && is_taken;
        if (code == TOW_OK && !is_taken)
            code = send_find(send, halves[i], err);
    }
    return code;
}

/* All that are at fault in a window, into sender->bad. */
static int send_find_all(struct send *send, int is_known, struct tow_error *err)
{
    const struct send_range all = {0, send->window->count};
    int is_taken = 0;
    int code = TOW_OK;

    send->sender->bad_count = 0;
    if (!is_known)
        code = send_rows(send, all, 1, &is_taken, err);
    return code == TOW_OK && !is_taken ? send_find(send, all, err) : code;
}

static int send_reject_bad(const struct send *send, struct tow_error *err)
{
    const struct tow_import_sender *sender = send->sender;
    int code = TOW_OK;

    for (int64_t i = 0; i < sender->bad_count && code == TOW_OK; i++) {
        const struct tow_import_bad *bad = &sender->bad[i];
        const struct send_range one = {bad->place, bad->place + 1};

        code = send_settle(send, one, "refused_by_lytics",
                           bad->why[0] ? bad->why : "a dry run of this row counts it as rejected",
                           err);
    }
    return code;
}

/* Takes the rows at fault out of the window, which are settled. */
static void send_leave_out_bad(struct send *send)
{
    const struct tow_import_sender *sender = send->sender;
    struct tow_import_window *window = send->window;
    int64_t kept = 0, next = 0;

    for (int64_t i = 0; i < window->count; i++) {
        if (next < sender->bad_count && sender->bad[next].place == i)
            next++;
        else
            window->rows[kept++] = window->rows[i];
    }
    window->count = kept;
}

/* ---- the window ----------------------------------------------------------------------------- */

static int send_reject_all(const struct send *send, struct tow_error *err)
{
    const struct tow_import_sender *sender = send->sender;
    const struct send_range all = {0, send->window->count};
    char message[600];

    if (sender->refusal.code)
        snprintf(message, sizeof message, "Lytics refuses an upload with this row: %.500s",
                 sender->refusal.message);
    else
        snprintf(message, sizeof message,
                 "Lytics says that it took %" PRId64 " and rejected %" PRId64 " of %" PRId64
                 " rows, and does not say which, nor does a dry run",
                 sender->receipt.message_count, sender->receipt.rejected_count, all.end);
    return send_settle(send, all, "not_all_taken", message, err);
}

/* The far end has left out the rows at fault, and taken the others. */
static int send_has_dropped(const struct send *send, const struct tow_lytics_receipt *receipt)
{
    const int64_t bad = send->sender->bad_count, count = send->window->count;

    return send->sender->options->droperrors && receipt->rejected_count == bad &&
           (receipt->message_count == count - bad || receipt->message_count == count);
}

/* What is left in the window: it goes once more, or is known to be taken or not. */
static int send_rest(struct send *send, int goes_again, int is_taken, struct tow_error *err)
{
    const struct send_range all = {0, send->window->count};
    int code = goes_again ? send_rows(send, all, 0, &is_taken, err) : TOW_OK;

    if (code != TOW_OK)
        return code;
    return is_taken ? send_settle(send, all, NULL, NULL, err) : send_reject_all(send, err);
}

/* An upload that was not taken as a whole. Rows that were taken with it go again, unless the counts
 * say that they need not. */
static int send_sort_out(struct send *send, struct tow_error *err)
{
    struct tow_import_sender *sender = send->sender;
    const struct tow_lytics_receipt receipt = sender->receipt;
    const struct tow_error refusal = sender->refusal;
    int has_dropped;
    int code = send_find_all(send, 0, err);

    if (code != TOW_OK)
        return code;
    /* What was refused may have been damaged on its way; where counts are off, some of the rows are
     * there, and which is not known. */
    if (sender->bad_count == 0) {
        sender->receipt = receipt;
        sender->refusal = refusal;
        return send_rest(send, refusal.code != TOW_OK, 0, err);
    }
    has_dropped = refusal.code == TOW_OK && send_has_dropped(send, &receipt);
    code = send_reject_bad(send, err);
    send_leave_out_bad(send);
    if (code != TOW_OK || send->window->count == 0)
        return code;
    return send_rest(send, !has_dropped, has_dropped, err);
}

/* Before anything is sent: what a dry run refuses is left out. *has_changed: the window's body does
 * not fit its rows any more. */
static int send_look_first(struct send *send, int *has_changed, struct tow_error *err)
{
    const struct send_range all = {0, send->window->count};
    int is_taken = 0;
    int code = send_body(send, &send->window->body, all, 1, &is_taken, err);

    if (code != TOW_OK || is_taken)
        return code;
    code = send_find_all(send, 1, err);
    if (code == TOW_OK)
        code = send_reject_bad(send, err);
    if (code == TOW_OK)
        send_leave_out_bad(send);
    *has_changed = 1;
    return code;
}

int tow_import_send(struct tow_import_sender *sender, struct tow_import_window *window,
                    uint64_t seq, int *too_large, struct tow_error *err)
{
    struct send send = {.sender = sender, .window = window, .seq = seq};
    struct send_range all;
    int has_changed = 0, is_taken = 0;
    int code = TOW_OK;

    *too_large = 0;
    if (sender->options->dryrun_first)
        code = send_look_first(&send, &has_changed, err);
    all = (struct send_range){0, window->count};
    if (code == TOW_OK && window->count > 0)
        code = has_changed ? send_rows(&send, all, 0, &is_taken, err)
                           : send_body(&send, &window->body, all, 0, &is_taken, err);
    *too_large = code == TOW_E_DATA;
    if (code != TOW_OK || window->count == 0)
        return *too_large ? TOW_OK : code;
    if (is_taken)
        return send_settle(&send, all, NULL, NULL, err);
    code = send_sort_out(&send, err);
    /* No fault of the rows that are open still. */
    if (code == TOW_E_DATA && err)
        err->code = TOW_E_TRANSIENT;
    return code == TOW_E_DATA ? TOW_E_TRANSIENT : code;
}
