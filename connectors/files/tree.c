#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "connectors/files/template.h"
#include "towpath/value.h"

/* ---- files of this machine ------------------------------------------------------------------ */

static int tree_visit_local(const char *folder, const char *name, tow_tree_visit *visit,
                            void *context, struct tow_error *err)
{
    struct tow_file file = {.path = NULL};
    struct stat st;
    char *path;
    int code;

    if (asprintf(&path, "%s%s", folder, name) < 0)
        return tow_error_nomem(err);
    if (stat(path, &st) != 0) {
        code = errno == ENOENT ? TOW_OK
                               : tow_error_errno(err, TOW_E_ENV, errno, "%s cannot be read", path);
        free(path);
        return code;
    }
    tow_file_set(&file, path, &st);
    code = S_ISDIR(st.st_mode)   ? visit(context, name, NULL, err)
           : S_ISREG(st.st_mode) ? visit(context, name, &file, err)
                                 : TOW_OK;
    free(file.path);
    return code;
}

static int tree_list_local(void *unused, const char *folder, tow_tree_visit *visit, void *context,
                           struct tow_error *err)
{
    DIR *dir = opendir(*folder ? folder : ".");
    struct dirent *entry;
    int code = TOW_OK;

    (void)unused;
    if (!dir)
        return errno == ENOENT || errno == ENOTDIR
                   ? TOW_OK
                   : tow_error_errno(err, TOW_E_ENV, errno, "folder %s cannot be read", folder);
    errno = 0;
    while (code == TOW_OK && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            code = tree_visit_local(folder, entry->d_name, visit, context, err);
        errno = 0;
    }
    if (code == TOW_OK && errno != 0)
        code = tow_error_errno(err, TOW_E_ENV, errno, "folder %s cannot be read", folder);
    closedir(dir);
    return code;
}

const struct tow_tree tow_tree_local = {tree_list_local, NULL};

/* ---- dates ---------------------------------------------------------------------------------- */

/* 0 where all that a path can hold lies outside the days that are asked for. */
static int tree_is_wanted(const struct tow_template_values *values, int32_t from, int32_t until)
{
    int month = values->month ? values->month : 12, day = values->day;
    int32_t first, last;

    /* A day without its year or month says nothing. */
    if (!values->year || (values->day && !values->month))
        return 1;
    if (tow_date_from_civil(values->year, values->month ? values->month : 1, day ? day : 1,
                            &first) != TOW_PARSE_OK)
        return 0;
    /* The last day of a month is at least its 28th, and its next month begins 4 days later. */
    last = first;
    for (int d = 31; !day && d >= 28; d--)
        if (tow_date_from_civil(values->year, month, d, &last) == TOW_PARSE_OK)
            break;
    return last >= from && first < until;
}

/* ---- going down ----------------------------------------------------------------------------- */

struct walk {
    const struct tow_template *template;
    const struct tow_tree *tree;
    int32_t from, until;
    struct tow_listing *listing;
};

/* A folder, and the segment that what is in it is held against. */
struct walk_folder {
    const struct walk *walk;
    const char *path;
    size_t segment;
    struct tow_template_values values;
    char **below; /* folders to look into; heap */
    size_t count, capacity;
};

static int walk_take_file(const struct walk *walk, struct tow_file *file, struct tow_error *err)
{
    struct tow_file taken = *file;

    file->path = file->etag = NULL;
    return tow_listing_take(walk->listing, &taken, err);
}

static int walk_note_folder(struct walk_folder *folder, const char *name, struct tow_error *err)
{
    char *copy = strdup(name);

    if (copy && folder->count == folder->capacity) {
        size_t capacity = folder->capacity ? 2 * folder->capacity : 16;
        char **below = reallocarray(folder->below, capacity, sizeof *below);

        if (below) {
            folder->below = below;
            folder->capacity = capacity;
        }
    }
    if (!copy || folder->count == folder->capacity) {
        free(copy);
        return tow_error_nomem(err);
    }
    folder->below[folder->count++] = copy;
    return TOW_OK;
}

