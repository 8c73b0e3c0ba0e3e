/*
 * The columns that a sink takes, for `plugins show`.
 */
#ifndef CORE_CLI_PLUGIN_COLUMNS_H
#define CORE_CLI_PLUGIN_COLUMNS_H

#include "console/arguments.h"
#include "console/doc.h"
#include "towpath/plugin.h"

/*
 * Options as they stand on the command line (pairs of TOW_ARGUMENT_OTHERS): TOW_E_CONFIG where the
 * plugin does not have one, or its value does not fit; TOW_E_UNSUPPORTED where the plugin names no
 * columns, so that none is of use.
 */
int tow_plugin_columns_check(const struct tow_plugin *plugin, const struct tow_texts *given,
                             struct tow_error *err);

/* Shows the columns of a sink that names them, with options that passed the check: as a table on
 * stdout, or as the member "columns" of doc. Where they depend on a choice that was not given, the
 * table is a hint, and "columns" null. */
int tow_plugin_columns_text(const struct tow_plugin *plugin, const struct tow_texts *given,
                            struct tow_error *err);
int tow_plugin_columns_doc(const struct tow_plugin *plugin, const struct tow_texts *given,
                           struct tow_doc *doc, struct tow_error *err);

#endif
