#include "plugins/lytics_audience/profile.h"

#include <stdlib.h>
#include <string.h>

#define PROFILE_SHOWN_MAX 60 /* bytes of a value in a message */
#define PROFILE_DAY_US    INT64_C(86400000000)

int tow_profile_maker_init(struct tow_profile_maker *maker, struct tow_error *err)
{
    maker->filled = calloc(maker->columns->count, sizeof *maker->filled);
    return maker->filled ? TOW_OK : tow_error_nomem(err);
}

void tow_profile_maker_release(struct tow_profile_maker *maker)
{
    tow_buffer_release(&maker->scratch);
    tow_buffer_release(&maker->key);
    free(maker->filled);
    *maker = (struct tow_profile_maker){.columns = NULL};
}

/* ---- values --------------------------------------------------------------------------------- */

static int profile_is(struct tow_json_part value, char first)
{
    return value.length > 0 && value.text[0] == first;
}

/* What a string says, or the text of another value as it stands. */
static int profile_text(struct tow_profile_maker *maker, struct tow_json_part value,
                        struct tow_json_part *text, struct tow_error *err)
{
    int code;

    *text = value;
    if (!profile_is(value, '"'))
        return TOW_OK;
    maker->scratch.size = 0;
    code = tow_json_unescape(&maker->scratch, value, err);
    *text = (struct tow_json_part){maker->scratch.data, maker->scratch.size};
    return code;
}

/* RFC 3339, in UTC where it names no zone; or a day. */
static int profile_parse_time(struct tow_json_part text, int64_t *out)
{
    int32_t days;
    int zone;

    if (tow_parse_timestamp(text.text, text.length, out, &zone) == TOW_PARSE_OK)
        return TOW_PARSE_OK;
    if (tow_parse_date(text.text, text.length, &days) != TOW_PARSE_OK)
        return TOW_PARSE_SYNTAX;
    *out = days * PROFILE_DAY_US;
    return TOW_PARSE_OK;
}

/* A number without a fraction may be written with one: 5.0. */
static int profile_parse_int(struct tow_json_part text, int64_t *out)
{
    int parsed = tow_parse_int64(text.text, text.length, out);
    struct tow_decimal decimal;

    if (parsed == TOW_PARSE_OK ||
        tow_parse_decimal(text.text, text.length, TOW_DECIMAL_PRECISION_MAX, 0, &decimal) !=
            TOW_PARSE_OK)
        return parsed;
    *out = (int64_t)decimal.low;
    return decimal.high == (*out < 0 ? -1 : 0) ? TOW_PARSE_OK : TOW_PARSE_RANGE;
}

/* A value of the column's own type. TOW_E_DATA, without a message, where it is none. */
static int profile_put_typed(struct tow_profile_maker *maker, size_t column,
                             struct tow_json_part text, struct tow_error *err)
{
    int64_t number;
    double real;
    int truth;

    switch (maker->columns->items[column].kind) {
    case TOW_LYTICS_BOOL:
        return tow_parse_bool(text.text, text.length, &truth) == TOW_PARSE_OK
                   ? tow_append_bool(maker->builder, column, truth, err)
                   : TOW_E_DATA;
    case TOW_LYTICS_INT:
        return profile_parse_int(text, &number) == TOW_PARSE_OK
                   ? tow_append_int64(maker->builder, column, number, err)
                   : TOW_E_DATA;
    case TOW_LYTICS_NUMBER:
        return tow_parse_double(text.text, text.length, &real) == TOW_PARSE_OK
                   ? tow_append_double(maker->builder, column, real, err)
                   : TOW_E_DATA;
    case TOW_LYTICS_TIME:
        return profile_parse_time(text, &number) == TOW_PARSE_OK
                   ? tow_append_int64(maker->builder, column, number, err)
                   : TOW_E_DATA;
    case TOW_LYTICS_TEXT:
    case TOW_LYTICS_OTHER:
    default:
        return tow_append_bytes(maker->builder, column, text.text, text.length, err);
    }
}

static const char *profile_kind_name(enum tow_lytics_kind kind)
{
    static const char *const names[] = {
        [TOW_LYTICS_TEXT] = "text",       [TOW_LYTICS_BOOL] = "a bool", [TOW_LYTICS_INT] = "an int",
        [TOW_LYTICS_NUMBER] = "a number", [TOW_LYTICS_TIME] = "a time", [TOW_LYTICS_OTHER] = "json",
    };

    return names[kind];
}

