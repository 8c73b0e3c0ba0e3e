/* Batches written as text, run through the columns of a job and read back as text. */
#ifndef TESTS_UNIT_COLUMNS_FIXTURE_H
#define TESTS_UNIT_COLUMNS_FIXTURE_H

#include "columns/columns.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* clang-format off */
#define STRING_TYPE {TOW_TYPE_STRING, 0, 0}
#define INT32_TYPE  {TOW_TYPE_INT32, 0, 0}
#define INT64_TYPE  {TOW_TYPE_INT64, 0, 0}
/* clang-format on */

#define COLUMNS_REJECTS_MAX 8192

/* What was said of rejected rows, in the order in which it was said. */
struct rejects {
    int64_t count;
    int64_t rows[COLUMNS_REJECTS_MAX];
    char codes[COLUMNS_REJECTS_MAX][24];
    char message[1024]; /* of the first */
    int refuse;         /* what the callback returns from the second row on */
};

int rejects_take(void *context, int64_t row, const char *code, const char *message);

struct tow_type type_of(const char *name);
/* A schema of nullable columns. */
void schema_of(struct ArrowSchema *schema, const struct tow_field *fields, size_t count);
/* Appends a value written as text: NULL is null, binary is hex. */
void append_text(struct tow_builder *builder, size_t column, struct tow_type type,
                 const char *text);
/* A batch of `rows` rows; texts run row by row. */
struct tow_share *batch_of(const struct tow_field *fields, size_t columns, const char *const *texts,
                           int64_t rows);
/* Rows [first, first + count) as a batch of its own; drops the reference to the other. */
struct tow_share *slice_of(struct tow_share *share, int64_t first, int64_t count);
/* Row of a column as text, in 128 bytes of the caller's: "NULL" for null, binary is hex. */
const char *text_at(const struct ArrowSchema *schema, const struct ArrowArray *array,
                    int64_t column, int64_t row, char text[128]);

/* Columns without findings. */
struct tow_columns *columns_of(const struct tow_column_spec *specs, size_t count,
                               const struct ArrowSchema *in);
/* Runs a batch through; fails the test on an error, and where the result does not fit its
 * schema. */
void columns_run(struct tow_columns *columns, struct tow_share *in, struct ArrowArray *out,
                 struct rejects *rejects);

/* What a job comes to: columns over one batch, and what went out. */
struct outcome {
    struct ArrowSchema schema;
    struct tow_columns *columns;
    struct tow_share *in;
    struct ArrowArray out;
    struct rejects rejects;
};

/* Incoming columns a (int64) and b (string). */
extern const struct tow_field two_fields[2];

void outcome_init(struct outcome *outcome, const struct tow_column_spec *specs, size_t count,
                  const struct tow_field *fields, size_t field_count, const char *const *texts,
                  int64_t rows);
void outcome_release(struct outcome *outcome);
/* The columns of an outgoing row as text. */
void check_row(const struct outcome *outcome, int64_t row, const char *const *texts);

#endif
