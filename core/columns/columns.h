/*
 * The `columns` section of a job: selects, renames, converts and orders columns.
 *
 * Columns that pass unchanged are shared with the incoming batch, not copied; the others are
 * converted column by column. A value that does not convert rejects its row with column, value
 * and reason; nothing becomes null or zero silently.
 *
 * Order of the steps on one value: null_if -> trim -> lower -> default (where null) -> hash ->
 * conversion to `type`; `required` is checked on what goes in to the conversion. null_if compares
 * after trim where trim is set. `value` (constant) goes through the conversion once.
 *
 * null_if compares bytes of strings, json and binary, and the text form of other types ("0.00" for
 * a decimal of scale 2, "2024-02-29" for a date). trim cuts ASCII white space and lower changes
 * A to Z only; both are for strings. hash takes the same text form and gives hex, or with type
 * "binary" the 32 bytes. A default is text and becomes a value of the outgoing type as text would;
 * trim and lower leave it alone.
 *
 * Conversions lose nothing silently: a value that the type cannot hold exactly is refused.
 * - text to any type: as towpath/value.h reads it. Empty text is no number, date or JSON.
 * - text to timestamp: RFC 3339, or `format`: strptime(3)'s letters, or one of epoch_s, epoch_ms,
 *   epoch_us, epoch_ns, which may have digits behind the point; those beyond microseconds are cut.
 *   Without a zone it is UTC; for timestamp_ntz a zone is refused. Numbers become timestamps by
 *   one of the epochs only; floats are taken to the nearest microsecond.
 * - text to date: yyyy-mm-dd or `format`; a time of day other than midnight is refused, also from
 *   timestamps.
 * - text to and from binary: `format` base64 (default), hex, or utf8 (the bytes as they are).
 * - integers, floats, decimals to each other where nothing is lost, save that float32 rounds, that
 *   decimals become the nearest float, and that a float becomes the decimal of its shortest text
 *   (0.1 is 0.1). bool and integers: 0 and 1.
 * - date to timestamp: midnight. timestamp and timestamp_ntz: the same in UTC.
 * - anything to string as towpath/value.h writes it; string to json where it is JSON, nested 64
 *   deep at most.
 *
 * A column is not null in the outgoing schema where it is required or a constant.
 */
#ifndef CORE_COLUMNS_COLUMNS_H
#define CORE_COLUMNS_COLUMNS_H

#include "config/job.h"
#include "towpath/batch.h"

struct tow_columns;

/*
 * Checks the specs against the incoming schema: unknown `from` (with nearest name), doubled names,
 * constants and defaults that do not convert, formats that cannot be read, steps that do not fit
 * the type. All findings at once: TOW_OK, and *out is NULL where one was an error. Other classes
 * only for want of memory or of libcrypto's SHA-256. The specs' strings stay borrowed until free.
 */
int tow_columns_new(const struct tow_column_spec *specs, size_t count, const struct ArrowSchema *in,
                    struct tow_columns **out, struct tow_diags *diags, struct tow_error *err);
void tow_columns_free(struct tow_columns *columns);
/* What goes out. Borrowed. */
const struct ArrowSchema *tow_columns_schema(const struct tow_columns *columns);

/* Told of each rejected row of the incoming batch, rising; strings are good for the call. Other
 * than TOW_OK stops the batch and is what tow_columns_apply returns, err as it was. */
typedef int tow_columns_reject(void *context, int64_t row, const char *code, const char *message);

/*
 * Converts a batch: the outgoing array lacks the rejected rows; *out may share buffers with `in`
 * and holds its own reference. A row is reported once, for the first of its columns that fails
 * (in order of the specs). Codes: "required", "bad_<type>" (text that is no such value),
 * "out_of_range" (a value that the type cannot hold). One thread at a time; outgoing arrays may be
 * released by any, also after tow_columns_free.
 */
int tow_columns_apply(struct tow_columns *columns, struct tow_share *in, struct ArrowArray *out,
                      tow_columns_reject *reject, void *context, struct tow_error *err);

/* No batch is expected for a while: frees what is kept for the next. */
void tow_columns_rest(struct tow_columns *columns);

#endif