/* As much as a message shows of a text, in one line. */
static void profile_show(char to[PROFILE_SHOWN_MAX + 1], const char *text, size_t length)
{
    const size_t shown =
        tow_utf8_prefix(text, length < PROFILE_SHOWN_MAX ? length : PROFILE_SHOWN_MAX);

    for (size_t i = 0; i < shown; i++)
        to[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i];
    to[shown] = '\0';
}

/* Too bad for its column: null, or the end of the row. */
static int profile_refuse(struct tow_profile_maker *maker, size_t column,
                          struct tow_json_part value, struct tow_error *err)
{
    const struct tow_member_column *there = &maker->columns->items[column];
    char field[PROFILE_SHOWN_MAX + 1], shown[PROFILE_SHOWN_MAX + 1];

    if (maker->makes_bad_null) {
        maker->bad_values++;
        return tow_append_null(maker->builder, column, err);
    }
    profile_show(field, there->field, strlen(there->field));
    profile_show(shown, value.text, value.length);
    return tow_error_set(err, TOW_E_DATA, "field \"%s\" is %s by the schema, and no %s%s", field,
                         profile_kind_name(there->kind), shown,
                         value.length > PROFILE_SHOWN_MAX ? " ..." : "");
}

static int profile_put_value(struct tow_profile_maker *maker, size_t column,
                             struct tow_json_part value, struct tow_error *err)
{
    const enum tow_lytics_kind kind = maker->columns->items[column].kind;
    struct tow_json_part text;
    struct tow_error own = TOW_ERROR_INIT;
    int code;

    if (tow_json_part_is(value, "null"))
        return TOW_OK;
    if (kind == TOW_LYTICS_OTHER)
        return tow_append_bytes(maker->builder, column, value.text, value.length, err);
    code = profile_text(maker, value, &text, &own);
    if (code == TOW_OK && maker->is_text)
        return tow_append_bytes(maker->builder, column, text.text, text.length, err);
    /* An empty text is no value of another type. */
    if (code == TOW_OK && text.length == 0 && kind != TOW_LYTICS_TEXT)
        return TOW_OK;
    if (code == TOW_OK)
        code = profile_put_typed(maker, column, text, &own);
    if (code == TOW_E_DATA)
        return profile_refuse(maker, column, value, err);
    return code == TOW_OK ? TOW_OK : tow_error_set(err, code, "%s", own.message);
}

/* ---- rows ----------------------------------------------------------------------------------- */

static int profile_find(struct tow_profile_maker *maker, struct tow_json_part key, int64_t *column,
                        struct tow_error *err)
{
    int code = TOW_OK;

    if (!memchr(key.text, '\\', key.length)) {
        *column = tow_member_columns_find(maker->columns, key.text + 1, key.length - 2);
        return TOW_OK;
    }
    maker->key.size = 0;
    code = tow_json_unescape(&maker->key, key, err);
    *column = code == TOW_OK
                  ? tow_member_columns_find(maker->columns, maker->key.data, maker->key.size)
                  : -1;
    /* A name that is no text is the name of no column. */
    return code == TOW_E_DATA ? TOW_OK : code;
}

static int profile_put_members(struct tow_profile_maker *maker, struct tow_json_scan *scan,
                               struct tow_error *err)
{
    struct tow_json_part key, value;
    int64_t column;
    int code = TOW_OK;

    while (code == TOW_OK && tow_json_scan_member(scan, &key, &value)) {
        code = profile_find(maker, key, &column, err);
        if (code != TOW_OK || column < 0 || maker->filled[column] == maker->profiles)
            continue;
        maker->filled[column] = maker->profiles;
        code = profile_put_value(maker, (size_t)column, value, err);
    }
    return code == TOW_OK ? tow_builder_end_row(maker->builder, err) : code;
}

int tow_profile_put(struct tow_profile_maker *maker, struct tow_json_part profile,
                    struct tow_error *err)
{
    struct tow_json_scan scan;
    int code;

    maker->profiles++;
    if (!tow_json_scan_object(&scan, profile))
        return tow_error_set(err, TOW_E_DATA, "a member of the audience is no JSON object");
    code = profile_put_members(maker, &scan, err);
    if (code != TOW_OK)
        tow_builder_cancel_row(maker->builder);
    return code;
}
