/*
 * References in string values:
 *
 *   ${env:NAME}            the environment variable; an error where it is not set
 *   ${env:NAME:-default}   `default` where it is not set or empty; no reference within
 *   ${file:path}           a file's content without its last newline; relative to `dir`, the job
 *                          file's folder; regular, at most 64 KiB, without NUL
 *   $${                    a literal "${"
 *
 * What comes in is UTF-8 and not expanded again. No message shows it.
 */
#ifndef CORE_CONFIG_EXPAND_H
#define CORE_CONFIG_EXPAND_H

#include "config/diag.h"
#include "config/setting.h"
#include "towpath/error.h"

#define TOW_EXPAND_FILE_MAX (64u << 10)

/*
 * Expands every string in the tree, in place. What cannot be expanded is a finding and becomes
 * TOW_SETTING_UNKNOWN; a file that other users can write is a warning. Other than TOW_OK only where memory ran out.
 */
int tow_expand_setting(struct tow_setting *setting, const char *dir, struct tow_diags *diags,
                       struct tow_error *err);

/* The same for one text: *out is the caller's to free, *origin TOW_SETTING_LITERAL, ... */
int tow_expand_text(const char *text, const char *dir, char **out, int *origin,
                    struct tow_error *err);

#endif
