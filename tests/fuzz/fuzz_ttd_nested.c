/* Cells of json columns on their way to The Trade Desk: the first byte chooses the column. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/ttd/nested.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

static const struct tow_ttd_column *column_of(const struct tow_ttd_endpoint **endpoint,
                                              const char *name)
{
    for (int i = 0; i < TOW_TTD_ENDPOINT_COUNT; i++)
        for (size_t c = 0; c < tow_ttd_endpoint(i)->column_count; c++)
            if (strcmp(tow_ttd_endpoint(i)->columns[c].name, name) == 0) {
                *endpoint = tow_ttd_endpoint(i);
                return &tow_ttd_endpoint(i)->columns[c];
            }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"user_ids", "line_items", "privacy_settings"};
    const struct tow_ttd_endpoint *endpoint;
    const struct tow_ttd_column *column;
    struct tow_ttd_refusal why = {.code = NULL};
    int32_t offsets[2] = {0, 0};
    struct tow_view view = {.type = {TOW_TYPE_JSON, 0, 0}, .offsets = offsets, .length = 1};
    int count;

    if (size == 0 || size > 1 << 20)
        return 0;
    column = column_of(&endpoint, names[data[0] % 3]);
    view.bytes = (const char *)data + 1;
    offsets[1] = (int32_t)(size - 1);
    char *room = malloc(2 * (size - 1) + 2);
    check(room != NULL);
    char *end = tow_ttd_nested_put(endpoint, column, &view, 0, room, &count, &why);
    check(end || (why.code && why.message[0]));
    if (end && count > 0)
        check(tow_json_valid(room, (size_t)(end - room), 64));
    check(!end || end - room <= (ptrdiff_t)(2 * (size - 1) + 2));
    free(room);
    return 0;
}
