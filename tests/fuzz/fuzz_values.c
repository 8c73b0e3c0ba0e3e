/*
 * Values between text and binary. The first byte says what the rest is: a number ('n'), a time
 * ('t'; a format stands before a line end, where there is one), a column of texts for the
 * converters of each level ('x', then the type), JSON ('j'), bytes ('b'), or cells for the row
 * writers ('w', then the form; a byte 1 between cells, 2 between rows).
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdint.h>

#include "fuzz_demand.h"
#include "tests/unit/naive_csv.h"
#include "towpath/batch.h"
#include "towpath/json.h"
#include "towpath/rowtext.h"
#include "towpath/texts.h"

#define DEPTH   40
#define COLUMNS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_one_of(const char *text, size_t length, const char *bytes)
{
    for (size_t i = 0; i < length; i++)
        if (!text[i] || !strchr(bytes, text[i]))
            return 0;
    return length > 0;
}

/* ---- numbers --------------------------------------------------------------------------------- */

static void try_integer(const char *text, size_t length)
{
    int64_t value, again;
    uint64_t natural, natural_again;
    char back[TOW_INT64_TEXT_MAX + 1];
    int code = tow_parse_int64(text, length, &value);

    if (code == TOW_PARSE_OK) {
        errno = 0;
        demand(strtoll(text, NULL, 10) == value && errno == 0, "the integer of the C library");
        demand(tow_parse_int64(back, (size_t)(tow_put_int64(back, value) - back), &again) ==
                       TOW_PARSE_OK &&
                   again == value,
               "the same integer");
    } else if (is_one_of(text, length, "0123456789")) {
        demand(code == TOW_PARSE_RANGE, "digits are an integer, or too many");
        errno = 0;
        (void)strtoll(text, NULL, 10);
        demand(errno == ERANGE, "too large for the C library too");
    }
    code = tow_parse_uint64(text, length, &natural);
    if (code == TOW_PARSE_OK) {
        errno = 0;
        demand(strtoull(text, NULL, 10) == natural && errno == 0, "that of the C library");
        demand(tow_parse_uint64(back, (size_t)(tow_put_uint64(back, natural) - back),
                                &natural_again) == TOW_PARSE_OK &&
                   natural_again == natural,
               "the same integer");
    }
}

static void try_real(const char *text, size_t length)
{
    double value = 0, again = 0, theirs = strtod(text, NULL);
    float narrow = 0, narrow_again = 0;
    char back[TOW_DOUBLE_TEXT_MAX];
    int code = tow_parse_double(text, length, &value), float_code;

    if (code == TOW_PARSE_RANGE)
        demand(isinf(theirs), "beyond a double");
    float_code = tow_parse_float(text, length, &narrow);
    demand((code == TOW_PARSE_SYNTAX) == (float_code == TOW_PARSE_SYNTAX), "the same grammar");
    if (code != TOW_PARSE_OK)
        return;
    demand(isnan(value) ? isnan(theirs) : memcmp(&value, &theirs, sizeof value) == 0,
           "the number of the C library");
    demand(tow_parse_double(back, (size_t)(tow_put_double(back, value) - back), &again) ==
               TOW_PARSE_OK,
           "a number that is read again");
    demand(isnan(value) || memcmp(&value, &again, sizeof value) == 0, "the same number");
    if (float_code != TOW_PARSE_OK)
        return;
    demand(isnan(narrow) || narrow == strtof(text, NULL), "the float of the C library");
    demand(tow_parse_float(back, (size_t)(tow_put_float(back, narrow) - back), &narrow_again) ==
               TOW_PARSE_OK,
           "a float that is read again");
    demand(isnan(narrow) || memcmp(&narrow, &narrow_again, sizeof narrow) == 0, "the same float");
}

static void try_decimal(const char *text, size_t length, int precision, int scale)
{
    struct tow_decimal value, again;
    char back[TOW_DECIMAL_TEXT_MAX + 1];
    long double ours, theirs;
    char *end;

    if (tow_parse_decimal(text, length, precision, scale, &value) != TOW_PARSE_OK)
        return;
    end = tow_put_decimal(back, value, scale);
    *end = '\0';
    demand(tow_parse_decimal(back, (size_t)(end - back), precision, scale, &again) == TOW_PARSE_OK,
           "a decimal that is read again");
    demand(again.low == value.low && again.high == value.high, "the same decimal");
    ours = strtold(back, NULL);
    theirs = strtold(text, NULL);
    demand(fabsl(ours - theirs) <= fabsl(theirs) * 1e-17L, "the number of the C library");
}

