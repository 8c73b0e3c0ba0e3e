#include "connectors/files/window.h"

#include <string.h>
#include <zlib.h>

/* Another block, with the bytes that are still of use. */
static int window_allocate(struct tow_window *window, size_t capacity, struct tow_error *err)
{
    size_t kept = window->history + (window->end - window->start);
    struct tow_block *block = tow_block_new(window->blocks, capacity, err);

    if (!block)
        return TOW_E_NOMEM;
    if (kept)
        memcpy(block->data, window->data + window->start - window->history, kept);
    tow_block_unref(window->block);
    window->block = block;
    window->data = block->data;
    window->capacity = capacity;
    window->end = kept;
    window->start = window->history;
    return TOW_OK;
}

int tow_window_init(struct tow_window *window, size_t size, size_t most, struct tow_error *err)
{
    *window = (struct tow_window){.usual = size ? size : TOW_WINDOW_SIZE, .most = most};
    window->blocks = tow_blocks_new(TOW_WINDOW_HISTORY + window->usual, err);
    return window->blocks ? window_allocate(window, TOW_WINDOW_HISTORY + window->usual, err)
                          : TOW_E_NOMEM;
}

void tow_window_release(struct tow_window *window)
{
    tow_block_unref(window->block);
    tow_blocks_close(window->blocks);
    *window = (struct tow_window){0};
}

void tow_window_attach(struct tow_window *window, struct tow_input *input)
{
    window->input = input;
    window->start = window->end = window->history = 0;
    window->at_end = 0;
    if (!window->block || !tow_block_is_shared(window->block))
        return;
    tow_block_unref(window->block);
    window->block = NULL;
    window->data = NULL;
    window->capacity = 0;
}

/* At least double, so that a long row is not moved often; not beyond what is ever needed. */
static size_t window_larger(const struct tow_window *window, size_t rest)
{
    size_t doubled = rest > window->most / 2 ? window->most : 2 * rest;

    return TOW_WINDOW_HISTORY + (doubled > rest ? doubled : rest + 1);
}

/* Room behind what is not consumed: by moving that to the front, or by more memory. */
static int window_make_room(struct tow_window *window, struct tow_error *err)
{
    size_t rest = window->end - window->start;
    size_t usual = TOW_WINDOW_HISTORY + window->usual;

    if (window->history > TOW_WINDOW_HISTORY)
        window->history = TOW_WINDOW_HISTORY;
    if (window->capacity == 0)
        return window_allocate(window, usual, err);
    if (rest >= window->capacity - TOW_WINDOW_HISTORY)
        return window_allocate(window, window_larger(window, rest), err);
    if (window->capacity > usual && rest < window->usual)
        return window_allocate(window, usual, err);
    if (tow_block_is_shared(window->block))
        return window->capacity - window->end > window->usual / 2
                   ? TOW_OK
                   : window_allocate(window, window->capacity, err);
    if (window->start > window->history) {
        memmove(window->data, window->data + window->start - window->history,
                window->history + rest);
        window->start = window->history;
        window->end = window->start + rest;
    }
    return TOW_OK;
}

int tow_window_fill(struct tow_window *window, struct tow_error *err)
{
    size_t length;
    int code = window_make_room(window, err);

    if (code != TOW_OK)
        return code;
    code = tow_input_read(window->input, window->data + window->end, window->capacity - window->end,
                          &length, err);
    window->end += length;
    memset(window->data + window->end, '\n', TOW_WINDOW_SLACK);
    if (code == TOW_OK && length == 0)
        window->at_end = 1;
    return code;
}

int64_t tow_window_offset(const struct tow_window *window)
{
    return tow_input_offset(window->input) - (int64_t)(window->end - window->start);
}

void tow_window_consume(struct tow_window *window, size_t count)
{
    window->start += count;
    window->history += count;
}

int tow_window_skip_to(struct tow_window *window, int64_t offset, struct tow_error *err)
{
    int64_t far = offset - (int64_t)TOW_WINDOW_HISTORY;
    int code = TOW_OK;

    if (far > tow_input_offset(window->input)) {
        tow_window_attach(window, window->input);
        code = tow_input_skip_to(window->input, far, err);
    }
    while (code == TOW_OK) {
        int64_t left = offset - tow_window_offset(window);
        size_t here = window->end - window->start;

        if (left <= 0)
            break;
        tow_window_consume(window, (uint64_t)left < here ? (size_t)left : here);
        if ((uint64_t)left <= here)
            break;
        /* An input that is too short says so by its size. */
        code = window->at_end ? tow_input_skip_to(window->input, offset, err)
                              : tow_window_fill(window, err);
    }
    return code;
}

size_t tow_window_history(const struct tow_window *window)
{
    return window->history < TOW_WINDOW_HISTORY ? window->history : TOW_WINDOW_HISTORY;
}

uint32_t tow_window_checksum(const struct tow_window *window, size_t length)
{
    const char *from = window->data + window->start - length;

    return (uint32_t)crc32(0, (const unsigned char *)from, (uInt)length);
}
