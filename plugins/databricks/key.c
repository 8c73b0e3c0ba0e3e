#include "plugins/databricks/key.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KEY_DAY_US INT64_C(86400000000)

static int key_is_integer(enum tow_type_id id)
{
    return id == TOW_TYPE_INT8 || id == TOW_TYPE_INT16 || id == TOW_TYPE_INT32 ||
           id == TOW_TYPE_INT64;
}

void tow_key_release(struct tow_key *key)
{
    for (size_t i = 0; i < key->count; i++)
        free(key->values[i]);
    *key = (struct tow_key){.count = 0};
}

int tow_key_add(struct tow_key *key, const char *value, struct tow_error *err)
{
    char *copy = value ? strdup(value) : NULL;

    if (value && !copy)
        return tow_error_nomem(err);
    key->values[key->count++] = copy;
    return TOW_OK;
}

int tow_key_copy(struct tow_key *key, const struct tow_key *from, size_t count,
                 struct tow_error *err)
{
    int code = TOW_OK;

    tow_key_release(key);
    for (size_t i = 0; i < count && code == TOW_OK; i++)
        code = tow_key_add(key, from->values[i], err);
    return code;
}

const char *tow_key_kind(struct tow_type type)
{
    switch (type.id) {
    case TOW_TYPE_TIMESTAMP:
        return "timestamp";
    case TOW_TYPE_TIMESTAMP_NTZ:
        return "timestamp_ntz";
    case TOW_TYPE_DATE:
        return "date";
    case TOW_TYPE_BOOL:
        return "bool";
    case TOW_TYPE_STRING:
        return "string";
    default:
        return "number";
    }
}

static int key_begins(const char *text, const char *word)
{
    return strncasecmp(text, word, strlen(word)) == 0;
}

/* NULL-or-message. Many types that are none of ours pass as string; only text is ordered by the far
 * end as it is compared here. */
static const char *key_text_refusal(const char *type_text)
{
    if (!key_begins(type_text, "string") && !key_begins(type_text, "varchar") &&
        !key_begins(type_text, "char"))
        return "rows cannot be told apart by that";
    if (strcasestr(type_text, "collate"))
        return "under a collation different texts count as the same";
    return NULL;
}

const char *tow_key_cursor_refusal(struct tow_type type, const char *type_text)
{
    if (tow_key_is_time(type) || key_is_integer(type.id) ||
        (type.id == TOW_TYPE_DECIMAL && type.scale == 0))
        return NULL;
    if (type.id == TOW_TYPE_STRING)
        return key_text_refusal(type_text);
    return "a cursor is a timestamp, timestamp_ntz, date, whole number or string";
}

const char *tow_key_tie_refusal(struct tow_type type, const char *type_text)
{
    if (tow_key_is_time(type) || key_is_integer(type.id) || type.id == TOW_TYPE_DECIMAL ||
        type.id == TOW_TYPE_BOOL)
        return NULL;
    if (type.id == TOW_TYPE_STRING)
        return key_text_refusal(type_text);
    return "a tie-breaker is a number other than float, a string, bool, date or timestamp";
}

int tow_key_is_time(struct tow_type type)
{
    return type.id == TOW_TYPE_TIMESTAMP || type.id == TOW_TYPE_TIMESTAMP_NTZ ||
           type.id == TOW_TYPE_DATE;
}

/* ---- text ----------------------------------------------------------------------------------- */

static int64_t key_floor(int64_t value, int64_t unit)
{
    return value / unit - (value % unit < 0);
}

