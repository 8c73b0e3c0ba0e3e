#include "connectors/events/fields.h"

#include <string.h>

/* The text of a name that has escapes goes behind what is in `scratch`, and away again. */
static int fields_has_escaped(struct tow_buffer *scratch, struct tow_json_part key,
                              const char *const *names, size_t count, int *is_kept,
                              struct tow_error *err)
{
    size_t size = scratch->size;
    int code = tow_json_unescape(scratch, key, NULL);

    /* A name that stands for no text is none of those. */
    if (code != TOW_OK)
        return code == TOW_E_DATA ? TOW_OK : tow_error_nomem(err);
    for (size_t i = 0; i < count && !*is_kept; i++)
        *is_kept = scratch->size - size == strlen(names[i]) &&
                   memcmp(scratch->data + size, names[i], scratch->size - size) == 0;
    scratch->size = size;
    return TOW_OK;
}

static int fields_has(struct tow_buffer *scratch, struct tow_json_part key,
                      const char *const *names, size_t count, int *is_kept, struct tow_error *err)
{
    *is_kept = 0;
    if (memchr(key.text, '\\', key.length))
        return fields_has_escaped(scratch, key, names, count, is_kept, err);
    for (size_t i = 0; i < count && !*is_kept; i++)
        *is_kept = key.length - 2 == strlen(names[i]) &&
                   memcmp(key.text + 1, names[i], key.length - 2) == 0;
    return TOW_OK;
}

int tow_fields_keep(struct tow_buffer *scratch, struct tow_json_part *object,
                    const char *const *names, size_t count, struct tow_error *err)
{
    struct tow_json_part key, value;
    struct tow_json_scan scan;
    int code, is_kept;

    if (!object->text || !tow_json_scan_object(&scan, *object))
        return TOW_OK;
    scratch->size = 0;
    code = tow_buffer_append(scratch, "{", 1, err);
    while (code == TOW_OK && tow_json_scan_member(&scan, &key, &value)) {
        code = fields_has(scratch, key, names, count, &is_kept, err);
        if (code != TOW_OK || !is_kept)
            continue;
        if (scratch->size > 1)
            code = tow_buffer_append(scratch, ",", 1, err);
        if (code == TOW_OK)
            code = tow_buffer_append(scratch, key.text,
                                     (size_t)(value.text + value.length - key.text), err);
    }
    if (code == TOW_OK)
        code = tow_buffer_append(scratch, "}", 1, err);
    *object = (struct tow_json_part){scratch->data, scratch->size};
    return code;
}
