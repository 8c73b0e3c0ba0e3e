/*
 * Numbers as they stand in a file, checked for what libconfig 1.5 would change in silence.
 */
#ifndef CORE_CONFIG_SOURCE_NUMBER_CHECK_H
#define CORE_CONFIG_SOURCE_NUMBER_CHECK_H

#include "config/diag.h"
#include "config/source/lexer.h"

/*
 * Adds findings about an INTEGER or FLOAT token, a value of setting `key` ("" where that is not
 * known). The number itself may be a secret and is not shown. Returns 1 where libconfig reads the
 * integer right only with an `L` behind it, which the text lacks.
 */
int tow_number_check(const struct tow_token *token, const char *key, const char *file,
                     struct tow_diags *diags);

#endif
