/* What assembly.c and probe.c share. */
#ifndef CORE_RUN_ASSEMBLY_ASSEMBLY_PRIV_H
#define CORE_RUN_ASSEMBLY_ASSEMBLY_PRIV_H

#include "run/assembly/assembly.h"

/* What a plugin found wrong with its section, or with the world that the section speaks of; the
 * message names the plugin. */
void assembly_found(const struct tow_setting *section, const struct tow_error *found,
                    struct tow_diags *diags);

/* From the source's columns through transforms and `columns` to those that go out, which the sink
 * is shown where it can look offline; *schema is replaced, or released where something was refused.
 */
int assembly_way(struct tow_assembly *assembly, struct ArrowSchema *schema, struct tow_diags *diags,
                 struct tow_error *err);

#endif
