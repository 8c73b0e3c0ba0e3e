/*
 * The sink `lytics`: rows into a stream of Lytics, by its bulk collect API.
 *
 * A batch is sent as one upload, or as several where it is large, one after the other; several at
 * once come from several instances. What an answer says of rows is settled before the next upload
 * goes out, so that rows only go again where no answer said what became of them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugins/lytics/send.h"

#define IMPORT_WORKERS 2 /* one compresses while the other waits for its answer */

struct import_sink {
    struct tow_import_options options;
    const struct tow_host *host;
    struct tow_lytics *lytics;
    struct tow_import_text *text;
    struct tow_import_window window;
    struct tow_import_bounds bounds; /* body shrinks where the far end takes less */
    struct tow_import_sender sender;
};

/* A batch on its way. */
struct import_batch {
    struct import_sink *sink;
    uint64_t seq;
    int64_t length;
    int64_t row;    /* the next one to send */
    int64_t vetted; /* rows before this one that cannot go are settled */
};

static const struct tow_option import_options[] = {
    TOW_IMPORT_OPTIONS(struct import_sink, options),
    TOW_OPTIONS_END,
};

/* ---- check, open, begin --------------------------------------------------------------------- */

static int32_t import_check(void *self, const struct tow_host *host, struct tow_error *err)
{
    const struct import_sink *sink = self;

    (void)host;
    return tow_import_options_check(&sink->options, err);
}

static int32_t import_open(void *self, const struct tow_host *host,
                           const struct tow_position *token, struct tow_error *err)
{
    struct import_sink *sink = self;
    const struct tow_lytics_settings settings =
        tow_lytics_options_settings(&sink->options.lytics, host->cancel_fd(host));
    int code = tow_import_options_check(&sink->options, err);

    (void)token; /* nothing needs undoing: what was sent was settled */
    sink->host = host;
    sink->bounds =
        (struct tow_import_bounds){(size_t)sink->options.max_bytes, (size_t)sink->options.max_bytes,
                                   (size_t)sink->options.record_max_bytes};
    if (code != TOW_OK)
        return code;
    sink->lytics = tow_lytics_new(&settings, err);
    if (!sink->lytics)
        return err->code;
    if (!sink->options.gzip)
        return TOW_OK;
    sink->sender.zip = tow_body_zip_new(err);
    return sink->sender.zip ? TOW_OK : err->code;
}

static int32_t import_begin(void *self, const struct tow_host *host,
                            const struct ArrowSchema *schema, struct tow_error *err)
{
    struct import_sink *sink = self;
    const struct tow_import_text_spec spec = {sink->options.format, sink->options.nested,
                                              sink->options.binary, sink->options.omit_empty};
    /* Offline the word of a default stands for itself: which column it names is not known. */
    const int is_known = host || strcmp(sink->options.timestamp_field, "cursor") != 0;
    int code = is_known ? tow_import_options_fit(&sink->options, schema, err) : TOW_OK;

    if (code != TOW_OK)
        return code;
    sink->text = tow_import_text_new(schema, &spec, err);
    if (!sink->text)
        return err->code;
    sink->sender.options = &sink->options;
    sink->sender.host = host;
    sink->sender.lytics = sink->lytics;
    sink->sender.text = sink->text;
    return TOW_OK;
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* Called again for the rows of a window that has to be made smaller. */
static int import_refuse(void *context, int64_t row, const char *code, const char *message,
                         struct tow_error *err)
{
    struct import_batch *batch = context;

    if (row < batch->vetted)
        return TOW_OK;
    batch->vetted = row + 1;
    return tow_import_settle(batch->sink->host, batch->seq, row, 1, code, message, err);
}

/* The far end takes no upload of that size: goes back to the window's first row, to fill a smaller
 * one. A single row is refused. */
static int import_shrink(struct import_batch *batch, struct tow_error *err)
{
    struct import_sink *sink = batch->sink;
    const size_t bytes = sink->window.body.size;
    char message[200];

    if (sink->window.count == 1) {
        snprintf(message, sizeof message,
                 "an upload of this row alone has %zu bytes, which is too large for the far end",
                 bytes);
        return tow_import_settle(sink->host, batch->seq, sink->window.rows[0], 1,
                                 "record_too_large", message, err);
    }
    sink->bounds.body = bytes / 2;
    batch->row = sink->window.rows[0];
    tow_log(sink->host, TOW_LOG_WARN,
            "lytics: an upload of %zu bytes is too large for the far end; from now on they have "
            "%zu at most: set max_bytes",
            bytes, sink->bounds.body);
    return TOW_OK;
}

static int import_send(struct import_batch *batch, struct tow_error *err)
{
    struct import_sink *sink = batch->sink;
    int too_large;
    int code = tow_import_send(&sink->sender, &sink->window, batch->seq, &too_large, err);

    return code == TOW_OK && too_large ? import_shrink(batch, err) : code;
}

/* What an answer said is saved before the next upload, save the last one's: that is saved by the
 * end of the write. */
static int import_keep(const struct import_batch *batch, struct tow_error *err)
{
    const struct tow_host *host = batch->sink->host;
    int code = batch->row < batch->length ? host->keep(host, batch->seq) : TOW_OK;

    return code == TOW_OK ? TOW_OK : tow_error_set(err, code, "settled rows could not be saved");
}

static int32_t import_write(void *self, const struct tow_rows *rows, struct tow_error *err)
{
    struct import_sink *sink = self;
    struct import_batch batch = {.sink = sink, .seq = rows->seq, .length = rows->array->length};
    const struct tow_import_refuser refuser = {import_refuse, &batch};
    int code = tow_import_text_batch(sink->text, rows->array, err);

    while (code == TOW_OK && batch.row < batch.length) {
        code = tow_import_window_fill(&sink->window, sink->text, &batch.row, batch.length,
                                      &sink->bounds, &refuser, err);
        if (code == TOW_OK && sink->window.count > 0)
            code = import_send(&batch, err);
        if (code == TOW_OK)
            code = import_keep(&batch, err);
    }
    return code;
}

/* Rows are settled by answers: none is waiting for a flush. */
static int32_t import_flush(void *self, struct tow_position *token, struct tow_error *err)
{
    (void)self;
    (void)token;
    (void)err;
    return TOW_OK;
}

static void import_close(void *self)
{
    struct import_sink *sink = self;

    tow_lytics_free(sink->lytics);
    sink->lytics = NULL;
    tow_import_text_free(sink->text);
    sink->text = NULL;
    tow_import_window_release(&sink->window);
    tow_import_sender_release(&sink->sender);
}

TOW_SINK_PLUGIN(lytics, "1.0", "a stream of Lytics, by its bulk collect API", struct import_sink,
                import_options, TOW_SINK_PARALLEL | TOW_SINK_OFFLINE_BEGIN | TOW_SINK_FINAL,
                import_check, import_open, import_begin, import_write, import_flush,
                .close = import_close, .workers = IMPORT_WORKERS, .words = "job|load|part")
