/* What the tests of Arrow IPC streams share: an example of all types, and streams read to text. */
#ifndef TESTS_UNIT_IPC_FIXTURE_H
#define TESTS_UNIT_IPC_FIXTURE_H

#include "ipc_writer.h"

#define IPC_LIMIT ((size_t)1 << 20)

/* Columns of all types, nested ones too, of five rows, some of them null. */
extern const struct tow_ipc_column ipc_example[];
extern const struct tow_ipc_field ipc_example_fields[];
extern const size_t ipc_example_count;

/* The schema of the example, two batches of it with an empty one between them, and the end. */
void ipc_put_example(struct tow_buffer *out, enum ipc_codec codec);

/* What is read of a stream. */
struct ipc_reading {
    struct tow_ipc *ipc;
    size_t piece; /* bytes of a piece, 0: all at once */
    size_t batches;
    struct tow_buffer text; /* a JSON array of values a row, with line ends */
};

void ipc_reading_init(struct ipc_reading *reading, enum tow_ipc_wrapping wrapping, size_t piece);
void ipc_reading_release(struct ipc_reading *reading);
/* Reads all of the stream and its end; the class of the first error. The memory that each piece
 * lies in ends where the piece ends. */
int ipc_reading_run(struct ipc_reading *reading, const void *bytes, size_t length,
                    struct tow_error *err);
/* Appends the rows of a batch to its text. */
int ipc_reading_add(struct ipc_reading *reading, const struct tow_ipc_batch *batch,
                    struct tow_error *err);

/* The stream is refused with that class and words, also in pieces of one byte. */
void ipc_refused(enum tow_ipc_wrapping wrapping, const struct tow_buffer *stream, int code,
                 const char *words);

/* Everything read of a stream that is as it should be; to be freed. */
char *ipc_text_of(enum tow_ipc_wrapping wrapping, size_t piece, const struct tow_buffer *stream);

#endif
