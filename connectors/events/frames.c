#include "connectors/events/frames.h"

#include <inttypes.h>
#include <string.h>

#include "connectors/csv/scan.h"

/* What comes next in an array. */
enum frames_place {
    PLACE_OPEN,  /* '[' */
    PLACE_FIRST, /* a value, or ']' */
    PLACE_MORE,  /* ',' or ']' */
    PLACE_VALUE, /* a value */
    PLACE_END,   /* nothing */
};

/* Nothing lies before, or the byte order mark alone. */
static int frames_is_at_start(const struct tow_window *window, int64_t offset)
{
    static const char mark[] = {'\xEF', '\xBB', '\xBF'};

    return offset == 0 ||
           (offset == sizeof mark && tow_window_history(window) >= sizeof mark &&
            memcmp(window->data + window->start - sizeof mark, mark, sizeof mark) == 0);
}

int tow_frames_begin(struct tow_frames *frames, struct tow_window *window, int64_t line,
                     struct tow_error *err)
{
    /* All of it now: finding an end cannot be done twice. */
    int code = tow_buffer_reserve(&frames->raw, TOW_FRAME_RAW_MAX, err);

    frames->window = window;
    frames->offset = tow_window_offset(window);
    frames->line = frames->here = line;
    frames->searched = frames->length = 0;
    frames->place = frames_is_at_start(window, frames->offset) ? PLACE_OPEN : PLACE_MORE;
    frames->is_discarding = frames->is_discarded = 0;
    frames->fault = NULL;
    return code;
}

void tow_frames_release(struct tow_frames *frames)
{
    tow_buffer_release(&frames->raw);
    *frames = (struct tow_frames){0};
}

static const char *frames_text(const struct tow_frames *frames)
{
    return frames->window->data + frames->window->start;
}

static size_t frames_here(const struct tow_frames *frames)
{
    return frames->window->end - frames->window->start;
}

static int64_t frames_count_lines(const char *text, size_t length)
{
    const char *end = text + length;
    int64_t lines = 0;

    while ((text = memchr(text, '\n', (size_t)(end - text))) != NULL) {
        text++;
        lines++;
    }
    return lines;
}

static void frames_consume(struct tow_frames *frames, size_t count)
{
    frames->here += frames_count_lines(frames_text(frames), count);
    tow_window_consume(frames->window, count);
    frames->searched = 0;
}

/* ---- records that are too long -------------------------------------------------------------- */

static void frames_begin_discard(struct tow_frames *frames)
{
    frames->raw.size = 0;
    frames->is_discarding = 1;
    if (!frames->fault)
        frames->fault = "row_too_long";
    frames->long_offset = tow_window_offset(frames->window);
    frames->long_line = frames->here;
}

/* Throws the next bytes of the record away, save for those that are kept. */
static void frames_discard(struct tow_frames *frames, size_t count)
{
    struct tow_buffer *raw = &frames->raw;
    size_t room = TOW_FRAME_RAW_MAX - raw->size, kept = count < room ? count : room;

    memcpy(raw->data + raw->size, frames_text(frames), kept);
    raw->size += kept;
    frames_consume(frames, count);
}

static void frames_show_discarded(const struct tow_frames *frames, struct tow_frame *frame)
{
    *frame = (struct tow_frame){.text = frames->raw.data,
                                .length = frames->raw.size,
                                .line = frames->long_line,
                                .offset = frames->long_offset,
                                .fault = frames->fault};
}

/* ---- the end of a record -------------------------------------------------------------------- */

static int frames_is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Looks through bytes [searched, here) of a value. 1 where it ends there: behind *end bytes. */
static int frames_find_value_end(struct tow_frames *frames, size_t *end)
{
    const char *text = frames_text(frames);
    size_t here = frames_here(frames);

    for (size_t i = frames->searched; i < here; i++) {
        char byte = text[i];

        if (frames->in_string) {
            if (frames->is_escaped)
                frames->is_escaped = 0;
            else if (byte == '\\')
                frames->is_escaped = 1;
            else if (byte == '"')
                frames->in_string = 0;
        } else if (byte == '"') {
            frames->in_string = 1;
        } else if (byte == '{' || byte == '[') {
            frames->depth++;
        } else if (frames->depth == 0 &&
                   (byte == ',' || byte == ']' || byte == '}' || frames_is_space(byte))) {
            *end = i;
            return 1;
        } else if ((byte == '}' || byte == ']') && --frames->depth == 0) {
            *end = i + 1;
            return 1;
        }
    }
    frames->searched = here;
    return 0;
}

