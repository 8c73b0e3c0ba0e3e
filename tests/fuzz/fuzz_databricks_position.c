/* Positions of the source databricks, and the pieces of SQL that users write: the first byte says
 * which. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/databricks/fragment.h"
#include "plugins/databricks/position.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "broken: %s\n", what);
    abort();
}

static void demand_key(const struct tow_key *key)
{
    demand(key->count <= TOW_KEYS_MAX, "a key has its columns at most");
    for (size_t i = 0; i < key->count; i++)
        demand(!key->values[i] || tow_utf8_valid(key->values[i], strlen(key->values[i])),
               "values are UTF-8");
}

/* What can be read can be written, and then reads as the same. */
static void try_position(const uint8_t *data, size_t size)
{
    struct tow_position bytes = {.size = sizeof bytes, .length = (uint32_t)size}, first, second;
    struct tow_scan_position position;
    struct tow_error err = TOW_ERROR_INIT;

    memcpy(bytes.bytes, data, size < sizeof bytes.bytes ? size : sizeof bytes.bytes);
    if (tow_scan_position_get(&position, &bytes, &err) != TOW_OK)
        return;
    demand_key(&position.after);
    demand_key(&position.key);
    demand(position.version >= -1 && position.total >= -1, "numbers are bounded");
    demand(position.place.chunk >= 0 && position.place.row >= 0 && position.place.done >= 0,
           "places are bounded");
    if (tow_scan_position_put(&position, &first, &err) == TOW_OK) {
        tow_scan_position_release(&position);
        demand(tow_scan_position_get(&position, &first, &err) == TOW_OK, "it reads again");
        demand(tow_scan_position_put(&position, &second, &err) == TOW_OK, "it writes again");
        demand(first.length == second.length &&
                   memcmp(first.bytes, second.bytes, first.length) == 0,
               "it is the same");
    }
    tow_scan_position_release(&position);
}

/* A piece that passes passes with spaces around it too, and not with a bracket more. */
static void try_fragment(const uint8_t *data, size_t size)
{
    struct tow_error err = TOW_ERROR_INIT;
    char *text = malloc(size + 1), *more = malloc(size + 4);

    if (!text || !more)
        exit(99);
    memcpy(text, data, size);
    text[size] = '\0';
    if (tow_fragment_check("where", text, &err) == TOW_OK) {
        snprintf(more, size + 4, " %s\n", text);
        demand(tow_fragment_check("where", more, &err) == TOW_OK, "spaces change nothing");
        snprintf(more, size + 4, "%s\n)", text);
        demand(tow_fragment_check("where", more, &err) == TOW_E_CONFIG, "brackets are counted");
    }
    free(text);
    free(more);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] == 'P')
        try_position(data + 1, size - 1);
    else
        try_fragment(data + 1, size - 1);
    return 0;
}
