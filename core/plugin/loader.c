#include "plugin/loader.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <ltdl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/diag.h"
#include "config/others.h"

#define MODULE_SUFFIX ".so"

struct loaded {
    char *name;
    const struct tow_plugin *plugin;
};

struct tow_loader {
    char **folders; /* NULL-terminated, in order of search */
    size_t named;   /* of these, in front: that the user named; built-in plugins come next */
    struct loaded *loaded;
    size_t loaded_count;
};

/* ---- search path ---------------------------------------------------------------------------- */

static int loader_add_folder(struct tow_loader *loader, size_t *count, const char *folder,
                             size_t length)
{
    char **folders = realloc(loader->folders, (*count + 2) * sizeof *folders);

    if (!folders)
        return TOW_E_NOMEM;
    loader->folders = folders;
    folders[*count] = strndup(folder, length);
    folders[*count + 1] = NULL;
    return folders[(*count)++] ? TOW_OK : TOW_E_NOMEM;
}

static int loader_add_path(struct tow_loader *loader, size_t *count, const char *path)
{
    while (path && *path) {
        size_t length = strcspn(path, ":");

        if (length > 0 && loader_add_folder(loader, count, path, length))
            return TOW_E_NOMEM;
        path += length + (path[length] == ':');
    }
    return TOW_OK;
}

static int loader_add_installed(struct tow_loader *loader, size_t *count)
{
    loader->named = *count;
    return loader_add_path(loader, count, TOW_PLUGINS_DIR);
}

struct tow_loader *tow_loader_new(const char *given, struct tow_error *err)
{
    struct tow_loader *loader = calloc(1, sizeof *loader);
    size_t count = 0;

    if (!loader || loader_add_path(loader, &count, given) ||
        loader_add_path(loader, &count, getenv("TOWPATH_PLUGIN_PATH")) ||
        loader_add_installed(loader, &count)) {
        tow_loader_free(loader);
        tow_error_nomem(err);
        return NULL;
    }
    /* All that it can lack is memory. */
    if (lt_dlinit()) {
        tow_error_nomem(err);
        tow_loader_free(loader);
        return NULL;
    }
    return loader;
}

/* Modules stay loaded: arrays that they made may still be about, and so may their callbacks. */
void tow_loader_free(struct tow_loader *loader)
{
    if (!loader)
        return;
    for (size_t i = 0; loader->folders && loader->folders[i]; i++)
        free(loader->folders[i]);
    for (size_t i = 0; i < loader->loaded_count; i++)
        free(loader->loaded[i].name);
    free(loader->folders);
    free(loader->loaded);
    free(loader);
}

/* Writes a module's path. 0 where it is too long to be one. */
static int loader_module_path(const struct tow_loader *loader, size_t folder, const char *name,
                              char path[PATH_MAX])
{
    int n = snprintf(path, PATH_MAX, "%s/%s" MODULE_SUFFIX, loader->folders[folder], name);

    return n > 0 && n < PATH_MAX;
}

/* 1: there; 0: not there; otherwise errno tells why that cannot be told. */
static int loader_is_there(const char *path)
{
    if (access(path, F_OK) == 0)
        return 1;
    return errno == ENOENT ? 0 : -1;
}

/* ---- opening -------------------------------------------------------------------------------- */

/* Whose fault it is that a module cannot be opened, by the errno that was left behind. */
static int loader_blame(int errnum)
{
    switch (errnum) {
    case ENOMEM:
        return TOW_E_NOMEM;
    case EMFILE:
    case ENFILE:
    case EIO:
    case EACCES:
        return TOW_E_ENV;
    default:
        return TOW_E_UNSUPPORTED;
    }
}

static int loader_refuse(const char *path, const char *reason, int errnum, struct tow_error *err)
{
    int blame = loader_blame(errnum);

    if (blame == TOW_E_NOMEM)
        return tow_error_nomem(err);
    return tow_error_set(err, blame, "plugin %s cannot be loaded: %s", path,
                         reason ? reason : "no reason given");
}

