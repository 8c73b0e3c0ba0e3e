/* Files of events, from bytes to values: NDJSON, JSON arrays and CSV, plain or compressed, through
 * windows of every size. The first byte says which. */
#include <stdint.h>

#include "connectors/events/event.h"
#include "connectors/events/frames.h"
#include "connectors/events/table.h"
#include "fuzz_demand.h"
#include "fuzz_memory.h"
#include "towpath/value.h"

#define ROW_BYTES 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
    struct tow_event_reader fast, slow;
    struct tow_event_table table;
    struct tow_csv_dialect dialect;
};

static int is_same(struct tow_json_part a, struct tow_json_part b)
{
    return a.length == b.length && !a.text == !b.text &&
           (!a.text || a.length == 0 || memcmp(a.text, b.text, a.length) == 0);
}

/* Two ways to read an event agree, and what they say of one can be relied on. */
static void try_event(struct fuzz *fuzz, const char *text, size_t length)
{
    const struct tow_event_origin origin = {NULL, 1234567};
    struct tow_event one = {.id = 0}, two = {.id = 0};
    struct tow_event_fault fault, other;
    struct tow_error err = TOW_ERROR_INIT;
    int code = tow_event_read(&fuzz->fast, text, length, &origin, &one, &fault, &err);

    demand(tow_event_read(&fuzz->slow, text, length, &origin, &two, &other, &err) == code,
           "the same verdict");
    demand(code == TOW_OK || code == TOW_E_DATA, "an event or none");
    if (code == TOW_E_DATA) {
        demand(strcmp(fault.code, other.code) == 0 && strcmp(fault.message, other.message) == 0,
               "the same fault");
        demand(strlen(fault.message) > 10, "a message");
        return;
    }
    demand(one.id == two.id && one.event_us == two.event_us && one.receive_us == two.receive_us,
           "the same numbers");
    demand(is_same(one.stream, two.stream) && is_same(one.data, two.data), "the same texts");
    demand(one.stream.length == 0 || tow_utf8_valid(one.stream.text, one.stream.length),
           "a stream that is text");
    demand(!one.data.text || tow_json_valid(one.data.text, one.data.length, TOW_DOCUMENT_DEPTH_MAX),
           "a payload that is JSON");
}

static void try_frame(struct fuzz *fuzz, const struct tow_frames *frames,
                      const struct tow_frame *frame)
{
    struct tow_error err = TOW_ERROR_INIT;
    size_t count;
    int code;

    if (frame->fault)
        return;
    demand(frame->length <= ROW_BYTES, "a record within its limit");
    if (frames->kind != TOW_FRAMES_TABLE) {
        try_event(fuzz, frame->text, frame->length);
        return;
    }
    if (fuzz->table.count == 0) {
        if (tow_event_table_header(&fuzz->table, frame->text, frame->length, &err) != TOW_OK) {
            demand_message(&err);
            tow_event_table_release(&fuzz->table);
        }
        return;
    }
    code = tow_event_table_row(&fuzz->table, frame->text, frame->length, &count, &err);
    demand(code == TOW_OK || code == TOW_END, "a row, or another number of fields");
    if (code == TOW_OK)
        try_event(fuzz, fuzz->table.json.data, fuzz->table.json.size);
}

static void try_file(struct fuzz *fuzz, struct memory *memory, int kind, size_t window_size)
{
    const struct tow_input_options options = {.cancel_fd = -1, .buffer_size = 64};
    const struct tow_reader reader = {memory_read, memory_free, memory};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_input *input = tow_input_new_reader("input", &reader, &options, &err);
    struct tow_frames frames = {
        .path = "input", .kind = kind, .row_bytes = ROW_BYTES, .dialect = &fuzz->dialect};
    struct tow_window window;
    struct tow_frame frame;
    int64_t offset = -1;
    int code;

    demand(input != NULL, "an input");
    demand(tow_window_init(&window, window_size, ROW_BYTES + 1, &err) == TOW_OK, "a window");
    tow_window_attach(&window, input);
    demand(tow_frames_begin(&frames, &window, 1, &err) == TOW_OK, "frames");
    while ((code = tow_frames_next(&frames, &frame, &err)) == TOW_OK) {
        demand(frame.offset > offset && frame.line > 0, "records one behind the other");
        offset = frame.offset;
        try_frame(fuzz, &frames, &frame);
        tow_frames_take(&frames);
    }
    demand(code == TOW_END || code == TOW_E_ENV, "an end");
    if (code != TOW_END)
        demand_message(&err);
    tow_frames_release(&frames);
    tow_window_release(&window);
    tow_input_free(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const kept[] = {"a", "\xC3\xA9"}, *const nothing[] = {""};
    const struct tow_csv_settings csv = {
        .delimiter = ",", .quote = "\"", .null_values = nothing, .null_count = 1};
    struct tow_event_settings settings = {.stream = "s", .data_fields = kept};
    struct tow_error err = TOW_ERROR_INIT;
    struct fuzz fuzz = {.table.count = 0};
    struct memory memory = {data + 1, size ? size - 1 : 0, 0, 7};
    int how = size ? data[0] : 0;

    settings.data_field_count = how & 4 ? 2 : 0;
    settings.replaces = how >> 3 & 1;
    settings.hashes_overflow = how >> 4 & 1;
    demand(tow_csv_dialect_init(&fuzz.dialect, &csv, &err) == TOW_OK, "a dialect");
    fuzz.table.dialect = &fuzz.dialect;
    tow_event_reader_init(&fuzz.fast, &settings, tow_json_index_choose(NULL, &err));
    tow_event_reader_init(&fuzz.slow, &settings, tow_json_index_choose("scalar", &err));
    if (size > 0)
        try_file(&fuzz, &memory, how % 4 % 3, how & 32 ? 9 : 4096);
    tow_event_reader_release(&fuzz.fast);
    tow_event_reader_release(&fuzz.slow);
    tow_event_table_release(&fuzz.table);
    return 0;
}
