/* What the far end of a Zerobus stream says: the first byte tells whether the rest is an answer on
 * a stream ('a'), the records of a request ('r'), or Unity Catalog's description of a table. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/zerobus/schema.h"
#include "connectors/zerobus/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "broken: %s\n", what);
    abort();
}

static void answer(const uint8_t *data, size_t size)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_zerobus_answer found;

    if (tow_zerobus_read_answer(data, size, &found, &err) != TOW_OK) {
        demand(err.code == TOW_E_TRANSIENT, "class");
        return;
    }
    demand(found.grace_ms >= 0 && found.grace_ms <= INT64_C(86400000), "grace");
    if (!found.stream_id)
        return;
    demand((const uint8_t *)found.stream_id >= data, "id begins inside");
    demand((const uint8_t *)found.stream_id + found.stream_id_length <= data + size, "and ends");
}

static void records(const uint8_t *data, size_t size)
{
    size_t at = 0, step;

    while ((step = tow_zerobus_record_size((const char *)data + at, size - at)) > 0) {
        at += step;
        demand(at <= size, "record inside");
    }
}

/* What is read can be written, and its descriptor is a message. */
static void table(const uint8_t *data, size_t size)
{
    json_t *root = json_loadb((const char *)data, size, 0, NULL);
    struct tow_zerobus_message message;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};

    if (root && tow_zerobus_schema_read(&message, root, &err) == TOW_OK) {
        struct tow_proto_reader reader;
        struct tow_proto_field field;
        int got;

        demand(tow_zerobus_put_descriptor(&out, &message, &err) == TOW_OK, "descriptor");
        reader = tow_proto_reader_of(out.data, out.size);
        while ((got = tow_proto_next(&reader, &field)) == 1)
            continue;
        demand(got == 0, "descriptor is a message");
        demand(tow_zerobus_put_proto_file(&out, &message, "fuzz", &err) == TOW_OK, "file");
        tow_zerobus_schema_release(&message);
    }
    tow_buffer_release(&out);
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == 'a')
        answer(data + 1, size - 1);
    else if (size > 0 && data[0] == 'r')
        records(data + 1, size - 1);
    else
        table(data, size);
    return 0;
}
