/*
 *   group:  { name (= | :) value [; | ,] }...
 *   list:   ( value [, value]... )      array: [ scalar [, scalar]... ], all of one type
 *   value:  scalar | list | array | {group}; strings in a row are one string
 */
#include "config/source/syntax.h"

#include <string.h>

#include "config/excerpt.h"
#include "config/source/brackets.h"
#include "config/source/lexer.h"

enum syntax_state {
    SYNTAX_NAME,        /* in a group: a name, or its end */
    SYNTAX_EQUALS,      /* behind a name */
    SYNTAX_VALUE,       /* behind '=' */
    SYNTAX_BEHIND,      /* behind a value of a group */
    SYNTAX_FIRST_ITEM,  /* in a list: an item, or its end */
    SYNTAX_ITEM,        /* behind ',' */
    SYNTAX_BEHIND_ITEM, /* behind an item */
};

struct syntax_level {
    char bracket;      /* '{' for the text itself too */
    int scalars;       /* arrays: type of the first item, 0 while there is none */
    const char *start; /* groups: behind the bracket */
    int line;          /* of start */
};

struct syntax {
    const struct tow_source *source;
    struct tow_diags *diags;
    struct syntax_level levels[TOW_BRACKETS_DEPTH_MAX + 1];
    size_t depth; /* tow_brackets has seen to it that it fits */
    int line;     /* where names are looked at for being set before; 0: nowhere */
    enum syntax_state state;
    struct tow_token token;
    enum tow_token_kind before; /* kind of the token before */
    char name[TOW_EXCERPT_MAX]; /* of the setting at hand */
};

static int syntax_is_value(enum tow_token_kind kind)
{
    return kind == TOW_TOKEN_STRING || kind == TOW_TOKEN_INTEGER || kind == TOW_TOKEN_FLOAT ||
           kind == TOW_TOKEN_BOOL;
}

/* A type as arrays tell them apart: integers with and without `L` are two. */
static int syntax_scalar_type(const struct tow_token *token)
{
    int is_long = token->kind == TOW_TOKEN_INTEGER && token->start[token->length - 1] == 'L';

    return 1 + 2 * (int)token->kind + is_long;
}

static struct syntax_level *syntax_level(struct syntax *syntax)
{
    return &syntax->levels[syntax->depth];
}

static void syntax_report(struct syntax *syntax, const char *text)
{
    struct tow_place place = tow_source_place(syntax->source, syntax->token.line);

    tow_diags_add(syntax->diags, TOW_DIAG_ERROR, place.file, place.line, "syntax error: %s%s%s",
                  syntax->name, *syntax->name ? ": " : "", text);
}

/* Line at which the group at hand sets the name of the current token before; 0 where nowhere. */
static int syntax_set_before(struct syntax *syntax)
{
    const struct syntax_level *level = syntax_level(syntax);
    const struct tow_token *name = &syntax->token;
    struct tow_lexer lexer;
    struct tow_token token;
    int depth = 0;

    tow_lexer_init(&lexer, level->start, (size_t)(name->start - level->start));
    for (;;) {
        tow_lexer_next(&lexer, &token);
        if (token.kind == TOW_TOKEN_END)
            return 0;
        if (token.kind == TOW_TOKEN_NAME && depth == 0 && token.length == name->length &&
            memcmp(token.start, name->start, name->length) == 0)
            return token.line + level->line - 1;
        depth += (token.kind == TOW_TOKEN_OPEN) - (token.kind == TOW_TOKEN_CLOSE);
    }
}

static int syntax_report_twice(struct syntax *syntax, int line)
{
    struct tow_place here = tow_source_place(syntax->source, syntax->token.line);
    struct tow_place there = tow_source_place(syntax->source, line);

    tow_diags_add(syntax->diags, TOW_DIAG_ERROR, here.file, here.line,
                  "\"%s\" is set twice; the first time in %s:%d", syntax->name, there.file,
                  there.line);
    return -1;
}

static int syntax_refuse(struct syntax *syntax, const char *text)
{
    syntax_report(syntax, text);
    return -1;
}

static int syntax_open(struct syntax *syntax)
{
    char bracket = *syntax->token.start;

    if (syntax_level(syntax)->bracket == '[')
        return syntax_refuse(syntax, "an array [ ] holds plain values only; use a list ( )");
    syntax->levels[++syntax->depth] =
        (struct syntax_level){bracket, 0, syntax->token.start + 1, syntax->token.line};
    syntax->state = bracket == '{' ? SYNTAX_NAME : SYNTAX_FIRST_ITEM;
    if (bracket == '{')
        *syntax->name = '\0';
    return 0;
}

static void syntax_behind_value(struct syntax *syntax)
{
    syntax->state = syntax_level(syntax)->bracket == '{' ? SYNTAX_BEHIND : SYNTAX_BEHIND_ITEM;
}

static int syntax_close(struct syntax *syntax)
{
    if (syntax->depth > 0)
        syntax->depth--;
    syntax_behind_value(syntax);
    *syntax->name = '\0';
    return 0;
}

