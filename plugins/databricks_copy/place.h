/* Where parts are staged, by the option `stage`. */
#ifndef PLUGINS_DATABRICKS_COPY_PLACE_H
#define PLUGINS_DATABRICKS_COPY_PLACE_H

#include "towpath/rowtext.h"

enum tow_copy_place_kind {
    TOW_COPY_VOLUME, /* "/Volumes/catalog/schema/volume[/folder]" */
    TOW_COPY_S3,     /* "s3://bucket[/prefix]" */
    TOW_COPY_FOLDER  /* "file:///folder" of this machine, which the warehouse sees, too */
};

struct tow_copy_place {
    enum tow_copy_place_kind kind;
    char *bucket; /* of S3 */
    char *root;   /* "/Volumes/...", a prefix without '/' at either end (maybe ""), or "/folder" */
};

/* TOW_E_CONFIG for what is none of these, or holds what COPY INTO takes for a pattern. */
int tow_copy_place_init(struct tow_copy_place *place, const char *text, struct tow_error *err);
void tow_copy_place_release(struct tow_copy_place *place);

/* Appends the path (a key, for S3) of "folder/name", or of the folder where name is NULL; with a
 * NUL behind it that is not counted. */
int tow_copy_place_path(const struct tow_copy_place *place, struct tow_buffer *out,
                        const char *folder, const char *name, struct tow_error *err);
/* The same of a folder as COPY INTO takes it: a URI with '/' at the end. */
int tow_copy_place_uri(const struct tow_copy_place *place, struct tow_buffer *out,
                       const char *folder, struct tow_error *err);

#endif
