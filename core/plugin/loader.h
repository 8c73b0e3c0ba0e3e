/*
 * Finds, opens and vets plugins. All are loaded before any thread starts, and stay loaded.
 */
#ifndef CORE_PLUGIN_LOADER_H
#define CORE_PLUGIN_LOADER_H

#include "towpath/error.h"
#include "towpath/plugin.h"

struct tow_loader;

/* A plugin that is part of the program: its name and what a module would export. */
struct tow_builtin {
    const char *name;
    tow_plugin_entry *entry;
};
/* All of them, and a row without a name. The core library has an empty table; a program that brings
 * plugins along (configure --enable-preloaded) has its own, which the linker then takes. */
extern const struct tow_builtin tow_builtins[];

/* Search path: `given` (colon-separated, may be NULL), $TOWPATH_PLUGIN_PATH, built-in plugins,
 * installed folder. So a module stands for a built-in plugin where somebody names its folder. */
struct tow_loader *tow_loader_new(const char *given, struct tow_error *err);
void tow_loader_free(struct tow_loader *loader);

/* By name ("csv"). The descriptor is vetted and lives as long as the process. TOW_E_CONFIG where no
 * folder has it (folders and nearest name in the message), TOW_E_ENV where a folder cannot be
 * looked into, or module or folder can be written by other users, TOW_E_UNSUPPORTED with the true
 * reason where the module cannot be used. */
int tow_loader_get(struct tow_loader *loader, const char *name, const struct tow_plugin **out,
                   struct tow_error *err);
/* By file ("./mine.so", "build/.libs/mine.so"). */
int tow_loader_open(struct tow_loader *loader, const char *path, const struct tow_plugin **out,
                    struct tow_error *err);

/* Each plugin on the search path, in its order, a name once: name, full path (NULL: built in).
 * Stops when visit returns other than 0 and returns that. Folders that are not there are left out; one that
 * cannot be read is TOW_E_ENV. err may be NULL. */
int tow_loader_each(struct tow_loader *loader,
                    int (*visit)(void *context, const char *name, const char *path), void *context,
                    struct tow_error *err);

/* The plugin's call of that name; NULL where it has none, or is of an ABI that had none. */
typedef int32_t tow_sink_columns_call(void *self, tow_column_visit *visit, void *context,
                                      struct tow_error *err);
tow_sink_columns_call *tow_sink_columns(const struct tow_plugin *plugin);
typedef int32_t tow_source_setup_call(void *self, const struct tow_host *host,
                                      const struct tow_setup *setup, struct ArrowSchema *out,
                                      struct tow_error *err);
tow_source_setup_call *tow_source_setup(const struct tow_plugin *plugin);
typedef int32_t tow_sink_setup_call(void *self, const struct tow_host *host,
                                    const struct tow_setup *setup, struct tow_error *err);
tow_sink_setup_call *tow_sink_setup(const struct tow_plugin *plugin);

/* The words that a source offers ("aid|audience_slug"), and those in braces that a sink fills in
 * itself; NULL where it says none, or is of an ABI that had none. */
const char *tow_source_names(const struct tow_plugin *plugin);
const char *tow_sink_words(const struct tow_plugin *plugin);

/* The word of `towpath NAME WORD`; NULL where the plugin describes nothing. */
const char *tow_sink_describe_word(const struct tow_plugin *plugin);

/* The vetting alone: sizes, versions, required members, option table. `name` is what the module's
 * file is called. */
int tow_plugin_vet(const struct tow_plugin *plugin, const char *name, struct tow_error *err);

#endif
