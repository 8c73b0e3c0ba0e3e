/*
 * A section of a job file read by a table of options: plugin instances, and the core's own
 * sections alike.
 */
#ifndef CORE_CONFIG_OPTION_BIND_H
#define CORE_CONFIG_OPTION_BIND_H

#include "config/diag.h"
#include "config/option/option_value.h"
#include "config/setting.h"
#include "towpath/plugin.h"

struct tow_binding {
    const struct tow_option *options; /* ended by a row without name; NULL: none */
    const char *const *others;        /* keys that the caller reads itself; NULL: none */
    const char *owner;                /* "plugin csv": whose keys they are, for messages */
    void *self;                       /* what the offsets count from */
    struct tow_option_target target;
    struct tow_diags *diags;
};

/*
 * Sets members that the section names, then those with a fallback; leaves all others alone.
 * Findings as tow_instance_init has them. Other than TOW_OK only where memory ran out.
 */
int tow_bind(const struct tow_binding *binding, const struct tow_setting *section,
             struct tow_error *err);

/* Adds "unknown key" with the nearest of the names, which end with NULL. */
void tow_unknown_key(const struct tow_setting *key, const char *owner, const char *const *names,
                     struct tow_diags *diags);

#endif