static int walk_visit(void *context, const char *name, struct tow_file *file, struct tow_error *err)
{
    struct walk_folder *folder = context;
    const struct walk *walk = folder->walk;
    int is_last = folder->segment + 1 == walk->template->count;
    struct tow_template_values values;

    if (!file)
        return is_last ? TOW_OK : walk_note_folder(folder, name, err);
    if (!is_last || !tow_template_match(walk->template, file->path, &values) ||
        !tree_is_wanted(&values, walk->from, walk->until))
        return TOW_OK;
    return walk_take_file(walk, file, err);
}

static int walk_down(const struct walk *walk, const char *path, size_t segment, int depth,
                     struct tow_error *err);

/* A folder below that fits the segment, or any where the segment is "**". */
static int walk_into(const struct walk *walk, const struct walk_folder *folder, const char *name,
                     int depth, struct tow_error *err)
{
    const struct tow_template *template = walk->template;
    int is_deep = template->lengths[folder->segment] == 2 &&
                  memcmp(template->segments[folder->segment], "**", 2) == 0;
    struct tow_template_values values;
    struct tow_template head = *template;
    char *path;
    int code = TOW_OK;

    if (asprintf(&path, "%s%s/", folder->path, name) < 0)
        return tow_error_nomem(err);
    path[strlen(path) - 1] = '\0';
    head.count = folder->segment + 1;
    /* A "**" at its end would want a name behind it; what it passes, it passes. */
    if (is_deep ? *name != '.' && depth < TOW_TEMPLATE_DEPTH_MAX
                : tow_template_match(&head, path, &values) &&
                      tree_is_wanted(&values, walk->from, walk->until)) {
        path[strlen(path)] = '/';
        code = walk_down(walk, path, is_deep ? folder->segment : folder->segment + 1,
                         depth + is_deep, err);
    }
    free(path);
    return code;
}

/* A segment without anything special: no need to look what is there. */
static int walk_is_plain(const struct tow_template *template, size_t segment)
{
    const char *text = template->segments[segment];

    for (size_t i = 0; i < template->lengths[segment]; i++)
        if (strchr("{}*?[", text[i]))
            return 0;
    return segment + 1 < template->count;
}

static int walk_list(const struct walk *walk, const char *path, size_t segment, int depth,
                     struct tow_error *err)
{
    struct walk_folder folder = {.walk = walk, .path = path, .segment = segment};
    int code = walk->tree->list(walk->tree->context, path, walk_visit, &folder, err);

    for (size_t i = 0; i < folder.count; i++) {
        if (code == TOW_OK)
            code = walk_into(walk, &folder, folder.below[i], depth, err);
        free(folder.below[i]);
    }
    free(folder.below);
    return code;
}

static int walk_down(const struct walk *walk, const char *path, size_t segment, int depth,
                     struct tow_error *err)
{
    const struct tow_template *template = walk->template;
    int code;

    if (walk_is_plain(template, segment)) {
        char *below;

        if (asprintf(&below, "%s%.*s/", path, (int)template->lengths[segment],
                     template->segments[segment]) < 0)
            return tow_error_nomem(err);
        code = walk_down(walk, below, segment + 1, depth, err);
        free(below);
        return code;
    }
    code = walk_list(walk, path, segment, depth, err);
    /* "**" also stands for no folder at all. */
    if (code == TOW_OK && template->lengths[segment] == 2 &&
        memcmp(template->segments[segment], "**", 2) == 0 && segment + 1 < template->count)
        code = walk_down(walk, path, segment + 1, depth, err);
    return code;
}

/* Two "**" may lead to one file in several ways. */
static void walk_drop_doubles(struct tow_listing *listing)
{
    size_t kept = 0;

    for (size_t i = 0; i < listing->count; i++) {
        struct tow_file *file = &listing->files[i];

        if (kept > 0 && strcmp(listing->files[kept - 1].path, file->path) == 0) {
            free(file->path);
            free(file->etag);
        } else {
            listing->files[kept++] = *file;
        }
    }
    listing->count = kept;
}

int tow_template_list(const struct tow_template *template, const struct tow_tree *tree,
                      int32_t from, int32_t until, struct tow_listing *listing,
                      struct tow_error *err)
{
    const struct walk walk = {template, tree, from, until, listing};
    int code = walk_down(&walk, "", 0, 0, err);

    if (code != TOW_OK)
        return code;
    tow_listing_sort(listing);
    walk_drop_doubles(listing);
    return TOW_OK;
}
