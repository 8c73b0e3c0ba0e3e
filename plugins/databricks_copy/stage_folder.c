/* A folder of this machine as a stage: files appear whole, and are durable when put returns. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/files/hidden.h"
#include "connectors/files/output.h"
#include "connectors/files/place.h"
#include "plugins/databricks_copy/stage_priv.h"

#define FOLDER_BLOCK (64 << 10)

static int folder_copy(struct tow_output *output, int fd, int64_t length, struct tow_error *err)
{
    char block[FOLDER_BLOCK];
    int code = TOW_OK;

    for (int64_t at = 0; at < length && code == TOW_OK;) {
        ssize_t got = pread(fd, block, sizeof block, at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return tow_error_errno(err, TOW_E_ENV, got < 0 ? errno : EIO, "read back a part");
        if (got > length - at)
            got = (ssize_t)(length - at);
        code = tow_output_write(output, block, (size_t)got, err);
        at += got;
    }
    return code;
}

int stage_folder_put(const char *path, int fd, int64_t length, struct tow_error *err)
{
    const struct tow_output_spec spec = {.path = path, .cancel_fd = -1};
    struct tow_output *output;
    uint64_t written;
    int code = tow_place_make_folders(path, err);

    if (code != TOW_OK)
        return code;
    output = tow_output_create(&spec, err);
    if (!output)
        return err->code;
    code = folder_copy(output, fd, length, err);
    if (code == TOW_OK)
        code = tow_output_sync(output, &written, err);
    tow_output_close(output);
    return code == TOW_OK ? tow_hidden_publish(path, err) : code;
}

/* With what a put that was killed has left of it. */
int stage_folder_remove(const char *path, struct tow_error *err)
{
    int code = TOW_OK, removed;

    if (tow_place_has_folder(path))
        code = tow_hidden_discard(path, &removed, err);
    if (code != TOW_OK)
        return code;
    if (unlink(path) != 0 && errno != ENOENT && errno != ENOTDIR)
        return tow_error_errno(err, TOW_E_ENV, errno, "remove \"%s\"", path);
    return TOW_OK;
}

int stage_folder_remove_folder(const char *path, struct tow_error *err)
{
    if (rmdir(path) != 0 && errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST)
        return tow_error_errno(err, TOW_E_ENV, errno, "remove folder \"%s\"", path);
    return TOW_OK;
}

static int folder_visit(DIR *folder, const struct dirent *file, struct stage_walk *walk,
                        struct tow_error *err)
{
    struct tow_copy_entry entry = {.name = file->d_name};
    struct stat st;

    /* One that is gone by now has no place in the list. */
    if (strcmp(file->d_name, ".") == 0 || strcmp(file->d_name, "..") == 0 ||
        fstatat(dirfd(folder), file->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return TOW_OK;
    entry.is_folder = S_ISDIR(st.st_mode);
    entry.modified_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    return walk->visit(walk->context, &entry, err);
}

int stage_folder_each(const char *path, struct stage_walk *walk, struct tow_error *err)
{
    DIR *folder = opendir(path);
    const struct dirent *file;
    int code = TOW_OK;

    if (!folder && errno == ENOENT)
        return TOW_OK;
    if (!folder)
        return tow_error_errno(err, TOW_E_ENV, errno, "list folder \"%s\"", path);
    while (code == TOW_OK && (file = readdir(folder)))
        code = folder_visit(folder, file, walk, err);
    closedir(folder);
    return code;
}
