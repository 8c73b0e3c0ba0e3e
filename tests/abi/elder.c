/*
 * elder - a plugin as it was written for version 1.0 of the ABI, against the header of that time
 * (tests/abi/1.0) and without the kit. It must go on working with every later host of version 1:
 * this file and that header are not to be changed.
 *
 * As a source it hands out numbers from 0 on; as a sink it counts rows into a file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "towpath/plugin.h"

#define ELDER_BATCH 100

struct elder {
    int64_t rows; /* options */
    const char *path;
    int64_t next, counted;
};

static const struct tow_option elder_options[] = {
    {"rows", TOW_OPTION_INT, 0, offsetof(struct elder, rows), "1000", 0, INT64_MAX, NULL,
     "of the source: how many numbers there are"},
    {"path", TOW_OPTION_PATH, 0, offsetof(struct elder, path), "count.txt", 0, 0, NULL,
     "of the sink: file that the count goes to"},
    {NULL, 0, 0, 0, NULL, 0, 0, NULL, NULL},
};

/* ---- Arrow by hand -------------------------------------------------------------------------- */

struct elder_schema {
    struct ArrowSchema child, *children[1];
};

static void elder_release_schema(struct ArrowSchema *schema)
{
    free(schema->private_data);
    schema->release = NULL;
}

static void elder_release_nothing(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

struct elder_array {
    struct ArrowArray child, *children[1];
    const void *none[1], *buffers[2];
    int64_t values[ELDER_BATCH];
};

static void elder_release_array(struct ArrowArray *array)
{
    free(array->private_data);
    array->release = NULL;
}

static void elder_release_child(struct ArrowArray *array)
{
    array->release = NULL;
}

/* ---- source --------------------------------------------------------------------------------- */

static int32_t elder_open(void *self, const struct tow_host *host, const struct tow_position *from,
                          struct tow_error *err)
{
    struct elder *elder = self;

    (void)host;
    (void)err;
    if (from->length == sizeof elder->next)
        memcpy(&elder->next, from->bytes, sizeof elder->next);
    elder->counted = elder->next;
    return TOW_OK;
}

static int32_t elder_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    struct elder_schema *made = calloc(1, sizeof *made);

    (void)self;
    (void)err;
    if (!made)
        return TOW_E_NOMEM;
    made->child =
        (struct ArrowSchema){.format = "l", .name = "n", .release = elder_release_nothing};
    made->children[0] = &made->child;
    *out = (struct ArrowSchema){.format = "+s",
                                .name = "",
                                .n_children = 1,
                                .children = made->children,
                                .release = elder_release_schema,
                                .private_data = made};
    return TOW_OK;
}

static int32_t elder_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    struct elder *elder = self;
    struct elder_array *made;
    int64_t count = elder->rows - elder->next;

    (void)err;
    if (count <= 0)
        return TOW_END;
    if (count > ELDER_BATCH)
        count = ELDER_BATCH;
    made = calloc(1, sizeof *made);
    if (!made)
        return TOW_E_NOMEM;
    for (int64_t i = 0; i < count; i++)
        made->values[i] = elder->next++;
    made->buffers[1] = made->values;
    made->children[0] = &made->child;
    made->child = (struct ArrowArray){
        .length = count, .n_buffers = 2, .buffers = made->buffers, .release = elder_release_child};
    out->array = (struct ArrowArray){.length = count,
                                     .n_buffers = 1,
                                     .buffers = made->none,
                                     .n_children = 1,
                                     .children = made->children,
                                     .release = elder_release_array,
                                     .private_data = made};
    memcpy(out->position.bytes, &elder->next, sizeof elder->next);
    out->position.length = sizeof elder->next;
    return TOW_OK;
}

static const struct tow_source_ops elder_source = {
    .size = sizeof elder_source,
    .flags = TOW_SOURCE_OFFLINE,
    .open = elder_open,
    .schema = elder_schema,
    .read = elder_read,
};

/* ---- sink ----------------------------------------------------------------------------------- */

static int32_t elder_begin(void *self, const struct tow_host *host,
                           const struct ArrowSchema *schema, struct tow_error *err)
{
    (void)self;
    (void)host;
    (void)schema;
    (void)err;
    return TOW_OK;
}

static int32_t elder_write(void *self, const struct tow_rows *rows, struct tow_error *err)
{
    (void)err;
    ((struct elder *)self)->counted += rows->array->length;
    return TOW_OK;
}

static int32_t elder_flush(void *self, struct tow_position *token, struct tow_error *err)
{
    const struct elder *elder = self;

    (void)err;
    memcpy(token->bytes, &elder->counted, sizeof elder->counted);
    token->length = sizeof elder->counted;
    return TOW_OK;
}

static int32_t elder_finish(void *self, struct tow_error *err)
{
    const struct elder *elder = self;
    FILE *file = fopen(elder->path, "w");

    if (!file) {
        err->code = TOW_E_ENV;
        strcpy(err->message, "the count cannot be written");
        return TOW_E_ENV;
    }
    fprintf(file, "%lld\n", (long long)elder->counted);
    fclose(file);
    return TOW_OK;
}

static const struct tow_sink_ops elder_sink = {
    .size = sizeof elder_sink,
    .flags = TOW_SINK_OFFLINE_BEGIN,
    .open = elder_open,
    .begin = elder_begin,
    .write = elder_write,
    .flush = elder_flush,
    .finish = elder_finish,
};

static const struct tow_plugin elder_plugin = {
    TOW_PLUGIN_HEAD,
    .name = "elder",
    .version = "1",
    .summary = "of old",
    .instance_size = sizeof(struct elder),
    .options = elder_options,
    .source = &elder_source,
    .sink = &elder_sink,
};

TOW_PLUGIN(elder, &elder_plugin)
