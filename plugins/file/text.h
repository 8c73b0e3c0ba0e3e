/* Rows as the text of the chosen format. */
#ifndef PLUGINS_FILE_TEXT_H
#define PLUGINS_FILE_TEXT_H

#include "plugins/file/target.h"
#include "towpath/arrow.h"
#include "towpath/rowtext.h"

struct tow_file_text; /* opaque */

struct tow_file_text *tow_file_text_new(const struct tow_file_target *target,
                                        const struct ArrowSchema *schema, struct tow_error *err);
void tow_file_text_free(struct tow_file_text *text);

/* What stands at the top of each file; appends nothing where that is nothing. */
int tow_file_text_head(struct tow_file_text *text, struct tow_buffer *out, struct tow_error *err);
int tow_file_text_rows(struct tow_file_text *text, const struct ArrowArray *array, int64_t first,
                       int64_t count, struct tow_buffer *out, struct tow_error *err);

/* Differs between any two sets of options and columns whose texts may not share a file. */
uint64_t tow_file_text_layout(const struct tow_file_target *target,
                              const struct ArrowSchema *schema);

/* For `check`: options of the format that no columns could make good. */
int tow_file_text_check(const struct tow_file_target *target, struct tow_error *err);

#endif
