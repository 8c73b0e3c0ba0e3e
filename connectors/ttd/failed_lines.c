#include "connectors/ttd/answer_priv.h"

#include <string.h>
#include <strings.h>

#include "towpath/value.h"

#define LINE_CODE_MAX  128
#define LINE_COUNT_MAX 8 /* of an item that are told; more of them are counted */

/* ---- texts ---------------------------------------------------------------------------------- */

/* A request's own secret may come back in a message. */
static void line_blank_out(char *text, size_t length, const char *secret)
{
    const size_t secret_length = secret ? strlen(secret) : 0;
    const char *end = text + length;

    while (secret_length && (text = memmem(text, (size_t)(end - text), secret, secret_length))) {
        memset(text, '*', secret_length);
        text += secret_length;
    }
}

void tow_ttd_clean(struct tow_buffer *buffer, size_t limit, const char *secret)
{
    char *text = buffer->data;
    size_t length = buffer->size;

    if (length == 0)
        return;
    line_blank_out(text, length, secret);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = ' ';
    if (length > limit)
        buffer->size = tow_utf8_prefix(text, limit);
}

int tow_ttd_put_value(struct tow_buffer *out, struct tow_json_part value, struct tow_error *err)
{
    if (value.length == 0 || tow_json_part_is(value, "null"))
        return TOW_OK;
    if (value.text[0] != '"')
        return tow_buffer_append(out, value.text, value.length, err);
    int rc = tow_json_unescape(out, value, err);
    if (rc != TOW_E_DATA)
        return rc;
    /* Half a surrogate pair: readable all the same. */
    return tow_buffer_append(out, value.text + 1, value.length - 2, err);
}

/* ---- failed lines --------------------------------------------------------------------------- */

struct failed_line {
    struct tow_json_part code, message, item;
};

/* The number that a text holds, with spaces around and '#' in front; 0 where it holds none. */
static int64_t line_number(const char *text, size_t length)
{
    int64_t number;

    for (; length > 0 && strchr(" #", *text) && *text; length--)
        text++;
    while (length > 0 && text[length - 1] == ' ')
        length--;
    return tow_parse_int64(text, length, &number) == TOW_PARSE_OK ? number : 0;
}

/* The number behind "item #"; 0 where there is none. */
static int64_t line_number_in_text(const char *text, size_t length)
{
    static const char mark[] = "item #";

    for (; length > sizeof mark - 1; text++, length--) {
        if (strncasecmp(text, mark, sizeof mark - 1) != 0)
            continue;
        const char *digits = text + sizeof mark - 1;
        size_t count = 0, left = length - (sizeof mark - 1);

        while (count < left && digits[count] >= '0' && digits[count] <= '9')
            count++;
        return line_number(digits, count);
    }
    return 0;
}

/* Which item a line is about, and its message in the scratch: 0 where it does not say. */
static int line_item(struct tow_ttd_answer *answer, const struct failed_line *line, int64_t items,
                     int64_t *item, struct tow_error *err)
{
    struct tow_buffer *scratch = &answer->scratch;

    scratch->size = 0;
    int rc = tow_ttd_put_value(scratch, line->item, err);
    if (rc)
        return rc;
    *item = scratch->size ? line_number(scratch->data, scratch->size) : 0;
    scratch->size = 0;
    rc = tow_ttd_put_value(scratch, line->message, err);
    if (rc)
        return rc;
    if ((*item < 1 || *item > items) && scratch->size)
        *item = line_number_in_text(scratch->data, scratch->size);
    if (*item < 1 || *item > items)
        *item = 0;
    return TOW_OK;
}

/* Moves the scratch's text over; `fallback` where it is empty. */
static int line_keep(struct tow_ttd_answer *answer, const char *fallback, size_t *offset,
                     struct tow_error *err)
{
    struct tow_buffer *scratch = &answer->scratch;
    const char *text = scratch->size ? scratch->data : fallback;
    size_t length = scratch->size ? scratch->size : strlen(fallback);

    *offset = answer->text.size;
    int rc = tow_buffer_append(&answer->text, text, length, err);
    return rc ? rc : tow_buffer_append(&answer->text, "", 1, err);
}

/* Puts what earlier lines said of an item in front of the message in the scratch. */
static int line_join(struct tow_ttd_answer *answer, const struct tow_ttd_failure *failure,
                     struct tow_error *err)
{
    struct tow_buffer *scratch = &answer->scratch;
    const char *before = tow_ttd_failure_message(answer, failure);
    size_t length = strlen(before) + 2;
    int rc = tow_buffer_reserve(scratch, length, err);

    if (rc)
        return rc;
    if (scratch->size)
        memmove(scratch->data + length, scratch->data, scratch->size);
    memcpy(scratch->data, before, length - 2);
    memcpy(scratch->data + length - 2, "; ", 2);
    scratch->size += length;
    return TOW_OK;
}

static int line_add(struct tow_ttd_answer *answer, const struct failed_line *line, int64_t items,
                    const char *secret, struct tow_error *err)
{
    static const char no_message[] = "The Trade Desk refused it without a message";
    struct tow_ttd_failure *failure;
    int64_t item = 0;
    int rc = line_item(answer, line, items, &item, err);

    if (rc)
        return rc;
    answer->is_dirty = 1;
    failure = &answer->failures[item];
    if (failure->lines++ >= LINE_COUNT_MAX)
        return TOW_OK;
    answer->named += item > 0 && failure->lines == 1;
    answer->is_general |= item == 0;
    tow_ttd_clean(&answer->scratch, TOW_TTD_MESSAGE_MAX, secret);
    if (failure->lines > 1)
        rc = line_join(answer, failure, err);
    if (!rc)
        rc = line_keep(answer, no_message, &failure->message, err);
    answer->scratch.size = 0;
    if (!rc)
        rc = tow_ttd_put_value(&answer->scratch, line->code, err);
    if (rc)
        return rc;
    tow_ttd_clean(&answer->scratch, LINE_CODE_MAX, secret);
    return line_keep(answer, "Unknown", &failure->code, err);
}

static int line_read(struct tow_ttd_answer *answer, struct tow_json_part part, int64_t items,
                     const char *secret, struct tow_error *err)
{
    struct failed_line line = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    struct tow_json_part key, value;
    struct tow_json_scan scan;

    /* A line that is no object says that something failed, and no more. */
    if (!tow_json_scan_object(&scan, part))
        line.message = part;
    else
        while (tow_json_scan_member(&scan, &key, &value)) {
            if (tow_json_part_is(key, "\"ErrorCode\""))
                line.code = value;
            else if (tow_json_part_is(key, "\"Message\""))
                line.message = value;
            else if (tow_json_part_is(key, "\"ItemNumber\""))
                line.item = value;
        }
    return line_add(answer, &line, items, secret, err);
}

int tow_ttd_read_lines(struct tow_ttd_answer *answer, struct tow_json_part object, int64_t items,
                       const char *secret, int *fits, struct tow_error *err)
{
    struct tow_json_part key, value, lines = {NULL, 0};
    struct tow_json_scan scan;
    int rc = TOW_OK;

    *fits = 1;
    if (!tow_json_scan_object(&scan, object))
        return TOW_OK;
    while (tow_json_scan_member(&scan, &key, &value))
        if (tow_json_part_is(key, "\"FailedLines\""))
            lines = value;
    if (lines.length == 0 || tow_json_part_is(lines, "null"))
        return TOW_OK;
    *fits = tow_json_scan_array(&scan, lines);
    while (!rc && *fits && tow_json_scan_item(&scan, &value))
        rc = line_read(answer, value, items, secret, err);
    return rc;
}
