#include "connectors/csv/dialect.h"

#include <string.h>

#include "towpath/value.h"

#define DIALECT_LENGTH_TOP 63

static int dialect_set_delimiter(struct tow_csv_dialect *dialect, const char *text,
                                 struct tow_error *err)
{
    size_t length;

    if (!text || strcmp(text, "\\t") == 0)
        text = text ? "\t" : ",";
    length = strlen(text);
    if (length == 0 || length > TOW_CSV_DELIMITER_MAX)
        return tow_error_set(err, TOW_E_CONFIG,
                             "delimiter \"%s\" has %zu bytes; 1 to %d are possible", text, length,
                             TOW_CSV_DELIMITER_MAX);
    if (strpbrk(text, "\r\n"))
        return tow_error_set(err, TOW_E_CONFIG, "delimiter must not hold a line end");
    if (!tow_utf8_valid(text, length))
        return tow_error_set(err, TOW_E_CONFIG, "delimiter is not valid UTF-8");
    memcpy(dialect->delimiter, text, length);
    dialect->delimiter_length = length;
    return TOW_OK;
}

/* One ASCII byte, or none. */
static int dialect_set_byte(const struct tow_csv_dialect *dialect, const char *name,
                            const char *text, int *out, struct tow_error *err)
{
    *out = TOW_CSV_NO_BYTE;
    if (!text || !*text)
        return TOW_OK;
    if (text[1] || (unsigned char)text[0] >= 0x80 || strchr("\r\n", text[0]))
        return tow_error_set(err, TOW_E_CONFIG,
                             "%s \"%s\" is not one ASCII character that does not end a line", name,
                             text);
    if (memchr(dialect->delimiter, text[0], dialect->delimiter_length))
        return tow_error_set(err, TOW_E_CONFIG, "%s \"%s\" is part of the delimiter too", name,
                             text);
    *out = (unsigned char)text[0];
    return TOW_OK;
}

static int dialect_set_comment(struct tow_csv_dialect *dialect, const char *text,
                               struct tow_error *err)
{
    dialect->comment = text ? text : "";
    dialect->comment_length = strlen(dialect->comment);
    if (dialect->comment_length > TOW_CSV_COMMENT_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "comment has %zu bytes; %d are possible",
                             dialect->comment_length, TOW_CSV_COMMENT_MAX);
    if (strpbrk(dialect->comment, "\r\n"))
        return tow_error_set(err, TOW_E_CONFIG, "comment must not hold a line end");
    if (dialect->comment_length && (unsigned char)dialect->comment[0] == dialect->quote)
        return tow_error_set(err, TOW_E_CONFIG, "comment \"%s\" begins with the quote",
                             dialect->comment);
    if (dialect->comment_length &&
        strncmp(dialect->comment, dialect->delimiter, dialect->delimiter_length) == 0)
        return tow_error_set(err, TOW_E_CONFIG, "comment \"%s\" begins with the delimiter",
                             dialect->comment);
    return TOW_OK;
}

static void dialect_set_nulls(struct tow_csv_dialect *dialect,
                              const struct tow_csv_settings *settings)
{
    dialect->null_values = settings->null_values;
    dialect->null_count = settings->null_count;
    for (size_t i = 0; i < settings->null_count; i++) {
        size_t length = strlen(settings->null_values[i]);

        if (length == 0)
            dialect->empty_is_null = 1;
        else
            dialect->null_lengths |= UINT64_C(1)
                                     << (length < DIALECT_LENGTH_TOP ? length : DIALECT_LENGTH_TOP);
    }
}

static void dialect_set_classes(struct tow_csv_dialect *dialect)
{
    if (dialect->trim) {
        dialect->blank[' '] = !memchr(dialect->delimiter, ' ', dialect->delimiter_length);
        dialect->blank['\t'] = !memchr(dialect->delimiter, '\t', dialect->delimiter_length);
    }
    if (dialect->quote >= 0)
        dialect->blank[dialect->quote] = 0;
    if (dialect->escape >= 0)
        dialect->blank[dialect->escape] = 0;
    dialect->special['\n'] = 1;
    dialect->special[(unsigned char)dialect->delimiter[0]] = 1;
    if (dialect->quote < 0 && dialect->escape >= 0)
        dialect->special[dialect->escape] = 1;
}

int tow_csv_dialect_init(struct tow_csv_dialect *dialect, const struct tow_csv_settings *settings,
                         struct tow_error *err)
{
    int code;

    *dialect = (struct tow_csv_dialect){.trim = settings->trim};
    code = dialect_set_delimiter(dialect, settings->delimiter, err);
    if (code == TOW_OK)
        code = dialect_set_byte(dialect, "quote", settings->quote, &dialect->quote, err);
    if (code == TOW_OK)
        code = dialect_set_byte(dialect, "escape", settings->escape, &dialect->escape, err);
    if (code == TOW_OK)
        code = dialect_set_comment(dialect, settings->comment, err);
    if (code != TOW_OK)
        return code;
    /* Escaping the quote by itself is what doubling it is. */
    if (dialect->escape == dialect->quote)
        dialect->escape = TOW_CSV_NO_BYTE;
    dialect_set_nulls(dialect, settings);
    dialect_set_classes(dialect);
    dialect->can_index =
        dialect->delimiter_length == 1 && (unsigned char)dialect->delimiter[0] < 0x80;
    dialect->is_simple = !dialect->trim && (dialect->escape < 0 || dialect->quote >= 0);
    return TOW_OK;
}

int tow_csv_dialect_is_null(const struct tow_csv_dialect *dialect, const char *text, size_t length)
{
    unsigned bit = length < DIALECT_LENGTH_TOP ? (unsigned)length : DIALECT_LENGTH_TOP;

    if (length == 0)
        return dialect->empty_is_null;
    if (!(dialect->null_lengths >> bit & 1))
        return 0;
    for (size_t i = 0; i < dialect->null_count; i++) {
        const char *value = dialect->null_values[i];

        if (strlen(value) == length && memcmp(value, text, length) == 0)
            return 1;
    }
    return 0;
}
