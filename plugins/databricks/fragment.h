/*
 * Pieces of SQL that the user writes (`query`, `where`) and that are put into a larger statement in
 * parentheses: they must stay in there.
 */
#ifndef PLUGINS_DATABRICKS_FRAGMENT_H
#define PLUGINS_DATABRICKS_FRAGMENT_H

#include "towpath/error.h"

/*
 * TOW_E_CONFIG where the text would end the parentheses around it: a closing one too many, one that
 * stays open, a quote or comment without end, a semicolon; or where there is nothing in it. Knows
 * quotes ('', "", ``), backslashes in them, raw strings and comments. `option` is for messages.
 */
int tow_fragment_check(const char *option, const char *text, struct tow_error *err);

#endif
