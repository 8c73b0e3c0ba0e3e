/*
 * The words of a libconfig text, as libconfig's own scanner splits them, with their places kept.
 */
#ifndef CORE_CONFIG_SOURCE_LEXER_H
#define CORE_CONFIG_SOURCE_LEXER_H

#include <stddef.h>

enum tow_token_kind {
    TOW_TOKEN_END,
    TOW_TOKEN_NAME,
    TOW_TOKEN_EQUALS, /* '=' or ':' */
    TOW_TOKEN_COMMA,
    TOW_TOKEN_SEMICOLON,
    TOW_TOKEN_OPEN,  /* '{', '(' or '[' */
    TOW_TOKEN_CLOSE, /* '}', ')' or ']' */
    TOW_TOKEN_STRING,
    TOW_TOKEN_INTEGER,
    TOW_TOKEN_FLOAT,
    TOW_TOKEN_BOOL,
    TOW_TOKEN_INCLUDE,  /* from '@' to the closing quote */
    TOW_TOKEN_BAD_WORD, /* starts like a number and goes on like something else: 15m, 1-2 */
    TOW_TOKEN_UNCLOSED, /* a string or comment without end; takes all that follows */
    TOW_TOKEN_GARBAGE   /* one byte that means nothing */
};

struct tow_token {
    enum tow_token_kind kind;
    const char *start; /* borrowed from the text */
    size_t length;
    int line; /* of its first byte */
};

struct tow_lexer {
    const char *at, *end;
    const char *line_start;
    int line;
};

void tow_lexer_init(struct tow_lexer *lexer, const char *text, size_t length);
/* Steps over blanks and comments to the next token; TOW_TOKEN_END at the end, again and again. */
void tow_lexer_next(struct tow_lexer *lexer, struct tow_token *token);

#endif
