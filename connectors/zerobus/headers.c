#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "connectors/zerobus/stream.h"

static void headers_wipe(const char *text)
{
    char *owned = (char *)(uintptr_t)text;

    if (owned)
        explicit_bzero(owned, strlen(owned));
    free(owned);
}

int tow_zerobus_headers_add(struct tow_zerobus_headers *headers, const char *name,
                            const char *value, int is_secret, struct tow_error *err)
{
    struct tow_grpc_metadata *item = &headers->items[headers->count];

    if (headers->count == TOW_ZEROBUS_METADATA_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "more than %d headers for a stream",
                             TOW_ZEROBUS_METADATA_MAX);
    *item = (struct tow_grpc_metadata){strdup(name), strdup(value), is_secret};
    headers->count++;
    return item->name && item->value ? TOW_OK : tow_error_nomem(err);
}

const char *tow_zerobus_headers_find(const struct tow_zerobus_headers *headers, const char *name)
{
    for (size_t i = 0; i < headers->count; i++)
        if (headers->items[i].name && strcasecmp(headers->items[i].name, name) == 0)
            return headers->items[i].value;
    return NULL;
}

void tow_zerobus_headers_release(struct tow_zerobus_headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        headers_wipe(headers->items[i].name);
        headers_wipe(headers->items[i].value);
    }
    headers->count = 0;
}
