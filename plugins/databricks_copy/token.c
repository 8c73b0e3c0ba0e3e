#include "plugins/databricks_copy/token.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugins/databricks_copy/record.h"

void tow_copy_token_write(const struct tow_copy_token *token, struct tow_position *position)
{
    int length = snprintf((char *)position->bytes, sizeof position->bytes,
                          "copy1 %" PRIu32 " %" PRIu32 " %" PRId64 " %" PRIu64, token->generation,
                          token->parts, token->rows, token->layout);

    position->length = (uint32_t)length;
}

int tow_copy_token_read(const struct tow_position *position, struct tow_copy_token *token,
                        struct tow_error *err)
{
    const char *bytes = (const char *)position->bytes;
    struct tow_copy_record record = {bytes, bytes + position->length};
    char magic[8];

    if (position->length > TOW_POSITION_MAX)
        record.at = NULL;
    tow_copy_record_text(&record, magic, sizeof magic, ' ');
    token->generation = (uint32_t)tow_copy_record_number(&record, UINT32_MAX - 1, ' ');
    token->parts = (uint32_t)tow_copy_record_number(&record, UINT32_MAX - 1, ' ');
    token->rows = (int64_t)tow_copy_record_number(&record, INT64_MAX, ' ');
    token->layout = tow_copy_record_number(&record, UINT64_MAX, '\0');
    if (tow_copy_record_is_read(&record) && strcmp(magic, "copy1") == 0)
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG,
                         "the saved state of the unfinished load is not one of this sink; forget "
                         "it and start the load anew");
}
