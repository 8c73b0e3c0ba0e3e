#include "cli/reject_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "towpath/value.h"

/* Deeper than any line that the reject store writes. */
#define VIEW_DEPTH 1026

struct tow_reject_reader *tow_reject_view_open(struct tow_state *state, const struct tow_run *run,
                                               struct tow_error *err)
{
    struct tow_reject_reader *reader;
    char *path;

    if (run->reject_bytes == 0) {
        tow_error_set(err, TOW_E_CONFIG, "run %" PRId64 " of job %s rejected no rows", run->id,
                      run->job);
        return NULL;
    }
    path = tow_state_reject_path(state, run->job, run->id);
    if (!path) {
        tow_error_nomem(err);
        return NULL;
    }
    reader = tow_reject_reader_new(path, run->reject_bytes, err);
    free(path);
    return reader;
}

/* ---- members -------------------------------------------------------------------------------- */

/* Where a member's text starts in view->texts; they become pointers once the buffer rests. */
struct view_offsets {
    size_t code, message, stage, origin, raw;
};

static int view_text(struct tow_reject_view *view, size_t *offset, struct tow_json_part value,
                     struct tow_error *err)
{
    *offset = view->texts.size;
    int rc = value.text[0] == '"' ? tow_json_unescape(&view->texts, value, err) : TOW_OK;
    return rc ? rc : tow_buffer_append(&view->texts, "", 1, err);
}

static int view_member(struct tow_reject_view *view, struct view_offsets *at,
                       struct tow_json_part key, struct tow_json_part value, struct tow_error *err)
{
    int rc = TOW_OK;

    if (tow_json_part_is(key, "\"code\""))
        return view_text(view, &at->code, value, err);
    if (tow_json_part_is(key, "\"message\""))
        return view_text(view, &at->message, value, err);
    if (tow_json_part_is(key, "\"stage\""))
        return view_text(view, &at->stage, value, err);
    if (tow_json_part_is(key, "\"origin\""))
        return view_text(view, &at->origin, value, err);
    if (tow_json_part_is(key, "\"row\""))
        view->row = value;
    else if (tow_json_part_is(key, "\"line\""))
        tow_parse_int64(value.text, value.length, &view->line);
    else if (tow_json_part_is(key, "\"raw\"")) {
        rc = view_text(view, &at->raw, value, err);
        view->raw_length = rc ? 0 : view->texts.size - at->raw - 1;
    }
    return rc;
}

int tow_reject_view_parse(struct tow_reject_view *view, const char *line, size_t length,
                          struct tow_error *err)
{
    struct tow_json_scan scan;
    struct tow_json_part key, value;
    struct view_offsets at = {0};
    int rc;

    *view = (struct tow_reject_view){.texts = view->texts};
    view->texts.size = 0;
    /* Offset 0 is the empty text of members that are missing. */
    rc = tow_buffer_append(&view->texts, "", 1, err);
    if (!rc && (!tow_json_valid(line, length, VIEW_DEPTH) ||
                !tow_json_scan_object(&scan, (struct tow_json_part){line, length})))
        rc = tow_error_set(err, TOW_E_ENV, "a line of the reject file is no JSON object");
    while (!rc && tow_json_scan_member(&scan, &key, &value))
        rc = view_member(view, &at, key, value, err);
    if (rc)
        return rc;
    view->code = view->texts.data + at.code;
    view->message = view->texts.data + at.message;
    view->stage = view->texts.data + at.stage;
    view->origin = view->texts.data + at.origin;
    view->raw = view->row.text ? NULL : view->texts.data + at.raw;
    return TOW_OK;
}

/* ---- printing ------------------------------------------------------------------------------- */

/* Bytes from outside, on one line: control characters become spaces. */
static void view_put(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        putchar((unsigned char)text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i]);
}

void tow_reject_view_print(const struct tow_reject_view *view, const char *indent)
{
    if (*view->origin)
        view_put(view->origin, strlen(view->origin));
    if (view->line > 0)
        printf("%s%" PRId64, *view->origin ? ":" : "line ", view->line);
    if (*view->origin || view->line > 0)
        putchar(' ');
    view_put(view->code, strlen(view->code));
    putchar(' ');
    view_put(view->message, strlen(view->message));
    printf("\n%s", indent);
    if (view->row.text)
        view_put(view->row.text, view->row.length);
    else
        view_put(view->raw, view->raw_length);
    putchar('\n');
}

void tow_reject_view_release(struct tow_reject_view *view)
{
    tow_buffer_release(&view->texts);
}