/* Binds the module's functions now, and leaves it loaded. libltdl would bind each when it is first
 * called, where a symbol that nobody brings ends the process; and it says "file not found" also of
 * a library that the module needs. */
static int loader_bind(const char *path, struct tow_error *err)
{
    errno = 0;
    if (dlopen(path, RTLD_NOW | RTLD_LOCAL))
        return TOW_OK;
    int errnum = errno;
    return loader_refuse(path, dlerror(), errnum, err);
}

/* Where the sticky bit alone protects a folder, anybody can put a module there, but not as root or
 * as this user.
 */
static int loader_check_folder(const char *path, const struct stat *module, struct tow_error *err)
{
    char folder[PATH_MAX], who[TOW_OTHERS_MAX];
    const char *slash = strrchr(path, '/');
    int length = slash == path ? 1 : (int)(slash - path);
    struct stat info;

    snprintf(folder, sizeof folder, "%.*s", length, path);
    if (stat(folder, &info) != 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "plugin folder %s", folder);
    if (tow_others_replace(&info, who))
        return tow_error_set(
            err, TOW_E_ENV,
            "plugin %s is not loaded: it lies in %s, and %s: chmod go-w the folder "
            "after making sure that what it holds is yours",
            path, folder, who);
    if (tow_others_write(&info, who) && module->st_uid != 0 && module->st_uid != geteuid())
        return tow_error_set(err, TOW_E_ENV,
                             "plugin %s is not loaded: it belongs to user %lu, lies in %s, and %s",
                             path, (unsigned long)module->st_uid, folder, who);
    return TOW_OK;
}

/* Loading a module is doing what its author wants. `path` is looked at where links lead it, too. */
static int loader_check_writers(const char *path, struct tow_error *err)
{
    char real[PATH_MAX], who[TOW_OTHERS_MAX];
    struct stat info;

    if (!realpath(path, real) || stat(real, &info) != 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "plugin %s", path);
    if (tow_others_write(&info, who))
        return tow_error_set(err, TOW_E_ENV,
                             "plugin %s is not loaded: %s: chmod go-w it after making sure "
                             "that its content is yours",
                             path, who);
    int rc = loader_check_folder(real, &info, err);
    return rc || strcmp(real, path) == 0 ? rc : loader_check_folder(path, &info, err);
}

static int loader_open_module(const char *path, lt_dlhandle *out, struct tow_error *err)
{
    lt_dladvise advise;
    int rc = loader_check_writers(path, err);

    if (!rc)
        rc = loader_bind(path, err);
    if (rc)
        return rc;
    /* All that it can lack is memory. */
    if (lt_dladvise_init(&advise))
        return tow_error_nomem(err);
    lt_dladvise_local(&advise);
    lt_dladvise_resident(&advise);
    errno = 0;
    *out = lt_dlopenadvise(path, advise);
    if (!*out) {
        int errnum = errno;

        rc = loader_refuse(path, lt_dlerror(), errnum, err);
    }
    lt_dladvise_destroy(&advise);
    return rc;
}

static int loader_remember(struct tow_loader *loader, const char *name,
                           const struct tow_plugin *plugin, struct tow_error *err)
{
    size_t size = (loader->loaded_count + 1) * sizeof *loader->loaded;
    struct loaded *loaded = realloc(loader->loaded, size);

    if (!loaded)
        return tow_error_nomem(err);
    loader->loaded = loaded;
    loaded[loader->loaded_count].name = strdup(name);
    loaded[loader->loaded_count].plugin = plugin;
    if (!loaded[loader->loaded_count].name)
        return tow_error_nomem(err);
    loader->loaded_count++;
    return TOW_OK;
}

static int loader_take(struct tow_loader *loader, const char *name, tow_plugin_entry *entry,
                       const struct tow_plugin **out, struct tow_error *err)
{
    const struct tow_plugin *plugin = entry();
    int rc = tow_plugin_vet(plugin, name, err);

    if (!rc)
        rc = loader_remember(loader, name, plugin, err);
    if (!rc)
        *out = plugin;
    return rc;
}

