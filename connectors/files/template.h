/*
 * Paths with places to fill in: "{stream}/{yyyy}/{mm}/{dd}/" and "*.ndjson.gz" behind it. They say
 * which files there are and what a file's own path tells of it.
 *
 * Between slashes: * stands for any bytes, ? for one, [abc], [a-z] and [!x] for one of a set,
 * {stream} for one byte or more, {yyyy} for four digits, {mm}, {dd} and {hh} for two. A name that
 * begins with "." is matched by one that does. A whole "**" stands for any number of folders.
 */
#ifndef CONNECTORS_FILES_TEMPLATE_H
#define CONNECTORS_FILES_TEMPLATE_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/files/listing.h"
#include "towpath/error.h"

#define TOW_TEMPLATE_SEGMENTS_MAX 64
#define TOW_TEMPLATE_DEPTH_MAX    64 /* folders that "**" goes down */

struct tow_template {
    const char *segments[TOW_TEMPLATE_SEGMENTS_MAX]; /* between slashes; into the text given */
    size_t lengths[TOW_TEMPLATE_SEGMENTS_MAX];
    size_t count;
};

/* What a path says. */
struct tow_template_values {
    const char *stream; /* into the path; NULL: nothing */
    size_t stream_length;
    int year, month, day; /* 0: it does not say */
};

/* 1 where the text has a place to fill in, or "**". */
int tow_template_is(const char *text);
/* 1 where it has those, or * ? [. */
int tow_template_is_pattern(const char *text);

/* Takes a text apart, which stays the caller's. TOW_E_CONFIG for a place that there is none of, and
 * for too many folders. */
int tow_template_init(struct tow_template *template, const char *text, struct tow_error *err);

/* 1 where a path fits. */
int tow_template_match(const struct tow_template *template, const char *path,
                       struct tow_template_values *values);

/* ---- listing -------------------------------------------------------------------------------- */

/* What lies in a folder. `file` is NULL for a folder; its path is that of the file. */
typedef int tow_tree_visit(void *context, const char *name, struct tow_file *file,
                           struct tow_error *err);

/* Where the files lie. */
struct tow_tree {
    /* Visits what is in a folder, "" or with a slash at its end; a folder that is not there has
     * nothing in it. visit may take file->path and file->etag, which are heap, by making them
     * NULL. */
    int (*list)(void *context, const char *folder, tow_tree_visit *visit, void *visit_context,
                struct tow_error *err);
    void *context;
};

/* Files of this machine. */
extern const struct tow_tree tow_tree_local;

/* Adds the files that fit to the listing. Folders whose dates lie before day `from` or not before
 * day `until` (since 1970; INT32_MIN and INT32_MAX: no bound) are not looked into, and files whose
 * paths say so are left out. */
int tow_template_list(const struct tow_template *template, const struct tow_tree *tree,
                      int32_t from, int32_t until, struct tow_listing *listing,
                      struct tow_error *err);

#endif