static void try_number(const char *text, size_t length)
{
    int truth = 5;

    try_integer(text, length);
    try_real(text, length);
    try_decimal(text, length, 38, 0);
    try_decimal(text, length, 38, 38);
    try_decimal(text, length, 18, 6);
    try_decimal(text, length, 1, 1);
    if (tow_parse_bool(text, length, &truth) == TOW_PARSE_OK)
        demand((truth == 0 || truth == 1) && length <= 5, "a truth");
}

/* ---- times ----------------------------------------------------------------------------------- */

#define TIME_MIN (INT64_C(-62135596800) * 1000000 - INT64_C(2) * 86400 * 1000000)
#define TIME_MAX (INT64_C(253402300799) * 1000000 + INT64_C(2) * 86400 * 1000000)

/* Days since 1970 by counting, as people do. */
static int64_t days_of(int year, int month, int day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0, past = year - 1;

    return INT64_C(365) * past + past / 4 - past / 100 + past / 400 + before[month - 1] +
           (month > 2 && leap) + day - 719163;
}

static void try_plain_time(const char *text, size_t length)
{
    int64_t value, again;
    int32_t day, day_again;
    int zone, zone_again;
    char back[TOW_TIMESTAMP_TEXT_MAX];

    if (tow_parse_date(text, length, &day) == TOW_PARSE_OK) {
        demand(day == days_of(atoi(text), atoi(text + 5), atoi(text + 8)), "the day of people");
        demand(tow_put_date(back, day) - back == 10 && length == 10 && memcmp(back, text, 10) == 0,
               "the same text");
        demand(tow_parse_date(back, 10, &day_again) == TOW_PARSE_OK && day_again == day,
               "the same day");
    }
    if (tow_parse_timestamp(text, length, &value, &zone) != TOW_PARSE_OK)
        return;
    demand(value >= TIME_MIN && value <= TIME_MAX && (zone == 0 || zone == 1), "a time in bounds");
    if (value < TIME_MIN + INT64_C(2) * 86400 * 1000000 ||
        value > TIME_MAX - INT64_C(2) * 86400 * 1000000)
        return; /* a zone leads out of the years that are read */
    length = (size_t)(tow_put_timestamp(back, value, zone) - back);
    demand(tow_parse_timestamp(back, length, &again, &zone_again) == TOW_PARSE_OK,
           "a time that is read again");
    demand(again == value && zone_again == zone, "the same time");
    demand(tow_parse_time_format(back, length < 19 ? length : 19, "%Y-%m-%dT%H:%M:%S", &again,
                                 &zone) == TOW_PARSE_OK &&
               again == value - ((value % 1000000) + 1000000) % 1000000,
           "the same time by a format");
}

static void try_format(const char *format, const char *text, size_t length)
{
    const char *fault = tow_time_format_check(format);
    int64_t value = 0;
    int zone = 0;

    if (fault) {
        demand(*fault != '\0', "a reason");
        return;
    }
    if (tow_parse_time_format(text, length, format, &value, &zone) == TOW_PARSE_OK)
        demand(zone == 0 || zone == 1, "a zone or none");
}

static void try_time(char *text, size_t length)
{
    char *end = memchr(text, '\n', length);

    if (end) {
        *end = '\0';
        try_format(text, end + 1, length - (size_t)(end + 1 - text));
    } else {
        try_plain_time(text, length);
        try_format("%d.%m.%y %I:%M:%S.%f %p %z", text, length);
        try_format("%s", text, length);
    }
}

/* ---- columns of texts ------------------------------------------------------------------------ */

