#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int file_read_all(int fd, size_t limit, struct tow_text *out, struct tow_error *err)
{
    char block[4096];
    size_t total = 0;
    int rc = TOW_OK;

    for (;;) {
        ssize_t n = read(fd, block, sizeof block);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = tow_error_errno(err, TOW_E_ENV, errno, "cannot read it");
        if (n <= 0)
            break;
        total += (size_t)n;
        if (total > limit)
            rc = tow_error_set(err, TOW_E_CONFIG, "it has more than %zu KiB", limit / 1024);
        else if (tow_text_append(out, block, (size_t)n))
            rc = tow_error_nomem(err);
        if (rc)
            break;
    }
    explicit_bzero(block, sizeof block);
    return rc;
}

int tow_file_blame(int errnum)
{
    switch (errnum) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
        return TOW_E_CONFIG;
    default:
        return TOW_E_ENV;
    }
}

int tow_file_read(const char *path, size_t limit, struct tow_text *out, struct stat *info,
                  struct tow_error *err)
{
    struct stat own;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int rc;

    if (!info)
        info = &own;
    if (fd < 0)
        return tow_error_errno(err, tow_file_blame(errno), errno, "cannot open it");
    if (fstat(fd, info) != 0)
        rc = tow_error_errno(err, TOW_E_ENV, errno, "cannot look at it");
    else if (!S_ISREG(info->st_mode))
        rc = tow_error_set(err, TOW_E_CONFIG, "it is %s",
                           S_ISDIR(info->st_mode) ? "a folder" : "not a regular file");
    else
        rc = file_read_all(fd, limit, out, err);
    close(fd);
    return rc;
}

int tow_path_resolve(const char *path, const char *dir, char **out, struct tow_error *err)
{
    const char *base = dir;

    *out = NULL;
    if (!*path)
        return tow_error_set(err, TOW_E_CONFIG, "the path is empty");
    if (*path == '/' || strcmp(path, "-") == 0 || strncmp(path, "s3://", 5) == 0) {
        base = NULL;
    } else if (strncmp(path, "~/", 2) == 0) {
        base = getenv("HOME");
        path += 2;
        if (!base || *base != '/')
            return tow_error_set(err, TOW_E_CONFIG, "\"~/\": HOME is not set to a folder");
    }
    while (base && strncmp(path, "./", 2) == 0)
        path += 2;
    size_t base_length = base ? strlen(base) : 0;
    const char *slash = base_length && base[base_length - 1] != '/' ? "/" : "";
    if (base_length + strlen(path) + 2 > PATH_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "the path is longer than %d bytes", PATH_MAX - 1);
    if (asprintf(out, "%s%s%s", base ? base : "", slash, path) < 0) {
        *out = NULL;
        return tow_error_nomem(err);
    }
    return TOW_OK;
}
