#include "config/source/brackets.h"

static int brackets_open(struct tow_brackets *brackets, const struct tow_token *token)
{
    char close = *token->start == '{' ? '}' : *token->start == '(' ? ')' : ']';

    if (brackets->outer + brackets->depth == TOW_BRACKETS_DEPTH_MAX) {
        tow_diags_add(brackets->diags, TOW_DIAG_ERROR, brackets->file, token->line,
                      "groups and lists lie more than %d deep in each other",
                      TOW_BRACKETS_DEPTH_MAX);
        return -1;
    }
    brackets->open[++brackets->depth] = (struct tow_bracket){close, token->line, 0};
    return 0;
}

static int brackets_close(struct tow_brackets *brackets, const struct tow_token *token)
{
    const struct tow_bracket *open = &brackets->open[brackets->depth];

    if (brackets->depth > 0 && open->close == *token->start) {
        brackets->depth--;
        return 0;
    }
    if (brackets->depth == 0)
        tow_diags_add(brackets->diags, TOW_DIAG_ERROR, brackets->file, token->line,
                      "'%c' closes nothing", *token->start);
    else
        tow_diags_add(brackets->diags, TOW_DIAG_ERROR, brackets->file, token->line,
                      "'%c' stands where '%c' is needed to close what line %d opens", *token->start,
                      open->close, open->line);
    return -1;
}

static int brackets_count_name(struct tow_brackets *brackets, const struct tow_token *token)
{
    if (++brackets->open[brackets->depth].names <= TOW_BRACKETS_NAMES_MAX)
        return 0;
    tow_diags_add(brackets->diags, TOW_DIAG_ERROR, brackets->file, token->line,
                  "more than %d settings in one group", TOW_BRACKETS_NAMES_MAX);
    return -1;
}

static int brackets_end(struct tow_brackets *brackets)
{
    const struct tow_bracket *open = &brackets->open[brackets->depth];

    if (brackets->depth == 0)
        return 0;
    tow_diags_add(brackets->diags, TOW_DIAG_ERROR, brackets->file, open->line,
                  "what is opened here is never closed by '%c'", open->close);
    return -1;
}

int tow_brackets_take(struct tow_brackets *brackets, const struct tow_token *token)
{
    switch (token->kind) {
    case TOW_TOKEN_OPEN:
        return brackets_open(brackets, token);
    case TOW_TOKEN_CLOSE:
        return brackets_close(brackets, token);
    case TOW_TOKEN_NAME:
        return brackets_count_name(brackets, token);
    case TOW_TOKEN_END:
        return brackets_end(brackets);
    default:
        return 0;
    }
}
