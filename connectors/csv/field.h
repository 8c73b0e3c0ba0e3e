/* One field: from its bytes in the file to its value. */
#ifndef CONNECTORS_CSV_FIELD_H
#define CONNECTORS_CSV_FIELD_H

#include <stddef.h>

#include "connectors/csv/dialect.h"

struct tow_csv_text {
    const char *start;
    size_t length;
};

/* What is left of a field where the dialect trims; otherwise the field. */
struct tow_csv_text tow_csv_field_trim(const struct tow_csv_dialect *dialect, const char *text,
                                       size_t length);

/* Writes the value of a field, trimmed, to `to`, which has room for field.length bytes.
 * Returns its length. A quoted field ends with its closing quote. */
size_t tow_csv_field_decode(const struct tow_csv_dialect *dialect, struct tow_csv_text field,
                            char *to);

/* The same for what stands between the quotes of a quoted field. */
size_t tow_csv_field_unquote(const struct tow_csv_dialect *dialect, const char *text, size_t length,
                             char *to);

#endif
