/*
 * The part of a file that is in memory: the row at hand, what was read behind it, and up to 4 KiB
 * before it, from which positions are checked.
 */
#ifndef CONNECTORS_FILES_WINDOW_H
#define CONNECTORS_FILES_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/files/block.h"
#include "connectors/files/input.h"
#include "towpath/error.h"

#define TOW_WINDOW_SIZE    (256u << 10)
#define TOW_WINDOW_HISTORY 4096u
/* Bytes that may be read before data, and behind the end: those are never NUL, quote or above 127.
 */
#define TOW_WINDOW_SLACK TOW_BLOCK_SLACK

struct tow_window {
    struct tow_input *input; /* borrowed */
    struct tow_blocks *blocks;
    struct tow_block *block; /* that data lies in. While others hold it, too, its text stays where
                                it is. NULL: nothing is in the window yet */
    char *data;
    size_t capacity;
    size_t start, end; /* bytes not consumed yet */
    size_t history;    /* bytes before start that are still there */
    size_t usual;      /* capacity for what is not consumed, while rows are short */
    size_t most;       /* the same, for the longest row that is waited for */
    int at_end;        /* nothing comes behind end */
};

/* size 0: TOW_WINDOW_SIZE. The caller never asks for more than `most` bytes at once. */
int tow_window_init(struct tow_window *window, size_t size, size_t most, struct tow_error *err);
void tow_window_release(struct tow_window *window);
/* Empties the window for another input. */
void tow_window_attach(struct tow_window *window, struct tow_input *input);

/* Reads more behind the end: some bytes, or at_end. Makes the window larger where all of it is the
 * row at hand, and small again afterwards. Positions in it change. */
int tow_window_fill(struct tow_window *window, struct tow_error *err);

/* Offset in the uncompressed file of window->start. */
int64_t tow_window_offset(const struct tow_window *window);

/* Moves start forward. */
void tow_window_consume(struct tow_window *window, size_t count);

/* Consumes up to `offset`, which is not before start; keeps the history. */
int tow_window_skip_to(struct tow_window *window, int64_t offset, struct tow_error *err);

/* Bytes before start that a checksum can cover: as many as there are, up to TOW_WINDOW_HISTORY. */
size_t tow_window_history(const struct tow_window *window);
/* CRC-32 of the last `length` bytes before start, no more than tow_window_history says. */
uint32_t tow_window_checksum(const struct tow_window *window, size_t length);

#endif