static int frames_find_line_end(struct tow_frames *frames, size_t *end)
{
    const char *text = frames_text(frames);
    const char *line =
        memchr(text + frames->searched, '\n', frames_here(frames) - frames->searched);

    frames->searched = frames_here(frames);
    if (line)
        *end = (size_t)(line + 1 - text);
    return line != NULL;
}

/* Ends a row with the line that its fault stands on. */
static int frames_end_row(struct tow_frames *frames, size_t fault, const char *code, size_t *end)
{
    const char *text = frames_text(frames);
    const char *line = memchr(text + fault, '\n', frames_here(frames) - fault);

    frames->fault = code;
    *end = line ? (size_t)(line + 1 - text) : frames_here(frames);
    /* A line that is longer than rows may be is looked for by who throws it away. */
    return line || frames->window->at_end;
}

static int frames_find_row_end(struct tow_frames *frames, size_t *end)
{
    const struct tow_window *window = frames->window;
    const struct tow_csv_scan_limits limits = {window->end, window->at_end, frames->row_bytes};
    struct tow_csv_scan scan;

    frames->searched = frames_here(frames);
    frames->fault = NULL;
    if (frames_here(frames) == 0)
        return 0;
    switch (
        tow_csv_scan_row(frames->dialect, window->data, window->start, &limits, NULL, 0, &scan)) {
    case TOW_CSV_SKIP:
        if (scan.line_open && !window->at_end)
            return 0;
        *end = scan.next - window->start;
        return 1;
    case TOW_CSV_ROW:
        *end = scan.next - window->start;
        return 1;
    case TOW_CSV_BAD_QUOTE:
        return frames_end_row(frames, scan.fault - window->start, "bad_quote", end);
    case TOW_CSV_UNCLOSED:
        return frames_end_row(frames, scan.fault - window->start, "unclosed_quote", end);
    default: /* more is needed, or too much is there */
        return 0;
    }
}

static int frames_find_end(struct tow_frames *frames, size_t *end)
{
    if (frames->kind == TOW_FRAMES_ARRAY)
        return frames_find_value_end(frames, end);
    if (frames->kind == TOW_FRAMES_TABLE && !frames->is_discarding)
        return frames_find_row_end(frames, end);
    return frames_find_line_end(frames, end);
}

static int frames_cut(const struct tow_frames *frames, struct tow_error *err)
{
    return tow_error_set(err, TOW_E_ENV, "%s: the array is not closed at the end, offset %" PRId64,
                         frames->path, tow_window_offset(frames->window));
}

/* The input ends inside a record. */
static int frames_end_of_input(struct tow_frames *frames, size_t *end, struct tow_error *err)
{
    if (frames->kind == TOW_FRAMES_ARRAY)
        return frames_cut(frames, err);
    if (frames->is_tail || (frames_here(frames) == 0 && !frames->is_discarding))
        return TOW_END;
    *end = frames_here(frames);
    return TOW_OK;
}

/* Finds the end of the record that begins at window->start, or began before. */
static int frames_find(struct tow_frames *frames, size_t *end, struct tow_error *err)
{
    int code = TOW_OK;

    while (code == TOW_OK && !frames_find_end(frames, end)) {
        if (frames->window->at_end)
            return frames_end_of_input(frames, end, err);
        if (!frames->is_discarding && frames_here(frames) >= frames->row_bytes)
            frames_begin_discard(frames);
        if (frames->is_discarding)
            frames_discard(frames, frames_here(frames));
        if (code == TOW_OK)
            code = tow_window_fill(frames->window, err);
    }
    if (code == TOW_OK && !frames->is_discarding && *end > frames->row_bytes)
        frames_begin_discard(frames);
    return code;
}

/* ---- between the values of an array --------------------------------------------------------- */