static const struct {
    struct tow_type type;
    const char *format;
    size_t width; /* bytes; 0: bits */
} columns[] = {
    {{TOW_TYPE_BOOL, 0, 0}, NULL, 0},
    {{TOW_TYPE_INT8, 0, 0}, NULL, 1},
    {{TOW_TYPE_INT16, 0, 0}, NULL, 2},
    {{TOW_TYPE_INT32, 0, 0}, NULL, 4},
    {{TOW_TYPE_INT64, 0, 0}, NULL, 8},
    {{TOW_TYPE_UINT8, 0, 0}, NULL, 1},
    {{TOW_TYPE_UINT64, 0, 0}, NULL, 8},
    {{TOW_TYPE_FLOAT32, 0, 0}, NULL, 4},
    {{TOW_TYPE_FLOAT64, 0, 0}, NULL, 8},
    {{TOW_TYPE_DECIMAL, 12, 3}, NULL, 16},
    {{TOW_TYPE_DECIMAL, 38, 10}, NULL, 16},
    {{TOW_TYPE_DATE, 0, 0}, NULL, 4},
    {{TOW_TYPE_TIMESTAMP, 0, 0}, NULL, 8},
    {{TOW_TYPE_TIMESTAMP_NTZ, 0, 0}, NULL, 8},
    {{TOW_TYPE_TIMESTAMP_NTZ, 0, 0}, "%d.%m.%Y %H:%M", 8},
    {{TOW_TYPE_TIMESTAMP, 0, 0}, "%Y-%m-%dT%H:%M:%S%z", 8},
};
#define COLUMN_COUNT (sizeof columns / sizeof *columns)

struct converted {
    uint64_t bad;
    char values[16 * TOW_TEXTS_MAX] __attribute__((aligned(64)));
};

static void demand_alike(const struct converted *a, const struct converted *b,
                         const struct tow_texts *texts, size_t width)
{
    demand(a->bad == b->bad, "the same texts are no values");
    for (uint32_t i = 0; i < texts->count; i++) {
        int is_value = !(a->bad >> i & 1);

        if (width == 0)
            demand(!is_value || (a->values[i / 8] >> i % 8 & 1) == (b->values[i / 8] >> i % 8 & 1),
                   "the same truths");
        else
            demand(!is_value || memcmp(a->values + i * width, b->values + i * width, width) == 0,
                   "the same values");
    }
}

static void try_texts(const char *text, size_t length, size_t which)
{
    static const char *const levels[] = {"scalar", "avx2", "avx512"};
    struct tow_texts texts = {.count = 0};
    struct converted first, other;
    size_t at = 0;
    char *room = malloc(length + 2 * TOW_TEXTS_SLACK);

    demand(room != NULL, "memory");
    memset(room, '7', length + 2 * TOW_TEXTS_SLACK); /* what lies around may be a value's bytes */
    memcpy(room + TOW_TEXTS_SLACK, text, length);
    texts.base = room;
    while (texts.count < TOW_TEXTS_MAX && at < length) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t size = end ? (size_t)(end - text) - at : length - at;

        texts.start[texts.count] = (uint32_t)(TOW_TEXTS_SLACK + at);
        texts.length[texts.count++] = (uint32_t)size;
        at += size + 1;
    }
    for (int i = 0; i < 3; i++) {
        struct tow_texts_converter converter;
        struct converted *to = i ? &other : &first;

        if (!tow_texts_converter_init(&converter, columns[which].type, columns[which].format,
                                      levels[i]))
            continue;
        to->bad = converter.convert(&converter, &texts, to->values);
        if (i)
            demand_alike(&first, to, &texts, columns[which].width);
    }
    free(room);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void demand_alike_json(struct tow_json_part part, const json_t *theirs);

static void demand_string(struct tow_json_part part, const char *text, size_t length)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};

    demand(tow_json_unescape(&out, part, &err) == TOW_OK, "a string");
    demand(out.size == length && (!length || memcmp(out.data, text, length) == 0),
           "the string of jansson");
    tow_buffer_release(&out);
}

