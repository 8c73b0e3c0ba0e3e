/*
 * From the text of a job file to the tree of its settings, by libconfig.
 */
#ifndef CORE_CONFIG_SOURCE_PARSE_H
#define CORE_CONFIG_SOURCE_PARSE_H

#include "config/setting.h"
#include "config/source/source_text.h"

/*
 * Fills root, a GROUP, with names of files borrowed from the source's pool. A text that cannot be
 * parsed is a finding and leaves root without members. Other than TOW_OK only where memory ran
 * out. Release root in every case.
 */
int tow_parse(const struct tow_source *source, struct tow_setting *root, struct tow_diags *diags,
              struct tow_error *err);

#endif