/* Passes white space; TOW_END at the end of the input. */
static int frames_skip_space(struct tow_frames *frames, struct tow_error *err)
{
    for (;;) {
        const char *text = frames_text(frames);
        size_t here = frames_here(frames), i = 0;
        int code;

        while (i < here && frames_is_space(text[i]))
            i++;
        frames_consume(frames, i);
        if (i < here)
            return TOW_OK;
        if (frames->window->at_end)
            return TOW_END;
        code = tow_window_fill(frames->window, err);
        if (code != TOW_OK)
            return code;
    }
}

/* Steps over brackets and commas up to a value. TOW_END behind the array. */
static int frames_find_value(struct tow_frames *frames, struct tow_error *err)
{
    for (;;) {
        int code = frames_skip_space(frames, err), place = frames->place;
        char byte;

        if (code == TOW_END && (place == PLACE_OPEN || place == PLACE_END))
            return TOW_END;
        if (code != TOW_OK)
            return code == TOW_END ? frames_cut(frames, err) : code;
        byte = *frames_text(frames);
        if (place == PLACE_OPEN && byte == '[')
            frames->place = PLACE_FIRST;
        else if ((place == PLACE_FIRST || place == PLACE_MORE) && byte == ']')
            frames->place = PLACE_END;
        else if (place == PLACE_MORE && byte == ',')
            frames->place = PLACE_VALUE;
        else if ((place == PLACE_FIRST || place == PLACE_VALUE) && !strchr(",]}", byte))
            return TOW_OK;
        else
            return tow_error_set(err, TOW_E_ENV,
                                 "%s, line %" PRId64 ": the array is damaged at offset %" PRId64,
                                 frames->path, frames->here, tow_window_offset(frames->window));
        frames_consume(frames, 1);
    }
}

/* ---- frames --------------------------------------------------------------------------------- */

/* Of CSV, a line of spaces or tabs may be a row. */
static int frames_is_blank(const struct tow_frames *frames, const char *text, size_t length)
{
    while (length > 0 && frames_is_space(*text) &&
           (frames->kind != TOW_FRAMES_TABLE || *text == '\r' || *text == '\n')) {
        text++;
        length--;
    }
    return length == 0;
}

/* Without the line end behind it. */
static size_t frames_trim(const char *text, size_t length)
{
    length -= text[length - 1] == '\n';
    length -= length > 0 && text[length - 1] == '\r';
    return length;
}

static int frames_look(struct tow_frames *frames, size_t *end, struct tow_error *err)
{
    int code = TOW_OK;

    if (frames->kind == TOW_FRAMES_ARRAY && frames->searched == 0 && !frames->is_discarding) {
        frames->depth = 0;
        frames->in_string = frames->is_escaped = 0;
        code = frames_find_value(frames, err);
    }
    return code == TOW_OK ? frames_find(frames, end, err) : code;
}

int tow_frames_next(struct tow_frames *frames, struct tow_frame *frame, struct tow_error *err)
{
    while (!frames->length && !frames->is_discarded) {
        size_t end = 0;
        int code = frames_look(frames, &end, err);

        if (code != TOW_OK)
            return code;
        if (frames->is_discarding) {
            frames_discard(frames, end);
            frames->is_discarded = 1;
        } else if (frames_is_blank(frames, frames_text(frames), end)) {
            frames_consume(frames, end);
            frames->offset = tow_window_offset(frames->window);
            frames->line = frames->here;
        } else {
            frames->length = end;
        }
    }
    if (frames->is_discarded)
        frames_show_discarded(frames, frame);
    else
        *frame = (struct tow_frame){.text = frames_text(frames),
                                    .length = frames_trim(frames_text(frames), frames->length),
                                    .line = frames->here,
                                    .offset = tow_window_offset(frames->window),
                                    .fault = frames->fault};
    return TOW_OK;
}

void tow_frames_take(struct tow_frames *frames)
{
    if (frames->is_discarded) {
        frames->is_discarding = frames->is_discarded = 0;
    } else if (frames->kind == TOW_FRAMES_LINES) {
        /* One line, though the last one of a file may lack its end. */
        frames->here += frames_text(frames)[frames->length - 1] == '\n';
        tow_window_consume(frames->window, frames->length);
        frames->searched = 0;
    } else {
        frames_consume(frames, frames->length);
    }
    frames->length = 0;
    frames->fault = NULL;
    frames->offset = tow_window_offset(frames->window);
    frames->line = frames->here;
    if (frames->kind == TOW_FRAMES_ARRAY)
        frames->place = PLACE_MORE;
}
