/*
 * Option tables and the values of a section in words: for `plan`, `plugins show` and `init`.
 */
#ifndef CORE_CLI_OPTIONS_TEXT_H
#define CORE_CLI_OPTIONS_TEXT_H

#include "config/option/options.h"
#include "console/doc.h"
#include "console/table.h"

/* Appends text as a job file writes a string: TOW_OK or TOW_E_NOMEM. */
int tow_quote(struct tow_buffer *out, const char *text);

/*
 * An option's value as a job file would say it: of the section, or where that lacks it the
 * default. Secrets are "***". Paths are where they lead from `dir`. *is_default tells which it
 * is. Returns 0 where the option has no value at all.
 */
int tow_option_value_text(struct tow_buffer *out, const struct tow_option *option,
                          const struct tow_setting *section, const char *dir, int *is_default);

/* The default as a job file would say it: "\"utf-8\"", "8192". Not for options without one. TOW_OK
 * or TOW_E_NOMEM. */
int tow_option_default_text(struct tow_buffer *out, const struct tow_option *option);

/* The effective options of a section: rows of name, value, "(default)" or "". */
void tow_options_table(struct tow_table *table, const struct tow_plugin *plugin,
                       const struct tow_setting *section, const char *dir);
/* The same as an array of {name, value, default, secret}. */
void tow_options_doc(struct tow_doc *doc, const char *key, const struct tow_plugin *plugin,
                     const struct tow_setting *section, const char *dir);

/* Rows of an option table as it is, without a section: name, type, default, bounds, help. */
struct tow_table *tow_option_table_new(void);
void tow_option_row(struct tow_table *table, const struct tow_option *option);
/* The same as an object: {name, type, required, secret, default, bounds, help}. */
void tow_option_doc(struct tow_doc *doc, const struct tow_option *option);

#endif
