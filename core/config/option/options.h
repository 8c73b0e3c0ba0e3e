/*
 * Plugin instances filled from a section of a job file by the plugin's option table.
 */
#ifndef CORE_CONFIG_OPTION_OPTIONS_H
#define CORE_CONFIG_OPTION_OPTIONS_H

#include "config/diag.h"
#include "config/setting.h"
#include "towpath/plugin.h"

/* An instance's memory and all that its options point to. */
struct tow_instance {
    void *self; /* plugin->instance_size zeroed bytes, options filled in */
    const struct tow_plugin *plugin;
    void *priv;
};

/*
 * Fills an instance from `section` (kind GROUP; "plugin" is skipped). Numbers and booleans may be
 * strings where they come from ${...}. Bounds of strings count items. "~/" of a path is HOME.
 * Unknown keys, wrong types, values out of bounds, absent required options: each a finding with
 * file and line, the value seen (never a secret's) and the nearest name. Literal secrets are warned
 * about. `dir` is where relative paths start. Usable where diags->errors did not grow; release it
 * in every case.
 */
int tow_instance_init(struct tow_instance *instance, const struct tow_plugin *plugin,
                      const struct tow_setting *section, const char *dir, struct tow_diags *diags,
                      struct tow_error *err);
/*
 * The same from pairs of name (which ends at its end, or at a '=') and value, to look with: options
 * that are required may be absent. TOW_E_CONFIG for a name that the plugin does not have, or a
 * value that does not fit.
 */
int tow_instance_init_texts(struct tow_instance *instance, const struct tow_plugin *plugin,
                            const char *const *pairs, size_t count, struct tow_error *err);
/* Wipes secrets and frees. The plugin's close has been called before. */
void tow_instance_release(struct tow_instance *instance);

/* Findings about the table itself: types known, offsets inside the instance, defaults that parse
 * and lie within bounds, help present, names unique. Used at load and by `plugins test`. */
int tow_options_verify(const struct tow_plugin *plugin, struct tow_error *err);

/* Parts of `plugins show`, `init` and the manual: type as users read it ("size", "choice: a|b"),
 * bounds ("1 .. 65536", ""), both written to the buffer. */
void tow_option_type_text(const struct tow_option *option, char *text, size_t size);
void tow_option_bounds_text(const struct tow_option *option, char *text, size_t size);

/*
 * The option tables are plugin memory whose rows are as long as their ABI version says; walk them
 * by this: NULL at the end.
 */
const struct tow_option *tow_option_at(const struct tow_plugin *plugin, size_t index);

#endif
