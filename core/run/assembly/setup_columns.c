#include "run/assembly/setup_columns.h"

#include <stdlib.h>
#include <string.h>

#include "run/host.h"

/* A column on its way back: what the sink says of it, under the name that the source has. */
struct setup_column {
    char *name, *shape;
    struct tow_type type;
    int not_null;
};

struct setup_list {
    struct setup_column *items;
    size_t count, capacity;
    struct tow_error *err;
};

static void setup_list_release(struct setup_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].name);
        free(list->items[i].shape);
    }
    free(list->items);
    *list = (struct setup_list){0};
}

static struct setup_column *setup_list_find(const struct setup_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0)
            return &list->items[i];
    return NULL;
}

static int setup_list_add(struct setup_list *list, const char *name, const char *shape,
                          struct tow_type type, int not_null)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        void *items = reallocarray(list->items, capacity, sizeof *list->items);

        if (!items)
            return tow_error_nomem(list->err);
        list->items = items;
        list->capacity = capacity;
    }
    struct setup_column *column = &list->items[list->count++];
    *column = (struct setup_column){strdup(name), strdup(shape), type, not_null};
    return column->name && column->shape ? TOW_OK : tow_error_nomem(list->err);
}

/* ---- what the sink says --------------------------------------------------------------------- */

static int32_t setup_visit(void *context, const struct tow_sink_column *column)
{
    struct setup_list *list = context;
    struct tow_type type;
    int rc = tow_type_parse(column->type, &type, list->err);

    if (rc)
        return tow_error_set(list->err, TOW_E_BUG, "column %s has type \"%s\", which is none",
                             column->name, column->type);
    return setup_list_add(list, column->name, column->shape, type, column->is_required != 0);
}

static int setup_ask_sink(const struct tow_assembly *assembly, struct setup_list *list,
                          struct tow_error *err)
{
    const struct tow_job *job = assembly->job;
    struct tow_instance instance;
    struct tow_diags known = {0};
    int rc = tow_instance_init(&instance, assembly->sink, &job->sink, job->dir, &known, err);

    tow_diags_release(&known); /* tow_assembly_init has reported them */
    list->err = err;
    if (!rc)
        rc = tow_sink_columns(assembly->sink)(instance.self, setup_visit, list, err);
    tow_instance_release(&instance);
    return rc;
}

/* ---- back through `columns` ----------------------------------------------------------------- */

/* Steps that work on text need text; other conversions are best left nothing to do. */
static struct tow_type setup_source_type(const struct tow_column_spec *spec,
                                         const struct setup_column *wanted)
{
    const struct tow_type text = {TOW_TYPE_STRING, 0, 0};

    if (spec->trim || spec->lower || spec->hash_sha256 || spec->format)
        return text;
    if (spec->has_type)
        return spec->type;
    return wanted ? wanted->type : text;
}

/* Two columns may come from one of the source. */
static int setup_merge(struct setup_column *there, struct tow_type type, int not_null,
                       struct tow_error *err)
{
    char one[TOW_TYPE_TEXT_MAX], other[TOW_TYPE_TEXT_MAX];

    there->not_null |= not_null;
    if (there->type.id == type.id)
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG,
                         "columns: \"%s\" of the source is read twice, as %s and as %s; make its "
                         "table by hand",
                         there->name, tow_type_name(there->type, one), tow_type_name(type, other));
}

static int setup_map_spec(const struct tow_column_spec *spec, const struct setup_list *wanted,
                          struct setup_list *out, struct tow_error *err)
{
    const struct setup_column *column = setup_list_find(wanted, spec->name);
    const struct tow_type type = setup_source_type(spec, column);
    const int not_null = !spec->fallback && spec->null_if_count == 0 &&
                         (spec->required || (column && column->not_null));

    if (spec->value)
        return TOW_OK;
    struct setup_column *there = setup_list_find(out, spec->from);
    if (there)
        return setup_merge(there, type, not_null, err);
    return setup_list_add(out, spec->from, column && type.id == TOW_TYPE_JSON ? column->shape : "",
                          type, not_null);
}

static int setup_map(const struct tow_job *job, const struct setup_list *wanted,
                     struct setup_list *out, struct tow_error *err)
{
    int rc = TOW_OK;

    out->err = err;
    for (size_t i = 0; !rc && i < job->column_count; i++)
        rc = setup_map_spec(&job->columns[i], wanted, out, err);
    return rc;
}

/* ---- the outcome ---------------------------------------------------------------------------- */

static int setup_columns_take(struct setup_list *list, struct setup_columns *out,
                              struct tow_error *err)
{
    struct tow_field *fields = calloc(list->count + 1, sizeof *fields);

    out->shapes = calloc(list->count + 1, sizeof *out->shapes);
    if (!fields || !out->shapes) {
        free(fields);
        return tow_error_nomem(err);
    }
    for (size_t i = 0; i < list->count; i++) {
        fields[i] =
            (struct tow_field){list->items[i].name, list->items[i].type, list->items[i].not_null};
        out->shapes[i] = list->items[i].shape;
        list->items[i].shape = NULL;
    }
    out->count = list->count;
    int rc = tow_schema_make(&out->schema, fields, list->count, err);
    free(fields);
    return rc;
}

int setup_columns_find(const struct tow_assembly *assembly, struct setup_columns *out,
                       struct tow_error *err)
{
    const struct tow_job *job = assembly->job;
    struct setup_list wanted = {0}, mapped = {0};

    *out = (struct setup_columns){.count = 0};
    if (!tow_sink_columns(assembly->sink) || job->transform_count > 0)
        return TOW_OK;
    int rc = setup_ask_sink(assembly, &wanted, err);
    if (!rc && job->has_columns)
        rc = setup_map(job, &wanted, &mapped, err);
    if (!rc)
        rc = setup_columns_take(job->has_columns ? &mapped : &wanted, out, err);
    setup_list_release(&wanted);
    setup_list_release(&mapped);
    return rc;
}

int setup_columns_plain(const struct ArrowSchema *schema, struct setup_columns *out,
                        struct tow_error *err)
{
    *out = (struct setup_columns){.count = (size_t)schema->n_children};
    out->shapes = calloc(out->count + 1, sizeof *out->shapes);
    if (!out->shapes)
        return tow_error_nomem(err);
    for (size_t i = 0; i < out->count; i++) {
        out->shapes[i] = strdup("");
        if (!out->shapes[i])
            return tow_error_nomem(err);
    }
    return tow_schema_copy(&out->schema, schema, err);
}

void setup_columns_release(struct setup_columns *columns)
{
    for (size_t i = 0; columns->shapes && i < columns->count; i++)
        free(columns->shapes[i]);
    free(columns->shapes);
    if (columns->schema.release)
        columns->schema.release(&columns->schema);
    *columns = (struct setup_columns){.count = 0};
}
