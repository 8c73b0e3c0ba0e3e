#include "connectors/files/hidden.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/files/place.h"

#define HIDDEN_COPY_MAX   ((size_t)1 << 30)
#define HIDDEN_COPY_BLOCK (16 << 10)
#define HIDDEN_MODE_OWNER 0600 /* needed to go on with it */

struct hidden {
    struct tow_place place;
    char *name;
};

static void hidden_release(struct hidden *hidden)
{
    free(hidden->name);
    tow_place_release(&hidden->place);
}

static int hidden_init(struct hidden *hidden, const char *path, struct tow_error *err)
{
    int code = tow_place_init(&hidden->place, path, err);

    hidden->name = NULL;
    if (code != TOW_OK)
        return code;
    hidden->name = tow_place_hidden_name(&hidden->place, TOW_HIDDEN_SUFFIX, err);
    if (hidden->name)
        return TOW_OK;
    hidden_release(hidden);
    return TOW_E_NOMEM;
}

static int hidden_state(const struct hidden *hidden, struct tow_hidden_state *state,
                        struct tow_error *err)
{
    int code = tow_place_look(&hidden->place, hidden->name, &state->hidden_size, NULL, err);

    if (code == TOW_OK)
        code = tow_place_look(&hidden->place, hidden->place.name, &state->final_size, NULL, err);
    return code;
}

int tow_hidden_look(const char *path, struct tow_hidden_state *state, struct tow_error *err)
{
    struct hidden hidden;
    int code = hidden_init(&hidden, path, err);

    if (code != TOW_OK)
        return code;
    code = hidden_state(&hidden, state, err);
    hidden_release(&hidden);
    return code;
}

static int hidden_error(const struct hidden *hidden, const char *what, struct tow_error *err)
{
    return tow_error_errno(err, TOW_E_ENV, errno, "%s \"%s/%s\"", what, hidden->place.folder_path,
                           hidden->name);
}

/* Its writer synced it; this covers one that was continued and closed without a further byte. */
static int hidden_sync(const struct hidden *hidden, struct tow_error *err)
{
    int fd = openat(hidden->place.folder, hidden->name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    int code = TOW_OK;

    if (fd < 0)
        return hidden_error(hidden, "open", err);
    if (fsync(fd) != 0)
        code = hidden_error(hidden, "sync", err);
    close(fd);
    return code;
}

static int hidden_rename(const struct hidden *hidden, struct tow_error *err)
{
    const int folder = hidden->place.folder;
    int code = hidden_sync(hidden, err);

    if (code == TOW_OK && renameat(folder, hidden->name, folder, hidden->place.name) != 0)
        code = hidden_error(hidden, "give its final name to", err);
    return code;
}

int tow_hidden_publish(const char *path, struct tow_error *err)
{
    struct tow_hidden_state state;
    struct hidden hidden;
    int code = hidden_init(&hidden, path, err);

    if (code != TOW_OK)
        return code;
    code = hidden_state(&hidden, &state, err);
    if (code == TOW_OK && state.hidden_size >= 0)
        code = hidden_rename(&hidden, err);
    else if (code == TOW_OK && state.final_size < 0)
        code = tow_error_set(err, TOW_E_ENV, "neither \"%s\" nor \"%s/%s\", its data, is there",
                             path, hidden.place.folder_path, hidden.name);
    if (code == TOW_OK)
        code = tow_place_sync(&hidden.place, err);
    hidden_release(&hidden);
    return code;
}

/* Up to the end of `from`; what the kernel cannot copy by itself goes through memory. */
static int hidden_copy_bytes(int from, int to)
{
    char block[HIDDEN_COPY_BLOCK];
    ssize_t got;

    do {
        got = copy_file_range(from, NULL, to, NULL, HIDDEN_COPY_MAX, 0);
    } while (got > 0 || (got < 0 && errno == EINTR));
    if (got == 0)
        return 0;
    while ((got = read(from, block, sizeof block)) > 0)
        for (ssize_t done = 0, put; done < got; done += put) {
            put = write(to, block + done, (size_t)(got - done));
            if (put < 0)
                return -1;
        }
    return got < 0 ? -1 : 0;
}

static int hidden_restore(const struct hidden *hidden, struct tow_error *err)
{
    const int folder = hidden->place.folder;
    uint32_t mode = 0;
    int64_t size;
    int from, to = -1;
    int code = tow_place_look(&hidden->place, hidden->place.name, &size, &mode, err);

    if (code != TOW_OK)
        return code;
    mode |= HIDDEN_MODE_OWNER;
    from = openat(folder, hidden->place.name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (from >= 0 && (unlinkat(folder, hidden->name, 0) == 0 || errno == ENOENT))
        to = openat(folder, hidden->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    mode);
    if (to < 0 || fchmod(to, mode) != 0 || hidden_copy_bytes(from, to) != 0 || fsync(to) != 0)
        code = hidden_error(hidden, "copy the final file to", err);
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    return code;
}

int tow_hidden_restore(const char *path, struct tow_error *err)
{
    struct hidden hidden;
    int code = hidden_init(&hidden, path, err);

    if (code != TOW_OK)
        return code;
    code = hidden_restore(&hidden, err);
    if (code == TOW_OK)
        code = tow_place_sync(&hidden.place, err);
    hidden_release(&hidden);
    return code;
}

int tow_hidden_discard(const char *path, int *removed, struct tow_error *err)
{
    struct hidden hidden;
    int code = hidden_init(&hidden, path, err);

    *removed = 0;
    if (code != TOW_OK)
        return code;
    if (unlinkat(hidden.place.folder, hidden.name, 0) == 0)
        *removed = 1;
    else if (errno != ENOENT)
        code = hidden_error(&hidden, "remove", err);
    hidden_release(&hidden);
    return code;
}

static int hidden_check(const struct hidden *hidden, struct tow_error *err)
{
    struct tow_hidden_state state;

    if (strlen(hidden->name) + 1 > NAME_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "file name \"%s\" is too long: %zu bytes",
                             hidden->place.name, strlen(hidden->place.name));
    if (faccessat(hidden->place.folder, ".", W_OK | X_OK, AT_EACCESS) != 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "write in folder \"%s\"",
                               hidden->place.folder_path);
    return hidden_state(hidden, &state, err);
}

int tow_hidden_check(const char *path, struct tow_error *err)
{
    struct hidden hidden;
    int code = hidden_init(&hidden, path, err);

    if (code != TOW_OK)
        return code;
    code = hidden_check(&hidden, err);
    hidden_release(&hidden);
    return code;
}