static int loader_load(struct tow_loader *loader, const char *name, const char *path,
                       const struct tow_plugin **out, struct tow_error *err)
{
    lt_dlhandle module = NULL;
    int rc = loader_open_module(path, &module, err);

    if (rc)
        return rc;
    tow_plugin_entry *entry = NULL;
    errno = 0;
    *(void **)&entry = lt_dlsym(module, "tow_plugin_entry");
    if (!entry && errno == ENOMEM)
        return tow_error_nomem(err);
    if (!entry)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "%s is no towpath plugin: it lacks the symbol %s_LTX_tow_plugin_entry",
                             path, name);
    return loader_take(loader, name, entry, out, err);
}

int tow_loader_open(struct tow_loader *loader, const char *path, const struct tow_plugin **out,
                    struct tow_error *err)
{
    char name[256], here[PATH_MAX];
    const char *base = strrchr(path, '/');
    size_t suffix = strlen(MODULE_SUFFIX);

    base = base ? base + 1 : path;
    size_t length = strlen(base);
    if (length <= suffix || strcmp(base + length - suffix, MODULE_SUFFIX) != 0 ||
        length - suffix >= sizeof name)
        return tow_error_set(err, TOW_E_CONFIG, "%s: a plugin's file is called NAME%s", path,
                             MODULE_SUFFIX);
    memcpy(name, base, length - suffix);
    name[length - suffix] = '\0';
    if (access(path, R_OK))
        return tow_error_errno(err, TOW_E_ENV, errno, "plugin %s", path);
    /* A bare name would be looked for among the system's libraries. */
    if (base == path) {
        snprintf(here, sizeof here, "./%s", path);
        path = here;
    }
    return loader_load(loader, name, path, out, err);
}

/* ---- finding -------------------------------------------------------------------------------- */

static int loader_is_module(const char *file, char *name, size_t size)
{
    size_t length = strlen(file), suffix = strlen(MODULE_SUFFIX);

    if (file[0] == '.' || length <= suffix || length - suffix >= size ||
        strcmp(file + length - suffix, MODULE_SUFFIX) != 0)
        return 0;
    memcpy(name, file, length - suffix);
    name[length - suffix] = '\0';
    return 1;
}

static const struct tow_builtin *loader_builtin(const char *name)
{
    for (const struct tow_builtin *builtin = tow_builtins; builtin->name; builtin++)
        if (strcmp(builtin->name, name) == 0)
            return builtin;
    return NULL;
}

/* In a folder before this one. */
static int loader_seen_before(struct tow_loader *loader, size_t folder, const char *name)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < folder; i++)
        if (loader_module_path(loader, i, name, path) && loader_is_there(path) == 1)
            return 1;
    return 0;
}

typedef int loader_visit(void *context, const char *name, const char *path);

/* A folder that is not there is no mistake: the installed one may not be. */
static int loader_cannot_list(const char *folder, int errnum, struct tow_error *err)
{
    if (errnum == ENOENT)
        return TOW_OK;
    if (errnum == ENOMEM)
        return tow_error_nomem(err);
    return tow_error_errno(err, TOW_E_ENV, errnum, "plugin folder %s", folder);
}

static int loader_each_in(struct tow_loader *loader, size_t folder, loader_visit *visit,
                          void *context, struct tow_error *err)
{
    struct dirent **entries = NULL;
    int count = scandir(loader->folders[folder], &entries, NULL, alphasort);
    int rc = count < 0 ? loader_cannot_list(loader->folders[folder], errno, err) : 0;

    for (int i = 0; i < count; i++) {
        char name[256], path[PATH_MAX];

        if (!rc && loader_is_module(entries[i]->d_name, name, sizeof name) &&
            !loader_seen_before(loader, folder, name) &&
            (folder < loader->named || !loader_builtin(name)) &&
            loader_module_path(loader, folder, name, path))
            rc = visit(context, name, path);
        free(entries[i]);
    }
    free(entries);
    return rc;
}

