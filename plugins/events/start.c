#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/events/source.h"
#include "towpath/batch.h"

#define START_VALUE "from_end"

int tow_events_start_begin(struct tow_events_source *source, struct tow_error *err)
{
    struct tow_position value = {.size = sizeof value};
    int code;

    /* Who only looks (`towpath plan`) is shown what there is. */
    if (!source->options.start_from_end || !source->host->load_id[0])
        return TOW_OK;
    if (source->options.start_date || source->options.end_date)
        tow_log(source->host, TOW_LOG_WARN,
                "start_from_end = true stands above start_date and end_date, which are ignored");
    code = source->host->ledger_get(source->host, TOW_EVENTS_START_KEY, &value, err);
    source->is_starting = code == TOW_END;
    return code == TOW_END ? TOW_OK : code;
}

/* Steps over the whole lines of an open file, to know where the first one stands that is not whole
 * yet, and on which line. */
static int start_pass_over(struct tow_events_source *source, struct tow_error *err)
{
    struct tow_frames *frames = &source->reading.frames;
    struct tow_frame frame;
    int code;

    while ((code = tow_frames_next(frames, &frame, err)) == TOW_OK)
        tow_frames_take(frames);
    return code == TOW_END ? TOW_OK : code;
}

/* TOW_END: there is nothing to say of this file. */
static int start_pass_file(struct tow_events_source *source, struct tow_events_file *file,
                           struct tow_error *err)
{
    int code = tow_events_reading_open(source, file, err);

    if (code == TOW_OK && source->reading.frames.is_tail) {
        code = start_pass_over(source, err);
        if (code == TOW_OK)
            code = tow_events_batch_mark_progress(source, err);
    } else if (code == TOW_OK) {
        code = tow_events_batch_mark(source, tow_file_ledger_key(file->file.path),
                                     strdup(source->reading.mark), err);
    }
    if (code == TOW_OK || code == TOW_END) {
        file->is_due = 0;
        file->seen = source->reading.frames.is_tail ? tow_input_offset(source->reading.input)
                                                    : source->reading.size;
    }
    tow_events_reading_release(source);
    return code;
}

int tow_events_start_next(struct tow_events_source *source, struct tow_error *err)
{
    struct tow_events_files *files = &source->files;
    int code = TOW_END;

    if (source->is_passed)
        return TOW_OK;
    while (code == TOW_END && source->next < files->count) {
        struct tow_events_file *file = &files->items[source->next];

        if (file->is_due)
            code = start_pass_file(source, file, err);
        if (code == TOW_OK || code == TOW_END)
            source->next++;
    }
    source->is_passed = code == TOW_OK;
    if (code != TOW_END)
        return code;
    tow_log(source->host, TOW_LOG_INFO,
            "%zu files that were there are passed over (start_from_end = true)", files->count);
    code = tow_events_batch_mark(source, strdup(TOW_EVENTS_START_KEY), strdup(START_VALUE), err);
    source->is_passed = code == TOW_OK;
    return code;
}

void tow_events_start_handed_over(struct tow_events_source *source)
{
    source->is_passed = 0;
    if (strcmp(source->batch.key, TOW_EVENTS_START_KEY) != 0)
        return;
    source->is_starting = 0;
    source->next = 0;
}
