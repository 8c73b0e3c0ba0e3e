#include "config/source/number_check.h"

#include <stdint.h>

#include "towpath/value.h"

static int number_is_hex(const struct tow_token *token)
{
    return token->length > 2 && (token->start[1] == 'x' || token->start[1] == 'X');
}

/* Digits of a hexadecimal number without "0x", leading zeros and suffix. */
static size_t number_hex_digits(const struct tow_token *token, size_t length)
{
    size_t at = 2;

    while (at < length && token->start[at] == '0')
        at++;
    return length - at;
}

/* What the number needs: 32 bits, 64, or more than there are. */
static int number_bits(const struct tow_token *token, size_t length)
{
    int64_t value;

    if (number_is_hex(token)) {
        size_t digits = number_hex_digits(token, length);
        char first = token->start[length - digits];

        if (digits > 16 || (digits == 16 && first > '7'))
            return 65;
        return digits > 8 || (digits == 8 && first > '7') ? 64 : 32;
    }
    if (tow_parse_int64(token->start, length, &value) != TOW_PARSE_OK)
        return 65;
    return value < INT32_MIN || value > INT32_MAX ? 64 : 32;
}

static int number_looks_octal(const struct tow_token *token, size_t length)
{
    const char *digit = token->start;

    if (*digit == '-' || *digit == '+')
        digit++;
    return !number_is_hex(token) && *digit == '0' && token->start + length - digit > 1;
}

static void number_report(const struct tow_token *token, const char *key, const char *file,
                          struct tow_diags *diags, const char *text)
{
    tow_diags_add(diags, TOW_DIAG_ERROR, file, token->line, "%s%s%s", key, *key ? ": " : "", text);
}

int tow_number_check(const struct tow_token *token, const char *key, const char *file,
                     struct tow_diags *diags)
{
    size_t length = token->length;
    double number;

    if (token->kind == TOW_TOKEN_FLOAT) {
        if (tow_parse_double(token->start, length, &number) == TOW_PARSE_RANGE)
            number_report(token, key, file, diags, "the number is too large");
        return 0;
    }
    while (token->start[length - 1] == 'L')
        length--;
    if (number_looks_octal(token, length))
        tow_diags_add(diags, TOW_DIAG_WARNING, file, token->line,
                      "%s%sa number with a leading zero is read as decimal, not as octal", key,
                      *key ? ": " : "");
    switch (number_bits(token, length)) {
    case 32:
        return 0;
    case 64:
        if (length < token->length)
            return 0;
        number_report(token, key, file, diags,
                      "the integer does not fit 32 bits: write it with an L at its end");
        return 1;
    default:
        number_report(token, key, file, diags, "the integer does not fit 64 bits");
        return length == token->length;
    }
}
