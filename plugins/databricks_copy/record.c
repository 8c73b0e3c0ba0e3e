#include "plugins/databricks_copy/record.h"

#include <string.h>

#include "towpath/value.h"

/* The field's end; moves behind its separator. NULL where it is not there. */
static const char *record_field(struct tow_copy_record *record, char separator)
{
    const char *at = record->at, *end;

    if (!at)
        return NULL;
    end = separator ? memchr(at, separator, (size_t)(record->end - at)) : record->end;
    record->at = end;
    if (end && separator)
        record->at++;
    return end;
}

uint64_t tow_copy_record_number(struct tow_copy_record *record, uint64_t most, char separator)
{
    const char *start = record->at, *end = record_field(record, separator);
    uint64_t value = 0;

    if (end && *start != '+' &&
        tow_parse_uint64(start, (size_t)(end - start), &value) == TOW_PARSE_OK && value <= most)
        return value;
    record->at = NULL;
    return 0;
}

void tow_copy_record_text(struct tow_copy_record *record, char *text, size_t size, char separator)
{
    const char *start = record->at, *end = record_field(record, separator);
    size_t length = end ? (size_t)(end - start) : 0;

    text[0] = '\0';
    if (!end || length >= size || memchr(start, '\0', length)) {
        record->at = NULL;
        return;
    }
    memcpy(text, start, length);
    text[length] = '\0';
}

int32_t tow_copy_record_word(struct tow_copy_record *record, const char *const *words,
                             char separator)
{
    char text[16];

    tow_copy_record_text(record, text, sizeof text, separator);
    for (int32_t i = 0; words[i]; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    record->at = NULL;
    return 0;
}

int tow_copy_record_is_read(const struct tow_copy_record *record)
{
    return record->at && record->at == record->end;
}
