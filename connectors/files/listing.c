#include "connectors/files/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void tow_file_set(struct tow_file *file, char *path, const struct stat *st)
{
    *file = (struct tow_file){
        .path = path,
        .size = st->st_size,
        .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
        .device = st->st_dev,
        .inode = st->st_ino,
        .is_stream = !S_ISREG(st->st_mode),
    };
}

int tow_listing_take(struct tow_listing *listing, struct tow_file *file, struct tow_error *err)
{
    struct tow_file *files = listing->files;

    /* Doubles whenever the count is a power of two. */
    if ((listing->count & (listing->count - 1)) == 0)
        files = reallocarray(files, listing->count ? 2 * listing->count : 1, sizeof *files);
    if (!files) {
        free(file->path);
        free(file->etag);
        return tow_error_nomem(err);
    }
    listing->files = files;
    files[listing->count++] = *file;
    return TOW_OK;
}

int tow_listing_add(struct tow_listing *listing, char *path, const struct stat *st,
                    struct tow_error *err)
{
    struct tow_file file;

    tow_file_set(&file, path, st);
    return tow_listing_take(listing, &file, err);
}

static int listing_check_access(const char *path, struct tow_error *err)
{
    if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "%s cannot be read", path);
    return TOW_OK;
}

/* A file met in a folder or by a pattern. Takes `path`. */
static int listing_add_found(struct tow_listing *listing, char *path, struct tow_error *err)
{
    struct stat st;
    int code;

    if (!path)
        return tow_error_nomem(err);
    if (stat(path, &st) != 0) {
        code = errno == ENOENT ? TOW_OK
                               : tow_error_errno(err, TOW_E_ENV, errno, "%s cannot be read", path);
        free(path);
        return code;
    }
    code = S_ISREG(st.st_mode) ? listing_check_access(path, err) : TOW_OK;
    if (code == TOW_OK && S_ISREG(st.st_mode))
        return tow_listing_add(listing, path, &st, err);
    free(path);
    return code;
}

static char *listing_join(const char *folder, const char *name)
{
    size_t length = strlen(folder), name_length = strlen(name);
    int slash = length > 0 && folder[length - 1] != '/';
    char *path = malloc(length + name_length + 2);

    if (!path)
        return NULL;
    memcpy(path, folder, length);
    path[length] = '/';
    memcpy(path + length + slash, name, name_length + 1);
    return path;
}

static int listing_add_folder(struct tow_listing *listing, const char *folder,
                              struct tow_error *err)
{
    struct dirent *entry;
    int code = TOW_OK;
    DIR *dir = opendir(folder);

    if (!dir && errno == ENOMEM)
        return tow_error_nomem(err);
    if (!dir)
        return tow_error_errno(err, TOW_E_ENV, errno, "folder %s cannot be read", folder);
    errno = 0;
    while (code == TOW_OK && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.')
            code = listing_add_found(listing, listing_join(folder, entry->d_name), err);
        errno = 0;
    }
    if (code == TOW_OK && errno != 0)
        code = tow_error_errno(err, TOW_E_ENV, errno, "folder %s cannot be read", folder);
    closedir(dir);
    return code;
}

static int listing_add_pattern(struct tow_listing *listing, const char *pattern,
                               struct tow_error *err)
{
    glob_t found = {0};
    int code = TOW_OK;

    errno = 0;
    switch (glob(pattern, GLOB_NOSORT | GLOB_ERR, NULL, &found)) {
    case 0:
        for (size_t i = 0; i < found.gl_pathc && code == TOW_OK; i++)
            code = listing_add_found(listing, strdup(found.gl_pathv[i]), err);
        break;
    case GLOB_NOMATCH:
        break;
    case GLOB_NOSPACE:
        code = tow_error_nomem(err);
        break;
    default:
        code = tow_error_errno(err, TOW_E_ENV, errno, "a folder of %s cannot be read", pattern);
    }
    globfree(&found);
    return code;
}

static int listing_add_named(struct tow_listing *listing, const char *path, const struct stat *st,
                             struct tow_error *err)
{
    char *copy;
    int code = listing_check_access(path, err);

    if (code != TOW_OK)
        return code;
    copy = strdup(path);
    return copy ? tow_listing_add(listing, copy, st, err) : tow_error_nomem(err);
}

static int listing_compare(const void *a, const void *b)
{
    return strcmp(((const struct tow_file *)a)->path, ((const struct tow_file *)b)->path);
}

void tow_listing_sort(struct tow_listing *listing)
{
    if (listing->count > 1)
        qsort(listing->files, listing->count, sizeof *listing->files, listing_compare);
}

static int listing_fill(struct tow_listing *listing, const char *spec, struct tow_error *err)
{
    struct stat st = {0};

    if (strcmp(spec, "-") == 0) {
        char *path = strdup(spec);

        return path ? tow_listing_add(listing, path, &st, err) : tow_error_nomem(err);
    }
    if (stat(spec, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return listing_add_folder(listing, spec, err);
        return listing_add_named(listing, spec, &st, err);
    }
    if (errno == ENOENT && strpbrk(spec, "*?["))
        return listing_add_pattern(listing, spec, err);
    return tow_error_errno(err, TOW_E_ENV, errno, "%s cannot be read", spec);
}

int tow_listing_init(struct tow_listing *listing, const char *spec, struct tow_error *err)
{
    int code;

    *listing = (struct tow_listing){NULL, 0};
    code = listing_fill(listing, spec, err);
    if (code != TOW_OK) {
        tow_listing_release(listing);
        return code;
    }
    tow_listing_sort(listing);
    return TOW_OK;
}

void tow_listing_release(struct tow_listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        free(listing->files[i].path);
        free(listing->files[i].etag);
    }
    free(listing->files);
    *listing = (struct tow_listing){NULL, 0};
}