static char *key_put_digits(char *p, char before, int64_t value, int width)
{
    *p = before;
    for (int i = width; i > 0; i--) {
        p[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return p + width + 1;
}

/* Always with six digits of fraction: the far end must not see another instant. */
static char *key_put_time(char *p, int64_t us, int is_utc)
{
    const int64_t days = key_floor(us, KEY_DAY_US);
    const int64_t rest = us - days * KEY_DAY_US;

    p = tow_put_date(p, (int32_t)days);
    p = key_put_digits(p, 'T', rest / 3600000000, 2);
    p = key_put_digits(p, ':', rest / 60000000 % 60, 2);
    p = key_put_digits(p, ':', rest / 1000000 % 60, 2);
    p = key_put_digits(p, '.', rest % 1000000, 6);
    if (is_utc)
        *p++ = 'Z';
    return p;
}

static int key_append_time(struct tow_buffer *out, struct tow_type type, int64_t us,
                           struct tow_error *err)
{
    char text[TOW_TIMESTAMP_TEXT_MAX];
    char *end;

    if (type.id == TOW_TYPE_DATE)
        end = tow_put_date(text, (int32_t)key_floor(us, KEY_DAY_US));
    else
        end = key_put_time(text, us, type.id == TOW_TYPE_TIMESTAMP);
    return tow_buffer_append(out, text, (size_t)(end - text), err);
}

int tow_key_put(struct tow_buffer *out, const struct tow_view *view, int64_t row,
                struct tow_error *err)
{
    char text[TOW_DECIMAL_TEXT_MAX];
    const char *from = text, *end;
    size_t length;

    switch (view->type.id) {
    case TOW_TYPE_TIMESTAMP:
    case TOW_TYPE_TIMESTAMP_NTZ:
        return key_append_time(out, view->type, tow_view_int64(view, row), err);
    case TOW_TYPE_DATE:
        end = tow_put_date(text, (int32_t)tow_view_int64(view, row));
        break;
    case TOW_TYPE_BOOL:
        from = tow_view_bool(view, row) ? "true" : "false";
        end = from + strlen(from);
        break;
    case TOW_TYPE_DECIMAL:
        end = tow_put_decimal(text, tow_view_decimal(view, row), view->type.scale);
        break;
    case TOW_TYPE_STRING:
        from = tow_view_bytes(view, row, &length);
        end = from + length;
        break;
    default:
        end = tow_put_int64(text, tow_view_int64(view, row));
    }
    return tow_buffer_append(out, from, (size_t)(end - from), err);
}

int tow_key_same(const struct tow_view *view, int64_t a, int64_t b)
{
    const int is_null = tow_view_is_null(view, a);
    size_t length, other;

    if (is_null || tow_view_is_null(view, b))
        return is_null && tow_view_is_null(view, b);
    if (view->type.id == TOW_TYPE_BOOL)
        return tow_view_bool(view, a) == tow_view_bool(view, b);
    if (tow_type_is_bytes(view->type.id)) {
        const char *left = tow_view_bytes(view, a, &length);
        const char *right = tow_view_bytes(view, b, &other);

        return length == other && memcmp(left, right, length) == 0;
    }
    length = tow_type_width(view->type.id);
    return memcmp((const char *)view->values + (size_t)(a + view->offset) * length,
                  (const char *)view->values + (size_t)(b + view->offset) * length, length) == 0;
}

int tow_key_is_kept(const char *text, size_t length)
{
    return length <= TOW_KEY_TEXT_MAX && !memchr(text, '\0', length) &&
           tow_utf8_valid(text, length);
}

/* ---- points in time ------------------------------------------------------------------------- */

/* A date, or a timestamp, of which one without a zone is UTC. */
int tow_key_time(const char *text, int64_t *us)
{
    const size_t length = strlen(text);
    int32_t days;
    int zone;

    if (tow_parse_date(text, length, &days) == TOW_PARSE_OK) {
        *us = days * KEY_DAY_US;
        return 1;
    }
    return tow_parse_timestamp(text, length, us, &zone) == TOW_PARSE_OK;
}

static int key_is_whole_number(const char *text)
{
    struct tow_decimal value;

    return strpbrk(text, "eE.") == NULL &&
           tow_parse_decimal(text, strlen(text), TOW_DECIMAL_PRECISION_MAX, 0, &value) ==
               TOW_PARSE_OK;
}

int tow_key_since_check(const char *since, struct tow_error *err)
{
    int64_t us;

    if (tow_key_time(since, &us) || key_is_whole_number(since))
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG,
                         "since = \"%.100s\": write a time, \"2026-01-31 23:59:59\" (UTC), "
                         "\"2026-01-31T23:59:59+02:00\" or \"2026-01-31\", or a whole number for a "
                         "cursor of whole numbers",
                         since);
}

int tow_key_since_put(struct tow_buffer *out, struct tow_type type, const char *since,
                      struct tow_error *err)
{
    char name[TOW_TYPE_TEXT_MAX];
    int64_t us;

    if (tow_key_is_time(type) && tow_key_time(since, &us))
        return key_append_time(out, type, us, err);
    if (type.id == TOW_TYPE_STRING || (!tow_key_is_time(type) && key_is_whole_number(since)))
        return tow_buffer_append(out, since, strlen(since), err);
    return tow_error_set(
        err, TOW_E_CONFIG, "since = \"%.100s\" does not fit the cursor, of type %s: write %s",
        since, tow_type_name(type, name), tow_key_is_time(type) ? "a time" : "a whole number");
}

int tow_key_before_put(struct tow_buffer *out, struct tow_type type, const char *text, int64_t ms,
                       struct tow_error *err)
{
    int64_t us, back;

    if (__builtin_mul_overflow(ms, 1000, &back) || !tow_key_time(text, &us) ||
        __builtin_sub_overflow(us, back, &us))
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "overlap: there is no time %" PRId64 " ms before the last cursor "
                             "value, \"%.100s\"",
                             ms, text);
    return key_append_time(out, type, us, err);
}

const char *tow_key_later(const char *a, const char *b)
{
    int64_t left, right;

    if (!tow_key_time(a, &left) || !tow_key_time(b, &right))
        return a;
    return right > left ? b : a;
}

int tow_key_said_put(struct tow_buffer *out, struct tow_type type, const char *said,
                     struct tow_error *err)
{
    int64_t us = 0;
    int is_read = 1;

    if (type.id == TOW_TYPE_TIMESTAMP)
        is_read = tow_parse_int64(said, strlen(said), &us) == TOW_PARSE_OK;
    else if (type.id == TOW_TYPE_TIMESTAMP_NTZ)
        is_read = tow_key_time(said, &us);
    else
        return tow_buffer_append(out, said, strlen(said), err);
    if (!is_read)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "the greatest cursor value, \"%.100s\", cannot be read", said);
    return key_append_time(out, type, us, err);
}

int tow_key_limit_put(struct tow_buffer *out, struct tow_type type, int64_t now_us, int64_t lag,
                      struct tow_error *err)
{
    int64_t back, us;

    if (__builtin_mul_overflow(lag, 1000, &back) || __builtin_sub_overflow(now_us, back, &us))
        return tow_error_set(err, TOW_E_CONFIG, "lag: there is no time %" PRId64 " ms ago", lag);
    if (type.id == TOW_TYPE_DATE)
        us -= KEY_DAY_US;
    return key_append_time(out, type, us, err);
}
