/* JSON into jansson's values, against jansson's own loader: the first byte is the flags. */
#include <stdint.h>

#include "connectors/http/json_load.h"
#include "fuzz_demand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tow_error err = TOW_ERROR_INIT;
    json_t *value, *expected;
    size_t flags = 0;
    char *text;
    int code;

    if (size == 0)
        return 0;
    flags |= data[0] & 1 ? JSON_DECODE_ANY : 0;
    flags |= data[0] & 2 ? JSON_REJECT_DUPLICATES : 0;
    flags |= data[0] & 4 ? JSON_ALLOW_NUL : 0;
    /* At the end of what is allocated: a read beyond it is seen. */
    text = malloc(size - 1 ? size - 1 : 1);
    demand(text != NULL, "memory");
    memcpy(text, data + 1, size - 1);
    code = tow_json_load(text, size - 1, flags, &value, &err);
    expected = json_loadb(text, size - 1, flags, NULL);
    if (code == TOW_OK) {
        demand(json_equal(value, expected), "the values that jansson reads");
    } else {
        demand(code == TOW_E_DATA && !value, "a text at fault");
        demand(!expected || strstr(err.message, "deeper than"), "jansson to refuse it, too");
        demand_message(&err);
    }
    json_decref(value);
    json_decref(expected);
    free(text);
    return 0;
}
