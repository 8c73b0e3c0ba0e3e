/* Inside of towpath/texts.h: the converters, and what the fast ones leave to the others. */
#ifndef KIT_VALUE_TEXTS_H
#define KIT_VALUE_TEXTS_H

#include "towpath/texts.h"

tow_texts_convert tow_texts_bool, tow_texts_integer, tow_texts_uint64, tow_texts_float32;
tow_texts_convert tow_texts_float64, tow_texts_decimal, tow_texts_date, tow_texts_date_format;
tow_texts_convert tow_texts_timestamp, tow_texts_timestamp_format;

/* Rows [first, first + count) alone, of the same arrays; the bits returned are those of the rows.
 */
uint64_t tow_texts_int64_rows(const struct tow_texts *texts, unsigned first, unsigned count,
                              int64_t *out);
uint64_t tow_texts_float64_rows(const struct tow_texts *texts, unsigned first, unsigned count,
                                double *out);
uint64_t tow_texts_date_rows(const struct tow_texts *texts, unsigned first, unsigned count,
                             int32_t *out);
uint64_t tow_texts_timestamp_rows(const struct tow_texts *texts, unsigned first, unsigned count,
                                  int no_zone, int64_t *out);

/* All rows as int64 to the values of an integer type of that width; those out of its bounds are
 * returned. */
uint64_t tow_texts_narrow(struct tow_type type, const int64_t *values, unsigned count,
                          uint64_t null, void *out);

#if defined(__x86_64__)
tow_texts_convert tow_texts_integer_avx512, tow_texts_float64_avx512, tow_texts_date_avx512;
tow_texts_convert tow_texts_timestamp_avx512;
int tow_texts_has_avx512(void);
tow_texts_convert tow_texts_integer_avx2, tow_texts_float64_avx2, tow_texts_date_avx2;
tow_texts_convert tow_texts_timestamp_avx2;
int tow_texts_has_avx2(void);
#endif

#endif
