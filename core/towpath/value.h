/*
 * towpath/value.h - single values between text and binary.
 *
 * Parsers take exactly `length` bytes (no terminator, no spaces around, no locale) and read no byte
 * beyond them. They return a TOW_PARSE_ code; what *out holds means something with TOW_PARSE_OK
 * alone. Writers put text at `p` without a terminator and return the end; TOW_..._TEXT_MAX is
 * the room that they need. None allocates.
 */
#ifndef TOWPATH_VALUE_H
#define TOWPATH_VALUE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a parser says. */
#define TOW_PARSE_OK     0
#define TOW_PARSE_SYNTAX 1 /* not a value of that type */
#define TOW_PARSE_RANGE  2 /* a value, but the type cannot hold it */

/* 128-bit two's complement, as an Arrow decimal128 value lies in memory on little-endian hosts. */
struct tow_decimal {
    uint64_t low;
    int64_t high;
};

#define TOW_DECIMAL_PRECISION_MAX 38

/* [+-]digits. */
int tow_parse_int64(const char *text, size_t length, int64_t *out);
/* [+]digits. */
int tow_parse_uint64(const char *text, size_t length, uint64_t *out);
/* [+-]digits[.digits][e[+-]digits], also ".5" and "5."; "nan", "inf", "infinity" in any case.
 * Correctly rounded, half to even; finite text beyond the type's range is TOW_PARSE_RANGE, never
 * infinity; text too small for the type is zero. */
int tow_parse_double(const char *text, size_t length, double *out);
int tow_parse_float(const char *text, size_t length, float *out);
/* true, false, t, f, yes, no, y, n, on, off, 1, 0, in any case. */
int tow_parse_bool(const char *text, size_t length, int *out);
/* As tow_parse_double without nan and inf. Digits that would be lost beyond `scale` are
 * TOW_PARSE_RANGE unless they are zeros, as are values of more than `precision` digits. */
int tow_parse_decimal(const char *text, size_t length, int precision, int scale,
                      struct tow_decimal *out);
/* yyyy-mm-dd, years 0001 to 9999: days since 1970-01-01. Here and below, text of the right form
 * whose day, hour or the like does not exist is TOW_PARSE_RANGE. */
int tow_parse_date(const char *text, size_t length, int32_t *out);
/*
 * RFC 3339: date, 'T', 't' or a space, hh:mm:ss, a fraction of 1 to 9 digits (those beyond
 * microseconds are cut), then 'Z', 'z', +hh:mm, +hhmm, +hh or nothing.
 * A leap second (ss = 60) is read as the second after. Microseconds since 1970.
 * *zone tells what stood at the end: 1 where there was a zone (out is then UTC), 0 where not.
 */
int tow_parse_timestamp(const char *text, size_t length, int64_t *out, int *zone);

/*
 * By a format of strptime(3)'s letters: %Y %m %d %H %M %S %y %b %B %a %A %j %p %I %e %f (1 to 9
 * digits of fraction) %z (Z, +hh:mm, +hhmm) %s (seconds since 1970) %T %F %D %%; other bytes stand
 * for themselves, a space for one or more spaces. English names, no locale. Numbers may lack
 * leading zeros; what the format lacks is its least (January, 1st, 0 h); %y is 1969 to 2068; %I
 * counts from midnight without %p; %p counts with %I alone; %s stands above all other letters but
 * %f. *zone is 1 with %z and %s. tow_time_format_check says in NULL-or-message form whether a
 * format can be read at all (every letter known, year or %s present).
 */
int tow_parse_time_format(const char *text, size_t length, const char *format, int64_t *out,
                          int *zone);
const char *tow_time_format_check(const char *format);

#define TOW_INT64_TEXT_MAX     20
#define TOW_UINT64_TEXT_MAX    20
#define TOW_DOUBLE_TEXT_MAX    32
#define TOW_DECIMAL_TEXT_MAX   80 /* sign, point, and up to 38 digits or zeros of scale */
#define TOW_DATE_TEXT_MAX      16
#define TOW_TIMESTAMP_TEXT_MAX 40

char *tow_put_int64(char *p, int64_t value);
char *tow_put_uint64(char *p, uint64_t value);
/* Shortest text that reads back as the same value: "0.1", "1e23", "-0" for minus zero, "NaN",
 * "Infinity", "-Infinity". An exponent stands from 1e21 up and below 1e-6, as in JavaScript. */
char *tow_put_double(char *p, double value);
char *tow_put_float(char *p, float value);
/* All digits of the scale, 0 to 38: 1.50 with scale 2. */
char *tow_put_decimal(char *p, struct tow_decimal value, int scale);
/* yyyy-mm-dd; years outside 0000 to 9999 with a sign and at least five digits. */
char *tow_put_date(char *p, int32_t days);
/* yyyy-mm-ddThh:mm:ss[.fff[fff]], then 'Z' where utc. */
char *tow_put_timestamp(char *p, int64_t microseconds, int utc);

/* Calendar: proleptic Gregorian, days since 1970-01-01, months and days from 1. tow_date_from_civil
 * returns TOW_PARSE_OK, or TOW_PARSE_RANGE where there is no such day. */
int tow_date_from_civil(int year, int month, int day, int32_t *days);
void tow_date_to_civil(int32_t days, int *year, int *month, int *day);

/* 1 where the bytes are well-formed UTF-8 (no surrogates, no overlong forms). */
int tow_utf8_valid(const char *text, size_t length);
/* Length of the longest well-formed prefix. */
size_t tow_utf8_prefix(const char *text, size_t length);

/*
 * Text as it stands between the quotes of a JSON string: quotes, backslashes and bytes below 0x20
 * escaped, well-formed UTF-8 as it is. Needs TOW_JSON_EXPANSION * length of room, and may store up
 * to 32 bytes behind the end that it returns, which TOW_BUFFER_SLACK and the room behind a
 * tow_buffer's capacity cover. `readable` is the end of the memory that holds the text, at or
 * behind the text's own end: the more there is, the wider the reads.
 */
#define TOW_JSON_EXPANSION 6 /* bytes that one becomes at most: \u00xx */
char *tow_put_json_escaped(char *p, const char *text, size_t length, const char *readable);

/* 1 where the bytes are one JSON value (RFC 8259), nested at most `depth` deep, valid UTF-8. A
 * depth above 4096 is taken as 4096; a value outside any array and object has depth 0. */
int tow_json_valid(const char *text, size_t length, int depth);

/* Text forms of bytes. Writers need 4 * ((length + 2) / 3) and 2 * length of room.
 * Base64 is the standard alphabet, padded; its parser takes text without padding too, and refuses
 * bits behind the last byte that are not zero. Hex is written in small letters, read in any case.
 * Parsers return a TOW_PARSE_ code and need 3 * (length / 4) + 3 and length / 2 of room. */
char *tow_put_base64(char *p, const void *bytes, size_t length);
char *tow_put_hex(char *p, const void *bytes, size_t length);
int tow_parse_base64(const char *text, size_t length, void *out, size_t *out_length);
int tow_parse_hex(const char *text, size_t length, void *out, size_t *out_length);

#ifdef __cplusplus
}
#endif
#endif
