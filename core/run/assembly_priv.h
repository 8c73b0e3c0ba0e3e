/* What assembly.c and probe.c share. */
#ifndef CORE_RUN_ASSEMBLY_PRIV_H
#define CORE_RUN_ASSEMBLY_PRIV_H

#include "run/assembly.h"

/* What a plugin found wrong with its section, or with the world that the section speaks of; the
 * message names the plugin. */
void assembly_found(const struct tow_setting *section, const struct tow_error *found,
                    struct tow_diags *diags);

#endif
