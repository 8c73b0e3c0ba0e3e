/* Values of Arrow IPC streams as text: JSON, within its limit, or a reason. */
#include "connectors/arrow/json.h"
#include "tests/fuzz/fuzz_arrow.h"
#include "towpath/value.h"

#define TEXT_LIMIT 65536
#define ROWS_MAX   200 /* of a batch: nulls need no bytes, so there may be billions */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct texts {
    struct tow_ipc_json *json;
    struct tow_buffer out;
};

static void put_value(struct texts *texts, const struct tow_ipc_column *column, int64_t row)
{
    struct tow_error err = TOW_ERROR_INIT;
    size_t before = texts->out.size, length;
    int code = tow_ipc_json_put(texts->json, column, row, &texts->out, &err);

    length = texts->out.size - before;
    demand(code == TOW_OK || code == TOW_E_DATA, "a value has a text, or is at fault");
    if (code != TOW_OK) {
        demand(err.message[0] && length == 0, "what failed leaves a message, and nothing else");
        return;
    }
    demand(length <= TEXT_LIMIT, "the limit is kept");
    demand(tow_json_valid(texts->out.data + before, length, 2 * TOW_IPC_DEPTH_MAX), "it is JSON");
}

static void put_batch(const struct tow_ipc_batch *batch, void *context)
{
    struct texts *texts = context;

    for (int64_t row = 0; row < batch->length && row < ROWS_MAX; row++)
        for (size_t i = 0; i < batch->column_count; i++)
            put_value(texts, &batch->columns[i], row);
    texts->out.size = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct texts texts = {.json = tow_ipc_json_new(TEXT_LIMIT, NULL)};

    demand(texts.json != NULL, "there is memory");
    fuzz_arrow(data, size, put_batch, &texts);
    tow_ipc_json_free(texts.json);
    tow_buffer_release(&texts.out);
    return 0;
}