static int syntax_value(struct syntax *syntax)
{
    struct syntax_level *level = syntax_level(syntax);
    enum tow_token_kind kind = syntax->token.kind;

    if (kind == TOW_TOKEN_OPEN)
        return syntax_open(syntax);
    if (kind == TOW_TOKEN_CLOSE && syntax->state == SYNTAX_FIRST_ITEM)
        return syntax_close(syntax);
    if (kind == TOW_TOKEN_CLOSE && syntax->state == SYNTAX_ITEM)
        return syntax_refuse(syntax, "no ',' stands behind the last item of a list");
    if (kind == TOW_TOKEN_NAME || kind == TOW_TOKEN_GARBAGE)
        return syntax_refuse(syntax, "text needs quotes: \"...\"");
    if (!syntax_is_value(kind))
        return syntax_refuse(syntax, "a value is missing here");
    int type = syntax_scalar_type(&syntax->token);
    if (level->bracket == '[' && level->scalars && level->scalars != type)
        return syntax_refuse(syntax, "the items of an array [ ] are of one type; use a list ( )");
    level->scalars = type;
    syntax_behind_value(syntax);
    return 0;
}

static int syntax_name(struct syntax *syntax)
{
    enum tow_token_kind kind = syntax->token.kind;

    if (kind == TOW_TOKEN_CLOSE)
        return syntax_close(syntax);
    if (kind == TOW_TOKEN_NAME) {
        tow_excerpt(syntax->token.start, syntax->token.length, syntax->name);
        syntax->state = SYNTAX_EQUALS;
        int line = syntax->token.line == syntax->line ? syntax_set_before(syntax) : 0;
        return line ? syntax_report_twice(syntax, line) : 0;
    }
    if (kind == TOW_TOKEN_GARBAGE && *syntax->token.start == '@')
        return syntax_refuse(syntax, "an include is written @include \"file\", at the start of a "
                                     "line");
    if (kind == TOW_TOKEN_SEMICOLON || kind == TOW_TOKEN_COMMA)
        return syntax_refuse(syntax, "a ';' or ',' too many");
    if (kind == TOW_TOKEN_BOOL)
        return syntax_refuse(syntax, "true and false are no names");
    if (syntax_is_value(kind) || kind == TOW_TOKEN_OPEN)
        return syntax_refuse(syntax, "a value stands here without `name =` before it");
    return syntax_refuse(syntax, "here a setting `name = value;` was expected");
}

/* Behind a value of a group the next setting may follow at once. */
static int syntax_behind(struct syntax *syntax)
{
    enum tow_token_kind kind = syntax->token.kind;

    if (kind == TOW_TOKEN_STRING && syntax->before == TOW_TOKEN_STRING)
        return 0;
    syntax->state = SYNTAX_NAME;
    if (kind == TOW_TOKEN_SEMICOLON || kind == TOW_TOKEN_COMMA) {
        *syntax->name = '\0';
        return 0;
    }
    if (kind != TOW_TOKEN_NAME && kind != TOW_TOKEN_CLOSE)
        return syntax_refuse(syntax, "the value goes on here; is a ';' or a quote missing?");
    return syntax_name(syntax);
}

static int syntax_behind_item(struct syntax *syntax)
{
    enum tow_token_kind kind = syntax->token.kind;

    if (kind == TOW_TOKEN_STRING && syntax->before == TOW_TOKEN_STRING)
        return 0;
    if (kind == TOW_TOKEN_CLOSE)
        return syntax_close(syntax);
    if (kind != TOW_TOKEN_COMMA)
        return syntax_refuse(syntax, "a ',' is missing between the items of a list");
    syntax->state = SYNTAX_ITEM;
    return 0;
}

static int syntax_step(struct syntax *syntax)
{
    switch (syntax->state) {
    case SYNTAX_NAME:
        return syntax_name(syntax);
    case SYNTAX_EQUALS:
        if (syntax->token.kind != TOW_TOKEN_EQUALS)
            return syntax_refuse(syntax, "a '=' is missing behind the name");
        syntax->state = SYNTAX_VALUE;
        return 0;
    case SYNTAX_BEHIND:
        return syntax_behind(syntax);
    case SYNTAX_BEHIND_ITEM:
        return syntax_behind_item(syntax);
    default:
        return syntax_value(syntax);
    }
}

static int syntax_walk(const struct tow_source *source, int line, struct tow_diags *diags)
{
    struct syntax syntax = {.source = source, .diags = diags, .line = line};
    struct tow_lexer lexer;

    syntax.levels[0] = (struct syntax_level){'{', 0, source->text.bytes, 1};
    tow_lexer_init(&lexer, source->text.bytes, source->text.length);
    for (;;) {
        int at_rest = syntax.state == SYNTAX_NAME || syntax.state == SYNTAX_BEHIND;

        syntax.before = syntax.token.kind;
        tow_lexer_next(&lexer, &syntax.token);
        if (syntax.token.kind == TOW_TOKEN_END && at_rest)
            return 0;
        if (syntax_step(&syntax))
            return -1;
    }
}

int tow_syntax_check(const struct tow_source *source, struct tow_diags *diags)
{
    return syntax_walk(source, 0, diags) == 0;
}

void tow_syntax_explain(const struct tow_source *source, int line, const char *reason,
                        struct tow_diags *diags)
{
    struct tow_place place = tow_source_place(source, line);

    if (syntax_walk(source, line, diags) == 0)
        tow_diags_add(diags, TOW_DIAG_ERROR, place.file, place.line, "%s", reason);
}
