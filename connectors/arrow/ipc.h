/*
 * Arrow IPC streams, the subset that databases send (docs: Arrow columnar format, "Serialization
 * and interprocess communication"): one schema, then record batches, little-endian, metadata V4 or
 * V5, buffers plain or compressed with LZ4 frames or ZSTD.
 *
 * The bytes come from outside: every length and offset is checked before it is used, nothing is
 * allocated beyond the limits below, and no input makes the reader crash or read out of bounds.
 * What it hands out has been checked as well: buffers are as long as their rows need, offsets rise
 * and end within their data.
 *
 * What stays unchecked is what readers of the values meet anyway: that text is UTF-8, that a
 * column without nulls by its schema has none, and that values lie in the range of their type.
 *
 * A reader takes the stream in pieces of any size, as they arrive, and holds one record batch at a
 * time. One thread at a time.
 */
#ifndef CONNECTORS_ARROW_IPC_H
#define CONNECTORS_ARROW_IPC_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/error.h"

#define TOW_IPC_METADATA_MAX (16u << 20) /* bytes of one message's metadata */
#define TOW_IPC_FIELDS_MAX   10000       /* in all, nested ones among them */
#define TOW_IPC_DEPTH_MAX    64
#define TOW_IPC_ROWS_MAX     INT32_MAX /* of a batch, and elements of a nested column */

enum tow_ipc_type {
    TOW_IPC_NULL,
    TOW_IPC_BOOL,
    TOW_IPC_INT,     /* width 8, 16, 32, 64; is_signed */
    TOW_IPC_FLOAT,   /* width 32, 64 */
    TOW_IPC_DECIMAL, /* width 128; precision, scale */
    TOW_IPC_UTF8,
    TOW_IPC_BINARY,
    TOW_IPC_LARGE_UTF8, /* 64-bit offsets */
    TOW_IPC_LARGE_BINARY,
    TOW_IPC_DATE,            /* unit: TOW_IPC_DAY (int32) or TOW_IPC_MILLI (int64) */
    TOW_IPC_TIMESTAMP,       /* unit; timezone "" where it has none */
    TOW_IPC_TIME,            /* unit, width 32 or 64 */
    TOW_IPC_DURATION,        /* unit */
    TOW_IPC_INTERVAL_MONTHS, /* int32 months */
    TOW_IPC_INTERVAL_DAYS,   /* int32 days, int32 milliseconds */
    TOW_IPC_FIXED_BINARY,    /* width in bits */
    TOW_IPC_LIST,
    TOW_IPC_LARGE_LIST,
    TOW_IPC_FIXED_LIST, /* list_size */
    TOW_IPC_MAP,        /* one child: struct of key and value */
    TOW_IPC_STRUCT
};

enum tow_ipc_unit { TOW_IPC_SECOND, TOW_IPC_MILLI, TOW_IPC_MICRO, TOW_IPC_NANO, TOW_IPC_DAY };

/* width: bits of a value, of every type that has `values`; bool has 1. */
struct tow_ipc_field {
    const char *name; /* UTF-8, "" where it has none */
    enum tow_ipc_type type;
    enum tow_ipc_unit unit;
    int width, is_signed, precision, scale, list_size, nullable;
    const char *timezone;
    struct tow_ipc_field *children;
    size_t child_count;
};

/*
 * One column of a record batch, or a child of one. Element i of `length` is at index i of every
 * buffer (no offset). validity is NULL exactly where there are no nulls, and in a column of type
 * null, whose null_count is its length. Buffers that a type has are never NULL, also where length
 * is 0. They are aligned to 8 bytes and may be read 64 bytes past their end.
 *
 * A child has at least the elements that its parent asks for: a struct's child those of the
 * struct, a fixed list's list_size times as many, a list's or map's those up to the last offset.
 */
struct tow_ipc_column {
    const struct tow_ipc_field *field; /* the reader's: good until reset or free */
    int64_t length, null_count;
    const uint8_t *validity;
    const void *values;  /* fixed-width values, bits of bool */
    const void *offsets; /* int32 or int64, length + 1 of them, for text, binary, list and map */
    const char *bytes;   /* of text and binary */
    struct tow_ipc_column *children;
    size_t child_count;
};

/* A record batch and the memory that it lies in. */
struct tow_ipc_batch {
    int64_t length;
    struct tow_ipc_column *columns;
    size_t column_count;
    struct tow_ipc_memory *memory; /* counted; see tow_ipc_memory_ref */
};

struct tow_ipc;

/* How the stream is wrapped as a whole. */
enum tow_ipc_wrapping { TOW_IPC_PLAIN, TOW_IPC_LZ4_FRAMES /* one or more, concatenated */ };

/* message_limit: bytes of one record batch, uncompressed. */
struct tow_ipc *tow_ipc_new(enum tow_ipc_wrapping wrapping, size_t message_limit,
                            struct tow_error *err);
void tow_ipc_free(struct tow_ipc *ipc);
/* Gets ready for another stream; keeps its memory. */
void tow_ipc_reset(struct tow_ipc *ipc);

/*
 * Takes bytes until a whole record batch is there: TOW_OK with *batch filled, of which the caller
 * releases the memory; TOW_END where all bytes are used up and more are needed. *used tells how
 * many of the `length` bytes were taken. One piece may hold several batches, also where all of it
 * is taken with the first of them (compressed bytes): call with the rest, be it empty, until
 * TOW_END.
 *
 * A damaged stream is TOW_E_DATA; one that uses what is not read here (dictionaries, unions, views,
 * other byte orders), or goes beyond a limit, TOW_E_UNSUPPORTED: both with message number, offset
 * and reason. After any error only reset and free may follow.
 */
int tow_ipc_read(struct tow_ipc *ipc, const void *bytes, size_t length, size_t *used,
                 struct tow_ipc_batch *batch, struct tow_error *err);
/* Tells that no byte follows, after TOW_END: TOW_OK where the stream may end here, behind its
 * schema and whole messages, with or without end marker; TOW_E_DATA where it is cut. */
int tow_ipc_end(struct tow_ipc *ipc, struct tow_error *err);

/* The columns; NULL until the schema has been read. Good until reset or free. */
const struct tow_ipc_field *tow_ipc_schema(const struct tow_ipc *ipc, size_t *count);

/* The columns of a batch lie in memory that is counted, so that parts of it can outlive the reader;
 * any thread. The structures `columns` go with the memory too. */
struct tow_ipc_memory *tow_ipc_memory_ref(struct tow_ipc_memory *memory);
void tow_ipc_memory_unref(struct tow_ipc_memory *memory);

#endif