static int loader_each_builtin(struct tow_loader *loader, loader_visit *visit, void *context)
{
    int rc = 0;

    for (const struct tow_builtin *builtin = tow_builtins; !rc && builtin->name; builtin++)
        if (!loader_seen_before(loader, loader->named, builtin->name))
            rc = visit(context, builtin->name, NULL);
    return rc;
}

int tow_loader_each(struct tow_loader *loader,
                    int (*visit)(void *context, const char *name, const char *path), void *context,
                    struct tow_error *err)
{
    int rc = 0;
    size_t i = 0;

    for (; !rc && i < loader->named; i++)
        rc = loader_each_in(loader, i, visit, context, err);
    if (!rc)
        rc = loader_each_builtin(loader, visit, context);
    for (; !rc && loader->folders[i]; i++)
        rc = loader_each_in(loader, i, visit, context, err);
    return rc;
}

struct names {
    const char **items;
    size_t count;
};

static int names_add(void *context, const char *name, const char *path)
{
    struct names *names = context;
    const char **items = realloc(names->items, (names->count + 2) * sizeof *items);

    (void)path;
    if (!items)
        return TOW_E_NOMEM;
    names->items = items;
    items[names->count] = strdup(name);
    items[names->count + 1] = NULL;
    return items[names->count++] ? 0 : TOW_E_NOMEM;
}

static void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free((char *)names->items[i]);
    free(names->items);
}

/* Where it was looked for, and what else is there. */
static int loader_not_found(struct tow_loader *loader, const char *name, struct tow_error *err)
{
    struct names names = {0};
    char folders[512] = "";
    size_t used = 0;
    const char *near = NULL;

    /* A folder that cannot be listed has been looked into by name all the same. */
    tow_loader_each(loader, names_add, &names, NULL);
    if (names.items)
        near = tow_nearest(name, names.items);
    for (size_t i = 0; loader->folders && loader->folders[i] && used < sizeof folders; i++)
        used += (size_t)snprintf(folders + used, sizeof folders - used, "%s%s", i ? ", " : "",
                                 loader->folders[i]);
    tow_error_set(err, TOW_E_CONFIG, "no plugin \"%s\" in %s%s%s%s", name, folders,
                  near ? "; did you mean \""
                  : !names.count
                      ? "; none is there: name their folder in --plugin-path or TOWPATH_PLUGIN_PATH"
                      : "",
                  near ? near : "", near ? "\"?" : "");
    names_free(&names);
    return TOW_E_CONFIG;
}

/* Looks in folders from `first` on, up to `end` or the last one. *found: one of them has it. */
static int loader_search(struct tow_loader *loader, const char *name, size_t first, size_t end,
                         const struct tow_plugin **out, int *found, struct tow_error *err)
{
    char path[PATH_MAX];

    for (size_t i = first; i < end && loader->folders[i]; i++) {
        if (!loader_module_path(loader, i, name, path))
            continue;
        int there = loader_is_there(path);
        if (there < 0)
            return tow_error_errno(err, TOW_E_ENV, errno, "plugin %s", path);
        *found = there;
        if (there)
            return loader_load(loader, name, path, out, err);
    }
    return TOW_OK;
}

int tow_loader_get(struct tow_loader *loader, const char *name, const struct tow_plugin **out,
                   struct tow_error *err)
{
    int found = 0;

    for (size_t i = 0; i < loader->loaded_count; i++)
        if (strcmp(loader->loaded[i].name, name) == 0) {
            *out = loader->loaded[i].plugin;
            return TOW_OK;
        }
    if (!name[0] || strchr(name, '/') || name[0] == '.' || strlen(name) > NAME_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "\"%.80s\" is no plugin name", name);
    int rc = loader_search(loader, name, 0, loader->named, out, &found, err);
    if (rc || found)
        return rc;
    const struct tow_builtin *builtin = loader_builtin(name);
    if (builtin)
        return loader_take(loader, name, builtin->entry, out, err);
    rc = loader_search(loader, name, loader->named, SIZE_MAX, out, &found, err);
    return rc || found ? rc : loader_not_found(loader, name, err);
}
