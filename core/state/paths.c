#include "state/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/connection.h"

char *tow_path_absolute(const char *path)
{
    char *folder, *out = NULL;

    if (path[0] == '/')
        return strdup(path);
    folder = getcwd(NULL, 0);
    if (!folder)
        return errno == ENOMEM ? NULL : strdup(path);
    if (asprintf(&out, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, path) < 0)
        out = NULL;
    free(folder);
    return out;
}

char *tow_path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

int tow_folder_sync(const char *folder, struct tow_error *err)
{
    int result = TOW_OK;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "folder %s cannot be opened", folder);
    /* Some file systems cannot sync a folder and say EINVAL: then there is nothing to wait for. */
    if (fsync(fd) != 0 && errno != EINVAL)
        result = tow_error_errno(err, TOW_E_ENV, errno, "folder %s cannot be made durable", folder);
    close(fd);
    return result;
}

static int folder_make_one(const char *folder, struct tow_error *err)
{
    char *parent;
    int result;

    if (mkdir(folder, 0700) != 0)
        return errno == EEXIST
                   ? TOW_OK
                   : tow_error_errno(err, TOW_E_ENV, errno, "folder %s cannot be made", folder);
    parent = tow_path_folder(folder);
    if (!parent)
        return tow_error_nomem(err);
    result = tow_folder_sync(parent, err);
    free(parent);
    return result;
}

int tow_folder_make(const char *folder, struct tow_error *err)
{
    struct stat st;
    char *path, *slash;
    int result = TOW_OK;

    if (stat(folder, &st) == 0)
        return S_ISDIR(st.st_mode)
                   ? TOW_OK
                   : tow_error_set(err, TOW_E_ENV, "%s is a file, not a folder", folder);
    path = strdup(folder);
    if (!path)
        return tow_error_nomem(err);
    for (slash = strchr(path + 1, '/'); slash && result == TOW_OK; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (stat(path, &st) != 0)
            result = folder_make_one(path, err);
        *slash = '/';
    }
    if (result == TOW_OK)
        result = folder_make_one(path, err);
    free(path);
    return result;
}

static const char *env_text(const char *name)
{
    const char *text = getenv(name);

    return text && *text ? text : NULL;
}

/* The user's own folder, from the password file where the environment does not say. */
static char *path_home(void)
{
    const char *home = env_text("HOME");
    struct passwd entry, *found = NULL;
    char strings[4096];

    if (home)
        return strdup(home);
    if (getpwuid_r(geteuid(), &entry, strings, sizeof strings, &found) == 0 && found)
        return strdup(found->pw_dir);
    return strdup("/");
}

char *tow_state_default_path(const char *given)
{
    const char *text = given && *given ? given : env_text("TOWPATH_STATE");
    char *home, *path = NULL;

    if (text)
        return strdup(text);
    if (geteuid() == 0)
        return strdup("/var/lib/towpath/state.db");
    text = env_text("XDG_STATE_HOME");
    /* The base directory specification: a relative path is to be ignored. */
    if (text && text[0] == '/')
        return asprintf(&path, "%s/towpath/state.db", text) < 0 ? NULL : path;
    home = path_home();
    if (!home || asprintf(&path, "%s/.local/state/towpath/state.db", home) < 0)
        path = NULL;
    free(home);
    return path;
}

char *tow_state_reject_path(const struct tow_state *state, const char *job, int64_t run)
{
    size_t length = strlen(state->path);
    char *path = NULL;

    if (length > 4 && strcmp(state->path + length - 3, ".db") == 0 &&
        state->path[length - 4] != '/')
        length -= 3;
    if (asprintf(&path, "%.*s.rejects/%s/%lld.ndjson", (int)length, state->path, job,
                 (long long)run) < 0)
        return NULL;
    return path;
}