static void demand_object(struct tow_json_part part, const json_t *theirs)
{
    struct tow_json_part key, value;
    struct tow_json_scan scan;
    size_t count = 0;

    demand(tow_json_scan_object(&scan, part), "an object");
    while (tow_json_scan_member(&scan, &key, &value)) {
        struct tow_error err = TOW_ERROR_INIT;
        struct tow_buffer name = {0};
        const json_t *member;

        demand(tow_json_unescape(&name, key, &err) == TOW_OK, "a name");
        demand(tow_buffer_append(&name, "", 1, &err) == TOW_OK, "memory");
        /* Of a name that stands twice jansson has the last. */
        member = json_object_get(theirs, name.data);
        demand(member != NULL, "a member of jansson's");
        tow_buffer_release(&name);
        count++;
        if (json_object_size(theirs) == count && scan.p >= scan.end)
            demand_alike_json(value, member);
    }
    demand(count >= json_object_size(theirs), "all members");
}

static void demand_alike_json(struct tow_json_part part, const json_t *theirs)
{
    struct tow_json_part value;
    struct tow_json_scan scan;
    size_t count = 0;

    switch (json_typeof(theirs)) {
    case JSON_STRING:
        demand_string(part, json_string_value(theirs), json_string_length(theirs));
        return;
    case JSON_OBJECT:
        demand_object(part, theirs);
        return;
    case JSON_ARRAY:
        demand(tow_json_scan_array(&scan, part), "an array");
        while (tow_json_scan_item(&scan, &value)) {
            demand(count < json_array_size(theirs), "as many items");
            demand_alike_json(value, json_array_get(theirs, count++));
        }
        demand(count == json_array_size(theirs), "as many items");
        return;
    default:
        demand(!tow_json_scan_array(&scan, part) && !tow_json_scan_object(&scan, part),
               "a plain value");
    }
}

/* What jansson cannot hold though it is JSON: NULs in names, halves of characters, large numbers.
 */
static int is_beyond_jansson(const json_error_t *error)
{
    return strstr(error->text, "NUL") || strstr(error->text, "\\u0000") ||
           strstr(error->text, "Unicode") || strstr(error->text, "number overflow") ||
           strstr(error->text, "too big");
}

