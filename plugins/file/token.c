#include "plugins/file/token.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "towpath/value.h"

#define TOKEN_MAGIC "file1 "

/* Magic, six numbers with a space behind each, the path. */
_Static_assert(sizeof TOKEN_MAGIC + (size_t)6 * (TOW_UINT64_TEXT_MAX + 1) + TOW_FILE_PATH_MAX <
                   TOW_POSITION_MAX,
               "every token fits a position");

void tow_file_token_write(const struct tow_file_token *token, struct tow_position *position)
{
    int length = snprintf((char *)position->bytes, sizeof position->bytes,
                          TOKEN_MAGIC "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
                                      " %" PRIu64 " %s",
                          token->part, token->length, token->rows, token->text, token->total,
                          token->layout, token->path);

    position->length = (uint32_t)length;
}

/* Digits up to a space; NULL where that is not what stands there. */
static const char *token_read_number(const char *p, const char *end, uint64_t *out)
{
    const char *space = memchr(p, ' ', (size_t)(end - p));

    if (!space || space == p || *p == '+')
        return NULL;
    return tow_parse_uint64(p, (size_t)(space - p), out) == TOW_PARSE_OK ? space + 1 : NULL;
}

static int token_parse(const char *p, const char *end, struct tow_file_token *token)
{
    uint64_t *const numbers[] = {&token->part, &token->length, &token->rows,
                                 &token->text, &token->total,  &token->layout};
    size_t length;

    if ((size_t)(end - p) < strlen(TOKEN_MAGIC) || memcmp(p, TOKEN_MAGIC, strlen(TOKEN_MAGIC)) != 0)
        return 0;
    p += strlen(TOKEN_MAGIC);
    for (size_t i = 0; p && i < sizeof numbers / sizeof *numbers; i++)
        p = token_read_number(p, end, numbers[i]);
    if (!p)
        return 0;
    length = (size_t)(end - p);
    if (length < 1 || length > TOW_FILE_PATH_MAX || memchr(p, '\0', length))
        return 0;
    memcpy(token->path, p, length);
    token->path[length] = '\0';
    /* Offsets of files are signed. */
    return token->part >= 1 && token->length <= INT64_MAX && token->rows <= token->total;
}

int tow_file_token_read(const struct tow_position *position, struct tow_file_token *token,
                        struct tow_error *err)
{
    const char *bytes = (const char *)position->bytes;

    if (position->length <= TOW_POSITION_MAX && token_parse(bytes, bytes + position->length, token))
        return TOW_OK;
    return tow_error_set(
        err, TOW_E_CONFIG,
        "the saved state of the unfinished load is not one of this sink; forget it "
        "and start the load anew");
}
