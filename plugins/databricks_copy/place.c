#include "plugins/databricks_copy/place.h"

#include <stdlib.h>
#include <string.h>

#include "towpath/value.h"

#define PLACE_VOLUME       "/Volumes/"
#define PLACE_VOLUME_NAMES 3 /* catalog, schema and volume behind it */
#define PLACE_S3           "s3://"
#define PLACE_FILE         "file://"

static int place_begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Number of names between slashes; -1 where one is empty, "." or "..". */
static int place_count_names(const char *path)
{
    int count = 0;

    while (*path) {
        const size_t length = strcspn(path, "/");

        if (length == 0 || (length <= 2 && strspn(path, ".") >= length))
            return -1;
        count++;
        path += length;
        if (*path == '/' && path[1] == '\0')
            break;
        path += *path == '/';
    }
    return count;
}

static int place_refuse(const char *text, const char *why, struct tow_error *err)
{
    return tow_error_set(err, TOW_E_CONFIG, "stage \"%s\" %s", text, why);
}

/* What is special to file patterns, to URLs or to quotes would not name the same file everywhere.
 */
static int place_check_bytes(const char *text, struct tow_error *err)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("*?[]{}\\'\"`%#,;|<>", *p))
            return place_refuse(text,
                                "holds a space, a control byte or one of * ? [ ] { } \\ ' \" ` % # "
                                ", ; | < >, which COPY INTO may take for something else",
                                err);
    if (!tow_utf8_valid(text, strlen(text)))
        return place_refuse(text, "is not UTF-8", err);
    return TOW_OK;
}

/* Without slashes at the end. */
static int place_set_root(struct tow_copy_place *place, const char *path, struct tow_error *err)
{
    size_t length = strlen(path);

    while (length > 1 && path[length - 1] == '/')
        length--;
    place->root = strndup(path, length);
    return place->root ? TOW_OK : tow_error_nomem(err);
}

static int place_init_volume(struct tow_copy_place *place, const char *text, struct tow_error *err)
{
    if (place_count_names(text + strlen(PLACE_VOLUME)) < PLACE_VOLUME_NAMES)
        return place_refuse(text, "is not of the form /Volumes/catalog/schema/volume[/folder]",
                            err);
    place->kind = TOW_COPY_VOLUME;
    return place_set_root(place, text, err);
}

static int place_init_s3(struct tow_copy_place *place, const char *text, struct tow_error *err)
{
    const char *bucket = text + strlen(PLACE_S3);
    const char *prefix = strchrnul(bucket, '/');

    if (place_count_names(bucket) < 1)
        return place_refuse(text, "is not of the form s3://bucket[/prefix]", err);
    place->kind = TOW_COPY_S3;
    place->bucket = strndup(bucket, (size_t)(prefix - bucket));
    if (!place->bucket)
        return tow_error_nomem(err);
    return place_set_root(place, *prefix == '/' && prefix[1] ? prefix + 1 : "", err);
}

static int place_init_folder(struct tow_copy_place *place, const char *text, struct tow_error *err)
{
    const char *folder = text + strlen(PLACE_FILE);

    if (folder[0] != '/' || place_count_names(folder + 1) < 1)
        return place_refuse(text, "is not of the form file:///folder", err);
    place->kind = TOW_COPY_FOLDER;
    return place_set_root(place, folder, err);
}

int tow_copy_place_init(struct tow_copy_place *place, const char *text, struct tow_error *err)
{
    int code = place_check_bytes(text, err);

    *place = (struct tow_copy_place){.root = NULL};
    if (code != TOW_OK)
        return code;
    if (place_begins(text, PLACE_VOLUME))
        return place_init_volume(place, text, err);
    if (place_begins(text, PLACE_S3))
        return place_init_s3(place, text, err);
    if (place_begins(text, PLACE_FILE))
        return place_init_folder(place, text, err);
    return place_refuse(text,
                        "is none of /Volumes/catalog/schema/volume[/folder], s3://bucket[/prefix] "
                        "and file:///folder; other stores are reached through a volume",
                        err);
}

void tow_copy_place_release(struct tow_copy_place *place)
{
    free(place->bucket);
    free(place->root);
    *place = (struct tow_copy_place){.root = NULL};
}

int tow_copy_place_path(const struct tow_copy_place *place, struct tow_buffer *out,
                        const char *folder, const char *name, struct tow_error *err)
{
    return tow_buffer_printf(out, err, "%s%s%s%s%s", place->root, *place->root ? "/" : "", folder,
                             name ? "/" : "", name ? name : "");
}

int tow_copy_place_uri(const struct tow_copy_place *place, struct tow_buffer *out,
                       const char *folder, struct tow_error *err)
{
    int code = TOW_OK;

    if (place->kind == TOW_COPY_S3)
        code = tow_buffer_printf(out, err, PLACE_S3 "%s/", place->bucket);
    if (place->kind == TOW_COPY_FOLDER)
        code = tow_buffer_printf(out, err, PLACE_FILE);
    if (code == TOW_OK)
        code = tow_copy_place_path(place, out, folder, NULL, err);
    return code == TOW_OK ? tow_buffer_printf(out, err, "/") : code;
}
