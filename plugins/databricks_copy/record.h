/* Reading a text record: numbers and words with one separator behind each but the last. */
#ifndef PLUGINS_DATABRICKS_COPY_RECORD_H
#define PLUGINS_DATABRICKS_COPY_RECORD_H

#include <stddef.h>
#include <stdint.h>

struct tow_copy_record {
    const char *at; /* NULL once something was not as expected */
    const char *end;
};

/* A decimal number up to `most`, then `separator` ('\0': the end of the record). */
uint64_t tow_copy_record_number(struct tow_copy_record *record, uint64_t most, char separator);
/* A word or line of at most size - 1 bytes, without NUL. */
void tow_copy_record_text(struct tow_copy_record *record, char *text, size_t size, char separator);
/* Index of one of the words, of which NULL ends the list; none has more than 15 bytes. */
int32_t tow_copy_record_word(struct tow_copy_record *record, const char *const *words,
                             char separator);
/* 1 where all was as expected, up to the end. */
int tow_copy_record_is_read(const struct tow_copy_record *record);

#endif
