#include "plugins/lytics_audience/position.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "towpath/value.h"

#define POSITION_MAGIC "audience1"

int tow_members_position_put(const struct tow_members_position *at, struct tow_position *out,
                             struct tow_error *err)
{
    char head[256];
    const int length = snprintf(head, sizeof head, POSITION_MAGIC "\n%s\n%d\n%d\n%" PRId64 "\n",
                                at->segment, at->parts, at->part, at->rows);
    const size_t used = (size_t)length;

    if (length < 0 || used >= sizeof head)
        return tow_error_set(err, TOW_E_BUG, "a position of %d bytes", length);
    memcpy(out->bytes, head, used);
    out->length = (uint32_t)used;
    if (at->token.size == 0 || at->token.size > sizeof out->bytes - used)
        return TOW_OK;
    memcpy(out->bytes + used, at->token.data, at->token.size);
    out->length += (uint32_t)at->token.size;
    return TOW_OK;
}

/* The next line of what is left, without its end; NULL where there is none. */
static const char *position_line(const char **p, const char *end, size_t *length)
{
    const char *line = *p, *stop = memchr(line, '\n', (size_t)(end - line));

    if (!stop)
        return NULL;
    *length = (size_t)(stop - line);
    *p = stop + 1;
    return line;
}

static int position_number(const char **p, const char *end, int64_t most, int64_t *out)
{
    size_t length;
    const char *line = position_line(p, end, &length);

    return line && tow_parse_int64(line, length, out) == TOW_PARSE_OK && *out >= 0 && *out <= most;
}

static int position_parse(struct tow_members_position *at, const char *p, const char *end,
                          struct tow_error *err)
{
    int64_t parts, part;
    size_t length;
    const char *line = position_line(&p, end, &length);

    if (!line || length != strlen(POSITION_MAGIC) || memcmp(line, POSITION_MAGIC, length) != 0)
        return TOW_E_ENV;
    line = position_line(&p, end, &length);
    if (!line || length >= sizeof at->segment)
        return TOW_E_ENV;
    memcpy(at->segment, line, length);
    at->segment[length] = '\0';
    if (!position_number(&p, end, 100, &parts) || !position_number(&p, end, 100, &part) ||
        !position_number(&p, end, INT64_MAX, &at->rows))
        return TOW_E_ENV;
    at->parts = (int)parts;
    at->part = (int)part;
    at->token.size = 0;
    if (p == end)
        return TOW_OK;
    int code = tow_buffer_append(&at->token, p, (size_t)(end - p), err);
    if (code == TOW_OK)
        code = tow_buffer_append(&at->token, "", 1, err);
    at->token.size -= code == TOW_OK;
    return code;
}

int tow_members_position_read(struct tow_members_position *at, const struct tow_position *from,
                              struct tow_error *err)
{
    const char *bytes = (const char *)from->bytes;
    int code = position_parse(at, bytes, bytes + from->length, err);

    return code == TOW_E_ENV
               ? tow_error_set(err, TOW_E_ENV,
                               "the position is none of this source; start anew with --full")
               : code;
}