static void try_json(const char *text, size_t length)
{
    int ours = tow_json_valid(text, length, DEPTH);
    size_t blanks = length ? strspn(text, " \t\r\n") : 0, end = length;
    json_error_t error;
    json_t *theirs = json_loadb(text, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

    while (end > blanks && strchr(" \t\r\n", text[end - 1]))
        end--;
    if (theirs && ours)
        demand_alike_json((struct tow_json_part){text + blanks, end - blanks}, theirs);
    else if (ours && !is_beyond_jansson(&error)) {
        fprintf(stderr, "%s\n", error.text);
        demand(0, "what is JSON to us is to jansson");
    } else if (theirs && !memchr(text, 0, length) && !tow_json_valid(text, length, 4096)) {
        /* jansson takes NULs for blanks. */
        demand(0, "what is JSON to jansson is to us");
    }
    json_decref(theirs);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static void try_bytes(const char *text, size_t length)
{
    char *room = malloc(6 * length + 64), *back = malloc(6 * length + 64), *end;
    size_t count, again;

    demand(room && back, "memory");
    end = tow_put_base64(room, text, length);
    demand(tow_parse_base64(room, (size_t)(end - room), back, &count) == TOW_PARSE_OK &&
               count == length && memcmp(back, text, length) == 0,
           "the same bytes by base64");
    end = tow_put_hex(room, text, length);
    demand(tow_parse_hex(room, (size_t)(end - room), back, &count) == TOW_PARSE_OK &&
               count == length && memcmp(back, text, length) == 0,
           "the same bytes by hex");
    if (tow_parse_base64(text, length, back, &count) == TOW_PARSE_OK) {
        end = tow_put_base64(room, back, count);
        demand(count <= 3 * (length / 4) + 3, "room as promised");
        again = (size_t)(end - room);
        demand(again >= length && memcmp(room, text, length) == 0, "one text of the bytes");
    }
    if (tow_parse_hex(text, length, back, &count) == TOW_PARSE_OK)
        demand(2 * count == length, "two digits a byte");
    count = tow_utf8_prefix(text, length);
    demand(count <= length && tow_utf8_valid(text, count), "a prefix that is UTF-8");
    demand((count == length) == tow_utf8_valid(text, length), "the same verdict");
    for (size_t i = 1; i <= 4 && count + i <= length; i++)
        demand(!tow_utf8_valid(text, count + i), "the longest prefix");
    free(room);
    free(back);
}

/* ---- row writers ----------------------------------------------------------------------------- */

struct rows {
    struct ArrowSchema schema;
    struct tow_builder *builder;
    struct ArrowArray array;
    struct tow_buffer expected; /* as naive_csv.h writes rows */
};

/* A cell that is one byte 3 is null, and so are those that lack. */
static void put_cell(struct rows *rows, size_t column, const char *text, size_t length)
{
    struct tow_error err = TOW_ERROR_INIT;
    int is_null = !text || (length == 1 && *text == 3);

    if (!is_null)
        demand(tow_append_bytes(rows->builder, column, text, length, &err) == TOW_OK, "memory");
    demand(tow_buffer_printf(&rows->expected, &err, is_null ? " null" : " [") == TOW_OK, "memory");
    if (!is_null)
        demand(tow_buffer_append(&rows->expected, text, length, &err) == TOW_OK &&
                   tow_buffer_append(&rows->expected, "]", 1, &err) == TOW_OK,
               "memory");
}

static void put_row(struct rows *rows, size_t line, const char *text, size_t length)
{
    struct tow_error err = TOW_ERROR_INIT;

    demand(tow_buffer_printf(&rows->expected, &err, "%zu", line) == TOW_OK, "memory");
    for (size_t column = 0; column < COLUMNS; column++) {
        const char *end = text ? memchr(text, 1, length) : NULL;
        size_t size = end ? (size_t)(end - text) : length;

        put_cell(rows, column, text, size);
        length -= text ? size + (end != NULL) : 0;
        text = end ? end + 1 : NULL;
    }
    demand(tow_builder_end_row(rows->builder, &err) == TOW_OK, "memory");
    demand(tow_buffer_append(&rows->expected, "\n", 1, &err) == TOW_OK, "memory");
}

static size_t count_lines(const char *text, size_t length)
{
    size_t count = 0;

    for (size_t i = 0; i < length; i++)
        count += text[i] == '\n';
    return count;
}

static void make_rows(struct rows *rows, const char *text, size_t length)
{
    static const struct tow_field fields[COLUMNS] = {{"a", {TOW_TYPE_STRING, 0, 0}, 0},
                                                     {"b", {TOW_TYPE_STRING, 0, 0}, 0},
                                                     {"c", {TOW_TYPE_STRING, 0, 0}, 0}};
    struct tow_error err = TOW_ERROR_INIT;
    size_t line = 1, before;

    demand(tow_schema_make(&rows->schema, fields, COLUMNS, &err) == TOW_OK, "a schema");
    rows->builder = tow_builder_new(fields, COLUMNS, &err);
    demand(rows->builder != NULL, "a builder");
    while (length > 0) {
        const char *end = memchr(text, 2, length);
        size_t size = end ? (size_t)(end - text) : length;

        before = rows->expected.size;
        put_row(rows, line, text, size);
        line += count_lines(rows->expected.data + before, rows->expected.size - before);
        length -= size + (end != NULL);
        text += size + (end != NULL);
    }
    demand(tow_builder_finish(rows->builder, &rows->array, &err) == TOW_OK, "a batch");
}

/* What the CSV writer writes, a parser of RFC 4180 reads as it was. */
static void try_csv(struct rows *rows, const struct tow_csv_format *format)
{
    const struct naive_csv naive = {.delimiter = format->delimiter,
                                    .quote = '"',
                                    .escape = -1,
                                    .comment = "",
                                    .null_text = format->null_text,
                                    .columns = COLUMNS,
                                    .row_bytes = SIZE_MAX};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_csv_writer *writer = tow_csv_writer_new(&rows->schema, format, &err);
    struct tow_buffer out = {0}, back = {0}, rejects = {0};

    demand(writer && tow_csv_writer_rows(writer, &rows->array, 0, rows->array.length, &out, &err) ==
                         TOW_OK,
           "CSV");
    naive_csv_parse(&naive, out.data, out.size, &back, &rejects);
    demand(rejects.size == 0, "CSV without a fault");
    if (back.size != rows->expected.size ||
        (back.size && memcmp(back.data, rows->expected.data, back.size) != 0))
        fprintf(stderr, "written:\n%.*s\nread:\n%.*swanted:\n%.*s", (int)out.size, out.data,
                (int)back.size, back.data, (int)rows->expected.size, rows->expected.data);
    demand(back.size == rows->expected.size &&
               (!back.size || memcmp(back.data, rows->expected.data, back.size) == 0),
           "the same rows by CSV");
    tow_csv_writer_free(writer);
    tow_buffer_release(&out);
    tow_buffer_release(&back);
    tow_buffer_release(&rejects);
}

static void try_json_rows(struct rows *rows, int flags)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_json_writer *writer = tow_json_writer_new(&rows->schema, flags, &err);
    struct tow_buffer out = {0}, back = {0};
    const char *line, *want = rows->expected.data;

    demand(writer && tow_json_writer_rows(writer, &rows->array, 0, rows->array.length, &out,
                                          &err) == TOW_OK,
           "JSON");
    line = out.data;
    for (int64_t row = 0; row < rows->array.length; row++) {
        const char *end = memchr(line, '\n', (size_t)(out.data + out.size - line));
        json_t *object = json_loadb(line, (size_t)(end - line), JSON_ALLOW_NUL, NULL);

        demand(object != NULL, "a line of JSON");
        /* The lines of CSV are no part of JSON. */
        demand(tow_buffer_printf(&back, &err, "%d", atoi(want)) == TOW_OK, "memory");
        for (size_t column = 0; column < COLUMNS; column++) {
            const json_t *cell = json_object_get(object, (const char *[]){"a", "b", "c"}[column]);

            demand(tow_buffer_printf(&back, &err, json_is_string(cell) ? " [" : " null") == TOW_OK,
                   "memory");
            if (json_is_string(cell))
                demand(tow_buffer_append(&back, json_string_value(cell), json_string_length(cell),
                                         &err) == TOW_OK &&
                           tow_buffer_append(&back, "]", 1, &err) == TOW_OK,
                       "memory");
        }
        demand(tow_buffer_append(&back, "\n", 1, &err) == TOW_OK, "memory");
        demand(back.size <= rows->expected.size &&
                   memcmp(back.data, rows->expected.data, back.size) == 0,
               "the same rows by JSON");
        want = rows->expected.data + back.size;
        line = end + 1;
        json_decref(object);
    }
    tow_json_writer_free(writer);
    tow_buffer_release(&out);
    tow_buffer_release(&back);
}

static void try_rows(const char *text, size_t length, int how)
{
    static const char *const delimiters[] = {",", "\t", "||", "\xC2\xA6"};
    static const char *const nulls[] = {NULL, "\\N", "NULL", "-"};
    const struct tow_csv_format format = {.delimiter = delimiters[how & 3],
                                          .null_text = nulls[how >> 2 & 3],
                                          .line_end = how & 16 ? "\r\n" : "\n",
                                          .quote_all = (how >> 5) % 3};
    struct rows rows = {.builder = NULL};

    /* The core hands on UTF-8 alone, and the parsers take no NUL. */
    if (!tow_utf8_valid(text, length) || memchr(text, '\0', length))
        return;
    make_rows(&rows, text, length);
    try_csv(&rows, &format);
    try_json_rows(&rows, how >> 7 ? TOW_JSON_OMIT_NULLS : 0);
    rows.array.release(&rows.array);
    rows.schema.release(&rows.schema);
    tow_builder_free(rows.builder);
    tow_buffer_release(&rows.expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size < 2 || size > 5000)
        return 0;
    text = malloc(size); /* with a NUL behind it, for the C library */
    demand(text != NULL, "memory");
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (data[0] == 'n')
        try_number(text, size - 1);
    else if (data[0] == 't')
        try_time(text, size - 1);
    else if (data[0] == 'x')
        try_texts(text + 1, size - 2, data[1] % COLUMN_COUNT);
    else if (data[0] == 'j')
        try_json(text, size - 1);
    else if (data[0] == 'w')
        try_rows(text + 1, size - 2, data[1]);
    else
        try_bytes(text, size - 1);
    free(text);
    return 0;
}
