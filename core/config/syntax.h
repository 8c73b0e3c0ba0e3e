/*
 * Why libconfig refuses a text, in words that help: libconfig itself says "syntax error".
 */
#ifndef CORE_CONFIG_SYNTAX_H
#define CORE_CONFIG_SYNTAX_H

#include "config/source_text.h"

/*
 * Adds the finding for a text that libconfig refused at `line` of it with `reason`. Looks for the
 * first word that cannot stand where it stands; values, which may be secrets, are not shown.
 */
void tow_syntax_explain(const struct tow_source *source, int line, const char *reason,
                        struct tow_diags *diags);

#endif
