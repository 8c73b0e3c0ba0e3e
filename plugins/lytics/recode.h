/*
 * A batch in which some columns are replaced by others that are made of them: binary by the text of
 * its hex digits, json by json that the far end takes. The other columns are the batch's own.
 */
#ifndef PLUGINS_LYTICS_RECODE_H
#define PLUGINS_LYTICS_RECODE_H

#include "towpath/batch.h"

enum tow_import_coding {
    TOW_IMPORT_KEEP, /* as it is */
    TOW_IMPORT_DIGITS,
    TOW_IMPORT_PLAIN, /* json: what nested.h calls not plain becomes a string */
};

struct tow_import_recode;

/* A coding for each column of the schema, which is copied. NULL with the error set. */
struct tow_import_recode *tow_import_recode_new(const struct ArrowSchema *schema,
                                                const enum tow_import_coding *codings,
                                                struct tow_error *err);
void tow_import_recode_free(struct tow_import_recode *recode);

/* The schema of what comes out. */
const struct ArrowSchema *tow_import_recode_schema(const struct tow_import_recode *recode);
/* The batch, which is borrowed until the next one, with its columns replaced; never released.
 * TOW_E_DATA where a column would have more than 2147483647 bytes. */
int tow_import_recode_batch(struct tow_import_recode *recode, const struct ArrowArray *array,
                            const struct ArrowArray **out, struct tow_error *err);

#endif
