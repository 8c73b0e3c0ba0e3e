#include "state/reject_line.h"

#include "state/reject_reader.h"
#include "towpath/value.h"

/* Where a member's text starts in reject->texts; they become pointers once the buffer rests. */
struct line_offsets {
    size_t code, message, stage, origin, raw;
};

static int line_text(struct tow_reject_line *reject, size_t *offset, struct tow_json_part value,
                     struct tow_error *err)
{
    *offset = reject->texts.size;
    int rc = value.text[0] == '"' ? tow_json_unescape(&reject->texts, value, err) : TOW_OK;
    return rc ? rc : tow_buffer_append(&reject->texts, "", 1, err);
}

static int line_member(struct tow_reject_line *reject, struct line_offsets *at,
                       struct tow_json_part key, struct tow_json_part value, struct tow_error *err)
{
    int rc = TOW_OK;

    if (tow_json_part_is(key, "\"code\""))
        return line_text(reject, &at->code, value, err);
    if (tow_json_part_is(key, "\"message\""))
        return line_text(reject, &at->message, value, err);
    if (tow_json_part_is(key, "\"stage\""))
        return line_text(reject, &at->stage, value, err);
    if (tow_json_part_is(key, "\"origin\""))
        return line_text(reject, &at->origin, value, err);
    if (tow_json_part_is(key, "\"row\""))
        reject->row = value;
    else if (tow_json_part_is(key, "\"line\""))
        tow_parse_int64(value.text, value.length, &reject->line);
    else if (tow_json_part_is(key, "\"offset\""))
        tow_parse_int64(value.text, value.length, &reject->offset);
    else if (tow_json_part_is(key, "\"raw\"")) {
        rc = line_text(reject, &at->raw, value, err);
        reject->raw_length = rc ? 0 : reject->texts.size - at->raw - 1;
    }
    return rc;
}

int tow_reject_line_parse(struct tow_reject_line *reject, const char *line, size_t length,
                          struct tow_error *err)
{
    struct tow_json_scan scan;
    struct tow_json_part key, value;
    struct line_offsets at = {0};
    int rc;

    *reject = (struct tow_reject_line){.offset = -1, .texts = reject->texts};
    reject->texts.size = 0;
    /* Offset 0 is the empty text of members that are missing. */
    rc = tow_buffer_append(&reject->texts, "", 1, err);
    if (!rc && (!tow_json_valid(line, length, REJECT_DEPTH_MAX) ||
                !tow_json_scan_object(&scan, (struct tow_json_part){line, length})))
        rc = tow_error_set(err, TOW_E_ENV, "a line of the reject file is no JSON object");
    while (!rc && tow_json_scan_member(&scan, &key, &value))
        rc = line_member(reject, &at, key, value, err);
    if (rc)
        return rc;
    reject->code = reject->texts.data + at.code;
    reject->message = reject->texts.data + at.message;
    reject->stage = reject->texts.data + at.stage;
    reject->origin = reject->texts.data + at.origin;
    reject->raw = reject->row.text ? NULL : reject->texts.data + at.raw;
    return TOW_OK;
}

void tow_reject_line_release(struct tow_reject_line *reject)
{
    tow_buffer_release(&reject->texts);
}
