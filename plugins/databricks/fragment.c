#include "plugins/databricks/fragment.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct fragment {
    const char *option;
    const char *text;
    const char *p;
    size_t depth;   /* of brackets that are open */
    size_t tokens;  /* bytes that are neither space nor comment */
    char open[256]; /* brackets that are open */
};

static int fragment_error(const struct fragment *fragment, const char *problem,
                          struct tow_error *err)
{
    return tow_error_set(err, TOW_E_CONFIG, "%s, character %zu: %s", fragment->option,
                         (size_t)(fragment->p - fragment->text) + 1, problem);
}

/* In r'...' and r"..." a backslash is a byte like any other. */
static int fragment_is_raw(const struct fragment *fragment)
{
    const char *p = fragment->p;

    if (p == fragment->text || (p[-1] != 'r' && p[-1] != 'R'))
        return 0;
    return p - 1 == fragment->text || !(isalnum((unsigned char)p[-2]) || p[-2] == '_');
}

/* Skips what stands in quotes; p is at the first of them. Doubled quotes are two strings in a row,
 * which changes nothing here. */
static int fragment_quoted(struct fragment *fragment, struct tow_error *err)
{
    const char quote = *fragment->p;
    const int escapes = quote != '`' && !fragment_is_raw(fragment);
    const char *p = fragment->p + 1;

    while (*p && *p != quote)
        p += escapes && *p == '\\' && p[1] ? 2 : 1;
    if (!*p)
        return fragment_error(fragment, "this quote is not closed", err);
    fragment->p = p + 1;
    fragment->tokens++;
    return TOW_OK;
}

/* Bracketed comments nest. */
static int fragment_comment(struct fragment *fragment, struct tow_error *err)
{
    const char *p = fragment->p + 2;

    for (size_t depth = 1; depth > 0; p++) {
        if (!*p)
            return fragment_error(fragment, "this comment is not closed", err);
        if (p[0] == '*' && p[1] == '/') {
            depth--;
            p++;
        } else if (p[0] == '/' && p[1] == '*') {
            depth++;
            p++;
        }
    }
    fragment->p = p;
    return TOW_OK;
}

/* Ends with its line, unless that ends in a backslash. */
static int fragment_line_comment(struct fragment *fragment, struct tow_error *err)
{
    const char *p = fragment->p;

    while (*p && *p != '\n' && *p != '\r')
        p += p[0] == '\\' && p[1] == '\n' ? 2 : 1;
    if (!*p && p[-1] == '\\')
        return fragment_error(fragment,
                              "this comment ends in a backslash, which would go on with it", err);
    fragment->p = p;
    return TOW_OK;
}

static int fragment_bracket(struct fragment *fragment, struct tow_error *err)
{
    const char c = *fragment->p;

    if (c == '(' || c == '[') {
        if (fragment->depth == sizeof fragment->open)
            return fragment_error(fragment, "more than 256 brackets are open here", err);
        fragment->open[fragment->depth++] = c;
    } else {
        if (fragment->depth == 0 || fragment->open[fragment->depth - 1] != (c == ')' ? '(' : '['))
            return fragment_error(fragment, "this bracket closes none of the text's own", err);
        fragment->depth--;
    }
    fragment->p++;
    fragment->tokens++;
    return TOW_OK;
}

static int fragment_step(struct fragment *fragment, struct tow_error *err)
{
    const char *p = fragment->p;

    if (strchr("'\"`", *p))
        return fragment_quoted(fragment, err);
    if (p[0] == '/' && p[1] == '*')
        return fragment_comment(fragment, err);
    if (strchr("()[]", *p))
        return fragment_bracket(fragment, err);
    if (*p == ';')
        return fragment_error(fragment, "a semicolon; it is one piece of SQL, so leave it out",
                              err);
    if (p[0] == '-' && p[1] == '-')
        return fragment_line_comment(fragment, err);
    fragment->tokens += !isspace((unsigned char)*p);
    fragment->p++;
    return TOW_OK;
}

int tow_fragment_check(const char *option, const char *text, struct tow_error *err)
{
    struct fragment fragment = {.option = option, .text = text, .p = text};
    int code = TOW_OK;

    while (code == TOW_OK && *fragment.p)
        code = fragment_step(&fragment, err);
    if (code != TOW_OK)
        return code;
    if (fragment.depth > 0)
        return tow_error_set(err, TOW_E_CONFIG, "%s: '%c' is not closed", option,
                             fragment.open[fragment.depth - 1]);
    if (fragment.tokens == 0)
        return tow_error_set(err, TOW_E_CONFIG, "%s: there is no SQL in it", option);
    return TOW_OK;
}
