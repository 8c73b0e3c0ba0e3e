#include "config/source/lexer.h"

#include <string.h>

void tow_lexer_init(struct tow_lexer *lexer, const char *text, size_t length)
{
    *lexer = (struct tow_lexer){text, text + length, text, 1};
}

/* No locale: isalpha() and its kin would bring one. */
static int lexer_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int lexer_is_hex(char c)
{
    return lexer_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static int lexer_starts_name(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '*';
}

static int lexer_in_name(char c)
{
    return lexer_starts_name(c) || lexer_is_digit(c) || c == '-' || c == '_';
}

static int lexer_in_word(char c)
{
    return lexer_in_name(c) || c == '.' || c == '+';
}

/* Byte `offset` from here, or NUL beyond the end. */
static char lexer_peek(const struct tow_lexer *lexer, size_t offset)
{
    return (size_t)(lexer->end - lexer->at) > offset ? lexer->at[offset] : '\0';
}

static void lexer_step(struct tow_lexer *lexer)
{
    if (*lexer->at++ == '\n') {
        lexer->line++;
        lexer->line_start = lexer->at;
    }
}

static int lexer_at_comment(const struct tow_lexer *lexer)
{
    return lexer_peek(lexer, 0) == '#' ||
           (lexer_peek(lexer, 0) == '/' && lexer_peek(lexer, 1) == '/');
}

static void lexer_skip_blanks(struct tow_lexer *lexer)
{
    while (lexer->at < lexer->end) {
        if (lexer_at_comment(lexer)) {
            while (lexer->at < lexer->end && *lexer->at != '\n')
                lexer->at++;
        } else if (memchr(" \t\n\r\f", *lexer->at, 5)) {
            lexer_step(lexer);
        } else {
            return;
        }
    }
}

/* 1 where the comment that starts here ends; otherwise all that follows belongs to it. */
static int lexer_skip_block_comment(struct tow_lexer *lexer)
{
    for (lexer->at += 2; lexer->at < lexer->end; lexer_step(lexer))
        if (lexer_peek(lexer, 0) == '*' && lexer_peek(lexer, 1) == '/') {
            lexer->at += 2;
            return 1;
        }
    return 0;
}

/* Takes a string whose opening quote lies here. */
static enum tow_token_kind lexer_string(struct tow_lexer *lexer)
{
    for (lexer->at++; lexer->at < lexer->end; lexer_step(lexer)) {
        if (*lexer->at == '"') {
            lexer->at++;
            return TOW_TOKEN_STRING;
        }
        if (*lexer->at == '\\' && lexer->at + 1 < lexer->end)
            lexer_step(lexer);
    }
    return TOW_TOKEN_UNCLOSED;
}

static int lexer_at_line_start(const struct tow_lexer *lexer)
{
    for (const char *p = lexer->line_start; p < lexer->at; p++)
        if (*p != ' ' && *p != '\t')
            return 0;
    return 1;
}

static enum tow_token_kind lexer_include(struct tow_lexer *lexer)
{
    static const char word[] = "@include";
    size_t at = strlen(word);

    if (!lexer_at_line_start(lexer) || (size_t)(lexer->end - lexer->at) < at ||
        memcmp(lexer->at, word, at) != 0)
        return TOW_TOKEN_GARBAGE;
    while (lexer_peek(lexer, at) == ' ' || lexer_peek(lexer, at) == '\t')
        at++;
    if (at == strlen(word) || lexer_peek(lexer, at) != '"')
        return TOW_TOKEN_GARBAGE;
    lexer->at += at;
    return lexer_string(lexer) == TOW_TOKEN_STRING ? TOW_TOKEN_INCLUDE : TOW_TOKEN_UNCLOSED;
}

static size_t lexer_digits(const struct tow_lexer *lexer, size_t from)
{
    size_t at = from;

    while (lexer_is_digit(lexer_peek(lexer, at)))
        at++;
    return at - from;
}

/* Length of "e+10" at `from`; 0 where there is none. */
static size_t lexer_exponent(const struct tow_lexer *lexer, size_t from)
{
    size_t at = from;

    if (lexer_peek(lexer, at) != 'e' && lexer_peek(lexer, at) != 'E')
        return 0;
    at++;
    if (lexer_peek(lexer, at) == '+' || lexer_peek(lexer, at) == '-')
        at++;
    size_t digits = lexer_digits(lexer, at);
    return digits ? at + digits - from : 0;
}

static size_t lexer_suffix(const struct tow_lexer *lexer, size_t from)
{
    if (lexer_peek(lexer, from) != 'L')
        return 0;
    return lexer_peek(lexer, from + 1) == 'L' ? 2 : 1;
}

static size_t lexer_hex_length(const struct tow_lexer *lexer)
{
    size_t at = 2;

    if (lexer_peek(lexer, 0) != '0' || (lexer_peek(lexer, 1) != 'x' && lexer_peek(lexer, 1) != 'X'))
        return 0;
    while (lexer_is_hex(lexer_peek(lexer, at)))
        at++;
    return at > 2 ? at + lexer_suffix(lexer, at) : 0;
}

/* Length of the number that starts here, 0 where there is none. */
static size_t lexer_number_length(const struct tow_lexer *lexer, enum tow_token_kind *kind)
{
    size_t sign = lexer_peek(lexer, 0) == '-' || lexer_peek(lexer, 0) == '+';
    size_t whole = lexer_digits(lexer, sign);
    size_t at = sign + whole, fraction = 0;

    *kind = TOW_TOKEN_INTEGER;
    if (lexer_hex_length(lexer))
        return lexer_hex_length(lexer);
    if (lexer_peek(lexer, at) == '.') {
        fraction = lexer_digits(lexer, at + 1);
        at += 1 + fraction;
        *kind = TOW_TOKEN_FLOAT;
    }
    if (whole + fraction == 0)
        return 0;
    size_t exponent = lexer_exponent(lexer, at);
    if (exponent)
        *kind = TOW_TOKEN_FLOAT;
    if (*kind == TOW_TOKEN_INTEGER)
        return at + lexer_suffix(lexer, at);
    return at + exponent;
}

static enum tow_token_kind lexer_number(struct tow_lexer *lexer)
{
    enum tow_token_kind kind;
    size_t length = lexer_number_length(lexer, &kind);

    if (length && !lexer_in_word(lexer_peek(lexer, length))) {
        lexer->at += length;
        return kind;
    }
    while (lexer_in_word(lexer_peek(lexer, 0)))
        lexer->at++;
    return TOW_TOKEN_BAD_WORD;
}

static int lexer_is_word(const char *text, size_t length, const char *word)
{
    return length == strlen(word) && strncasecmp(text, word, length) == 0;
}

static enum tow_token_kind lexer_name(struct tow_lexer *lexer)
{
    const char *start = lexer->at;

    while (lexer_in_name(lexer_peek(lexer, 0)))
        lexer->at++;
    size_t length = (size_t)(lexer->at - start);
    if (lexer_is_word(start, length, "true") || lexer_is_word(start, length, "false"))
        return TOW_TOKEN_BOOL;
    return TOW_TOKEN_NAME;
}

static enum tow_token_kind lexer_mark(char c)
{
    switch (c) {
    case '=':
    case ':':
        return TOW_TOKEN_EQUALS;
    case ',':
        return TOW_TOKEN_COMMA;
    case ';':
        return TOW_TOKEN_SEMICOLON;
    case '{':
    case '(':
    case '[':
        return TOW_TOKEN_OPEN;
    case '}':
    case ')':
    case ']':
        return TOW_TOKEN_CLOSE;
    default:
        return TOW_TOKEN_GARBAGE;
    }
}

static enum tow_token_kind lexer_take(struct tow_lexer *lexer)
{
    char c = *lexer->at;
    enum tow_token_kind kind;

    if (c == '"')
        return lexer_string(lexer);
    if (lexer_starts_name(c))
        return lexer_name(lexer);
    if (lexer_is_digit(c) || c == '+' || c == '-' || c == '.')
        return lexer_number(lexer);
    kind = c == '@' ? lexer_include(lexer) : lexer_mark(c);
    if (kind != TOW_TOKEN_INCLUDE && kind != TOW_TOKEN_UNCLOSED)
        lexer->at++;
    return kind;
}

void tow_lexer_next(struct tow_lexer *lexer, struct tow_token *token)
{
    for (;;) {
        lexer_skip_blanks(lexer);
        *token = (struct tow_token){TOW_TOKEN_END, lexer->at, 0, lexer->line};
        if (lexer->at == lexer->end)
            return;
        if (lexer_peek(lexer, 0) != '/' || lexer_peek(lexer, 1) != '*')
            break;
        if (!lexer_skip_block_comment(lexer)) {
            token->kind = TOW_TOKEN_UNCLOSED;
            return;
        }
    }
    token->kind = lexer_take(lexer);
    token->length = (size_t)(lexer->at - token->start);
}
