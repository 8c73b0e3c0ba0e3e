/*
 * The grammar of libconfig 1.5, checked before libconfig sees a text: it says "syntax error" and
 * no more, and loses the memory of the strings that it was reading.
 */
#ifndef CORE_CONFIG_SOURCE_SYNTAX_H
#define CORE_CONFIG_SOURCE_SYNTAX_H

#include "config/source/source_text.h"

/*
 * 1 where the grammar has the text, 0 after a finding about the first word that cannot stand where
 * it stands. Values may be secrets and are not shown. Names that are set twice are not looked for.
 */
int tow_syntax_check(const struct tow_source *source, struct tow_diags *diags);

/* The finding for a text that passed the check and that libconfig refuses at `line` of it with
 * `reason`: a name there that was set before, or else what libconfig says. */
void tow_syntax_explain(const struct tow_source *source, int line, const char *reason,
                        struct tow_diags *diags);

#endif
