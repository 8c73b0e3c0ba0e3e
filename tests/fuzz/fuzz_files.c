/*
 * Files from outside and their names. The first byte says what the rest is: bytes of a file, plain,
 * gzip or zstd ('g'), a template and a path with a line end between ('t'), or a mark of the ledger
 * ('m').
 */
#include <fnmatch.h>
#include <stdint.h>
#include <zlib.h>

#include "connectors/files/input.h"
#include "connectors/files/mark.h"
#include "connectors/files/template.h"
#include "fuzz_demand.h"
#include "fuzz_memory.h"
#include "towpath/rowtext.h"

#define OUTPUT_MAX 300000 /* bytes that are looked at: few may become many */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- compressed files -------------------------------------------------------------------------
 */

/* All of it, or OUTPUT_MAX bytes: TOW_OK, or the class of the break. */
static int read_all(const uint8_t *data, size_t size, size_t step, size_t capacity,
                    struct tow_buffer *out)
{
    const struct tow_input_options options = {.cancel_fd = -1, .buffer_size = step};
    struct memory memory = {data, size, 0, step};
    const struct tow_reader reader = {memory_read, memory_free, &memory};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_input *input = tow_input_new_reader("file", &reader, &options, &err);
    size_t length = 1;
    int code = TOW_OK, again;

    demand(input != NULL, "an input");
    while (code == TOW_OK && length > 0 && out->size < OUTPUT_MAX) {
        demand(tow_buffer_reserve(out, capacity, &err) == TOW_OK, "memory");
        code = tow_input_read(input, out->data + out->size, capacity, &length, &err);
        if (code == TOW_OK) {
            demand(length <= capacity, "no more than there is room for");
            out->size += length;
            demand(tow_input_offset(input) == (int64_t)out->size, "the offset");
        }
    }
    if (code != TOW_OK) {
        demand(code == TOW_E_ENV, "what is damaged is said to be");
        demand_message(&err);
        again = tow_input_read(input, &length, 1, &length, &err);
        demand(again == code, "the break stays");
    }
    tow_input_free(input);
    return code;
}

/* How much comes before a break depends on the pieces: libzstd decodes a frame at once where it
 * can. */
static void demand_same(const struct tow_buffer *a, const struct tow_buffer *b, int code)
{
    size_t length = a->size < b->size ? a->size : b->size;

    if (code == TOW_OK && a->size < OUTPUT_MAX && b->size < OUTPUT_MAX)
        demand(a->size == b->size, "as many bytes however they are read");
    demand(length == 0 || memcmp(a->data, b->data, length) == 0, "the same bytes");
}

/* By zlib: members one behind another, then zeros. 1 where all of it is sound. */
static int by_zlib(const uint8_t *data, size_t size, struct tow_buffer *out)
{
    struct tow_error err = TOW_ERROR_INIT;
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)size};
    int result;

    demand(inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK, "zlib");
    do {
        demand(tow_buffer_reserve(out, 4096, &err) == TOW_OK, "memory");
        stream.next_out = (Bytef *)out->data + out->size;
        stream.avail_out = 4096;
        result = inflate(&stream, Z_NO_FLUSH);
        out->size += 4096 - stream.avail_out;
        if (result == Z_STREAM_END && stream.avail_in > 0 && *stream.next_in == 0x1f)
            result = inflateReset(&stream);
    } while (result == Z_OK && out->size < OUTPUT_MAX);
    while (result == Z_STREAM_END && stream.avail_in > 0 && *stream.next_in == 0) {
        stream.next_in++;
        stream.avail_in--;
    }
    inflateEnd(&stream);
    return (result == Z_STREAM_END && stream.avail_in == 0) || out->size >= OUTPUT_MAX;
}

static void try_file(const uint8_t *data, size_t size)
{
    struct tow_buffer whole = {0}, pieces = {0}, bytes = {0}, theirs = {0};
    int code = read_all(data, size, 1 << 16, 1 << 16, &whole);

    demand(read_all(data, size, 7, 100, &pieces) == code, "the same verdict of small pieces");
    demand_same(&whole, &pieces, code);
    demand(read_all(data, size, 64, 3, &bytes) == code, "the same verdict of small steps");
    demand_same(&whole, &bytes, code);
    if (size >= 2 && data[0] == 0x1f && data[1] == 0x8b && by_zlib(data, size, &theirs)) {
        demand(code == TOW_OK, "what is sound to zlib is to us");
        demand_same(&whole, &theirs, code);
    }
    tow_buffer_release(&whole);
    tow_buffer_release(&pieces);
    tow_buffer_release(&bytes);
    tow_buffer_release(&theirs);
}

/* ---- templates --------------------------------------------------------------------------------
 */

/* 1 where the C library knows the same patterns: no places, no "**", no sets, no escapes, and no
 * part that is empty or more than one star long. */
static int is_for_fnmatch(const char *text)
{
    return !strpbrk(text, "{}[]\\") && !strstr(text, "**") && !strstr(text, "//") &&
           text[0] != '/' && *text && text[strlen(text) - 1] != '/';
}

static void try_template(char *text)
{
    char *path = strchr(text, '\n');
    struct tow_template template;
    struct tow_template_values values;
    struct tow_error err = TOW_ERROR_INIT;
    int fits;

    if (path)
        *path++ = '\0';
    else
        path = text;
    if (tow_template_init(&template, text, &err) != TOW_OK) {
        demand_message(&err);
        return;
    }
    fits = tow_template_match(&template, path, &values);
    if (!fits) {
        demand(!is_for_fnmatch(text) || !is_for_fnmatch(path) ||
                   fnmatch(text, path, FNM_PATHNAME | FNM_PERIOD) != 0,
               "what fits the C library's fits ours");
        return;
    }
    demand(!is_for_fnmatch(text) || !is_for_fnmatch(path) ||
               fnmatch(text, path, FNM_PATHNAME | FNM_PERIOD) == 0,
           "what fits ours fits the C library's");
    demand(values.year >= 0 && values.year <= 9999 && values.month >= 0 && values.month <= 12 &&
               values.day >= 0 && values.day <= 31,
           "a date");
    if (values.stream) {
        demand(values.stream_length > 0 && values.stream >= path &&
                   values.stream + values.stream_length <= path + strlen(path),
               "a stream in the path");
        demand(!memchr(values.stream, '/', values.stream_length), "a stream without a folder");
    }
}

/* ---- marks ------------------------------------------------------------------------------------
 */

static void try_mark(const char *text)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_file_mark mark;
    char back[TOW_FILE_MARK_MAX];

    if (tow_file_mark_parse(&mark, text, &err) != TOW_OK) {
        demand_message(&err);
        return;
    }
    tow_file_mark_text(&mark, back);
    demand(strcmp(back, text) == 0, "the same mark");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size < 2)
        return 0;
    if (data[0] == 'g') {
        try_file(data + 1, size - 1);
        return 0;
    }
    text = strndup((const char *)data + 1, size - 1);
    demand(text != NULL, "memory");
    if (data[0] == 'm')
        try_mark(text);
    else if (size <= 300)
        try_template(text);
    free(text);
    return 0;
}
