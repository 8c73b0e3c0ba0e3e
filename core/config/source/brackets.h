/*
 * Brackets of one file: does each close what was opened, and not too deep.
 */
#ifndef CORE_CONFIG_SOURCE_BRACKETS_H
#define CORE_CONFIG_SOURCE_BRACKETS_H

#include "config/diag.h"
#include "config/source/lexer.h"

#define TOW_BRACKETS_DEPTH_MAX 32   /* groups and lists within each other */
#define TOW_BRACKETS_NAMES_MAX 4096 /* settings of one group: libconfig compares each with all */

struct tow_bracket {
    char close; /* that it needs */
    int line;
    int names; /* settings seen directly within */
};

/* Zeroed but for file, diags and outer. */
struct tow_brackets {
    const char *file;
    struct tow_diags *diags;
    int outer; /* brackets that are open in the files that include this one */
    struct tow_bracket open[TOW_BRACKETS_DEPTH_MAX + 1]; /* [0] is the file itself */
    int depth;
};

/*
 * Takes the next token, of any kind up to TOW_TOKEN_END. 0, or -1 after a finding that leaves
 * the rest to guesswork.
 */
int tow_brackets_take(struct tow_brackets *brackets, const struct tow_token *token);

#endif
