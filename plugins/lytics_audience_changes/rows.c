/* Messages as rows. */
#include <inttypes.h>
#include <string.h>

#include "plugins/lytics_audience_changes/source.h"

/* Of a message that is rejected, as much is kept. */
#define ROWS_RAW_MAX (64u << 10)

/* One message on its way. */
struct rows_walk {
    struct tow_changes *source;
    const struct tow_spool_message *message;
    struct tow_spool_place at;
    uint64_t item; /* of the message that comes next */
    uint64_t skip; /* items that were handed out before */
    int pause;     /* 1: the core wants the batch now */
    int repeats;   /* 1: deliveries may be repeated: the webhook's */
};

static int rows_reject(struct rows_walk *walk, const struct tow_change *change)
{
    const struct tow_host *host = walk->source->host;
    size_t length = walk->message->length;
    const struct tow_source_reject reject = {
        .size = sizeof reject,
        .raw_length = (uint32_t)(length < ROWS_RAW_MAX ? length : ROWS_RAW_MAX),
        .code = change->code,
        .message = change->message,
        .origin = walk->source->options.spool,
        .line = (int64_t)walk->at.segment,
        .offset = (int64_t)walk->at.offset,
        .raw = walk->message->bytes,
    };

    walk->pause = host->reject(host, &reject) != TOW_OK;
    return TOW_OK;
}

static int rows_is_repeated(const struct rows_walk *walk, const struct tow_change *change)
{
    struct tow_changes *source = walk->source;
    const struct tow_seen_place place = {walk->at, walk->item};
    struct tow_seen_key key = {1, 2};

    if (!walk->repeats || !source->seen)
        return 0;
    tow_seen_hash(&key, change->id.text ? change->id.text : "", change->id.length);
    tow_seen_hash(&key, change->slug.text, change->slug.length);
    tow_seen_hash(&key, &change->at_us, sizeof change->at_us);
    tow_seen_hash(&key, change->is_exit ? "x" : "e", 1);
    return tow_seen_again(source->seen, &key, place, walk->message->received_us,
                          source->options.dedup_window_ms * 1000);
}

static int rows_append(struct rows_walk *walk, const struct tow_change *change,
                       struct tow_error *err)
{
    struct tow_builder *builder = walk->source->builder;
    int rc = change->id.text ? tow_append_bytes(builder, 0, change->id.text, change->id.length, err)
                             : tow_append_null(builder, 0, err);

    if (!rc)
        rc = tow_append_bytes(builder, 1, change->slug.text, change->slug.length, err);
    if (!rc)
        rc = tow_append_int64(builder, 2, change->at_us, err);
    if (!rc)
        rc = tow_append_bool(builder, 3, change->is_exit, err);
    return rc ? rc : tow_builder_end_row(builder, err);
}

static int rows_visit(void *context, const struct tow_change *change, struct tow_error *err)
{
    struct rows_walk *walk = context;
    const struct tow_host *host = walk->source->host;
    int rc = TOW_OK;

    if (walk->item < walk->skip) {
        walk->item++;
        return TOW_OK;
    }
    if (walk->pause || tow_builder_full(walk->source->builder, host->batch_rows, host->batch_bytes))
        return TOW_END;
    if (change->code)
        rc = rows_reject(walk, change);
    else if (rows_is_repeated(walk, change))
        walk->source->repeated++;
    else
        rc = rows_append(walk, change, err);
    walk->item += !rc;
    return rc;
}

/* TOW_END: the batch is full within the message. */
static int rows_message(struct tow_changes *source, const struct tow_spool_message *message,
                        int *pause, struct tow_error *err)
{
    struct tow_changes_place *place = &source->place;
    struct rows_walk walk = {.source = source,
                             .message = message,
                             .at = place->message,
                             .skip = place->item,
                             .repeats = place->phase == TOW_CHANGES_HOOK};
    int rc = tow_change_each(&source->reader, &source->options.rules, message->bytes,
                             message->length, rows_visit, &walk, err);

    *pause = walk.pause;
    place->item = walk.item;
    if (rc)
        return rc;
    place->message = message->next;
    place->item = 0;
    return TOW_OK;
}

int tow_changes_rows(struct tow_changes *source, struct tow_spool *spool, struct tow_error *err)
{
    const struct tow_host *host = source->host;
    struct tow_spool_message message;
    int any = 0, pause = 0, rc = TOW_OK;

    while (!rc && !pause &&
           !tow_builder_full(source->builder, host->batch_rows, host->batch_bytes)) {
        rc = tow_spool_read(spool, source->place.message, &message, err);
        if (rc == TOW_END)
            return any ? TOW_OK : TOW_END;
        if (!rc)
            rc = rows_message(source, &message, &pause, err);
        any = 1;
    }
    return rc == TOW_END ? TOW_OK : rc;
}
