/* A batch of a few rows, and its text by the row writers. Failures fail the running test. */
#ifndef TESTS_UNIT_TABLE_H
#define TESTS_UNIT_TABLE_H

#include "towpath/batch.h"
#include "towpath/rowtext.h"

struct table {
    struct ArrowSchema schema;
    struct tow_builder *builder;
    struct ArrowArray array; /* after table_finish */
    struct tow_buffer text;
    struct tow_error err;
};

void table_init(struct table *table, const struct tow_field *fields, size_t count);
/* `count` string columns "a", "b", "c". */
void table_init_strings(struct table *table, size_t count);
void table_release(struct table *table);

/* text NULL: a null. */
void table_put_bytes(struct table *table, size_t column, const char *text, size_t length);
void table_put_text(struct table *table, size_t column, const char *text);
void table_end_row(struct table *table);
/* A whole row of texts. */
void table_add_row(struct table *table, const char *const *texts, size_t count);
void table_finish(struct table *table);

/* What stands in table->text, as a string that is good until the next call; empties it. */
const char *table_text(struct table *table);
/* All rows as text; format NULL: the defaults. */
const char *table_csv(struct table *table, const struct tow_csv_format *format, int header);
const char *table_json(struct table *table, int flags);

#endif
