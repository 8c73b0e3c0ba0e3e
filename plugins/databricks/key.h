/*
 * Values of the columns that rows are ordered by: cursor and tie-breakers. They travel as text, as
 * parameters of statements and in positions; NULL is SQL's NULL.
 *
 * The text of a type: timestamps "2026-01-02T03:04:05.123456Z" (timestamp_ntz without the Z), dates
 * "2026-01-02", numbers with all digits, "true" and "false", strings as they are.
 */
#ifndef PLUGINS_DATABRICKS_KEY_H
#define PLUGINS_DATABRICKS_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "plugins/shared/databricks_types.h"
#include "towpath/batch.h"
#include "towpath/rowtext.h"

#define TOW_KEYS_MAX     16  /* columns of a key: cursor and tie-breakers */
#define TOW_KEY_TEXT_MAX 512 /* bytes of a value that is kept */

/* The values of a key, or of its first columns. Owned texts. */
struct tow_key {
    char *values[TOW_KEYS_MAX]; /* NULL: SQL's */
    size_t count;
};

void tow_key_release(struct tow_key *key);
/* Appends a copy of a value; NULL for SQL's. There is room. */
int tow_key_add(struct tow_key *key, const char *value, struct tow_error *err);
/* Copies the first `count` values of another key, which is not the same one. */
int tow_key_copy(struct tow_key *key, const struct tow_key *from, size_t count,
                 struct tow_error *err);

/* What kind of values a type has, for positions: types of one kind compare alike. */
const char *tow_key_kind(struct tow_type type);

/* NULL-or-message: why a column cannot be the cursor, or a tie-breaker. type_text is the far end's
 * own name of the type. */
const char *tow_key_cursor_refusal(struct tow_type type, const char *type_text);
const char *tow_key_tie_refusal(struct tow_type type, const char *type_text);

/* 1 for types whose values are points in time: they can have lag and overlap. */
int tow_key_is_time(struct tow_type type);

/* Appends the text of one value, which is not null. */
int tow_key_put(struct tow_buffer *out, const struct tow_view *view, int64_t row,
                struct tow_error *err);
/* 1 where two values are the same, nulls among them. */
int tow_key_same(const struct tow_view *view, int64_t a, int64_t b);
/* 1 where the text can be kept: of at most TOW_KEY_TEXT_MAX bytes, UTF-8 without NUL. */
int tow_key_is_kept(const char *text, size_t length);

/*
 * What the user wrote as `since`: "yyyy-mm-dd HH:MM:SS" (UTC), RFC 3339, "yyyy-mm-dd", or a whole
 * number. check: TOW_E_CONFIG where it is none of them. put: the text for a cursor of that type;
 * TOW_E_CONFIG where it does not fit.
 */
int tow_key_since_check(const char *since, struct tow_error *err);
int tow_key_since_put(struct tow_buffer *out, struct tow_type type, const char *since,
                      struct tow_error *err);

/* The point in time that a text is, in microseconds since 1970; 0 where it is none. */
int tow_key_time(const char *text, int64_t *us);
/* Text of a point in time `ms` milliseconds before that of `text`; dates go back by whole days. */
int tow_key_before_put(struct tow_buffer *out, struct tow_type type, const char *text, int64_t ms,
                       struct tow_error *err);
/* Of two points in time the later one; a where they cannot be compared. */
const char *tow_key_later(const char *a, const char *b);
/* The text of a cursor value from the way in which a statement says it: microseconds since 1970 of
 * a timestamp, "2026-01-02 03:04:05.1" of a timestamp_ntz, the text itself of any other. */
int tow_key_said_put(struct tow_buffer *out, struct tow_type type, const char *said,
                     struct tow_error *err);
/* The greatest value that lies `lag` milliseconds before now_us (microseconds UTC); of dates, that
 * of the last day that was over then. */
int tow_key_limit_put(struct tow_buffer *out, struct tow_type type, int64_t now_us, int64_t lag,
                      struct tow_error *err);

#endif
