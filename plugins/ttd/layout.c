#include "plugins/ttd/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- types ---------------------------------------------------------------------------------- */

const char *tow_ttd_type_name(int kind)
{
    static const char *const names[] = {
        [TOW_TTD_TEXT] = "string",    [TOW_TTD_INTEGER] = "int32",   [TOW_TTD_NUMBER] = "float64",
        [TOW_TTD_TIME] = "timestamp", [TOW_TTD_ID_TYPE] = "string",  [TOW_TTD_ID] = "string",
        [TOW_TTD_USER_IDS] = "json",  [TOW_TTD_STRUCTURES] = "json",
    };

    return names[kind];
}

static int layout_is_integer(enum tow_type_id id)
{
    return id >= TOW_TYPE_INT8 && id <= TOW_TYPE_UINT64;
}

static int layout_fits(int kind, enum tow_type_id id)
{
    switch (kind) {
    case TOW_TTD_INTEGER:
        return layout_is_integer(id);
    case TOW_TTD_NUMBER:
        return layout_is_integer(id) || id == TOW_TYPE_FLOAT32 || id == TOW_TYPE_FLOAT64 ||
               id == TOW_TYPE_DECIMAL;
    case TOW_TTD_TIME:
        return id == TOW_TYPE_TIMESTAMP || id == TOW_TYPE_TIMESTAMP_NTZ || id == TOW_TYPE_DATE;
    case TOW_TTD_USER_IDS:
    case TOW_TTD_STRUCTURES:
        return id == TOW_TYPE_JSON;
    default:
        return id == TOW_TYPE_STRING;
    }
}

/* ---- what is missing, and what does not fit ------------------------------------------------- */

static int layout_add_missing(struct tow_buffer *out, const struct tow_ttd_column *column,
                              struct tow_error *err)
{
    return tow_buffer_printf(out, err, "%s%s (%s)", out->size ? ", " : "", column->name,
                             tow_ttd_type_name(column->kind));
}

static int layout_add_misfit(struct tow_buffer *out, const struct tow_ttd_column *column,
                             struct tow_type type, struct tow_error *err)
{
    const char *wanted = tow_ttd_type_name(column->kind);
    char text[TOW_TYPE_TEXT_MAX];

    return tow_buffer_printf(
        out, err, "%scolumn %s is %s and must be %s (type = \"%s\" in columns)",
        out->size ? "; " : "", column->name, tow_type_name(type, text), wanted, wanted);
}

static int layout_find(const struct tow_ttd_endpoint *endpoint, const struct ArrowSchema *schema,
                       struct tow_buffer *missing, struct tow_buffer *misfits,
                       struct tow_error *err)
{
    int rc = TOW_OK;

    for (size_t i = 0; !rc && i < endpoint->column_count; i++) {
        const struct tow_ttd_column *column = &endpoint->columns[i];
        int64_t index = tow_schema_find(schema, column->name);
        struct tow_field field;

        if (index >= 0)
            rc = tow_schema_field(schema, index, &field, err);
        if (index < 0 && column->is_required)
            rc = layout_add_missing(missing, column, err);
        else if (!rc && index >= 0 && !layout_fits(column->kind, field.type.id))
            rc = layout_add_misfit(misfits, column, field.type, err);
    }
    return rc;
}

static int layout_check(const struct tow_ttd_endpoint *endpoint, const struct ArrowSchema *schema,
                        struct tow_error *err)
{
    struct tow_buffer missing = {0}, misfits = {0};
    int rc = layout_find(endpoint, schema, &missing, &misfits, err);

    if (!rc && (missing.size || misfits.size))
        rc = tow_error_set(err, TOW_E_CONFIG, "endpoint %s: %s%.*s%s%.*s", endpoint->name,
                           missing.size ? "columns are missing: " : "", (int)missing.size,
                           missing.size ? missing.data : "",
                           missing.size && misfits.size ? "; " : "", (int)misfits.size,
                           misfits.size ? misfits.data : "");
    tow_buffer_release(&missing);
    tow_buffer_release(&misfits);
    return rc;
}

/* ---- steps ---------------------------------------------------------------------------------- */

/* `opening` is what stands in front of the member's name. */
static int layout_add_key(struct tow_ttd_layout *layout, struct tow_ttd_key *key,
                          const char *opening, const char *member, int is_quoted,
                          struct tow_error *err)
{
    key->offset = layout->keys.size;
    int rc = tow_buffer_printf(&layout->keys, err, "%s\"%s\":%s", opening, member,
                               is_quoted ? "\"" : "");
    key->length = layout->keys.size - key->offset;
    return rc;
}

/* Endpoint tables begin, inside of "Data" and behind it, with a column that every item has. */
static const char *layout_opening(const struct tow_ttd_endpoint *endpoint,
                                  const struct tow_ttd_column *column)
{
    const struct tow_ttd_column *before = column - 1;

    while (before >= endpoint->columns && before->kind == TOW_TTD_ID_TYPE)
        before--;
    if (before < endpoint->columns)
        return column->in_data ? "{\"Data\":[{" : "{";
    return before->in_data && !column->in_data ? "}]," : ",";
}

static int layout_add_id_keys(struct tow_ttd_layout *layout, const char *opening,
                              struct tow_error *err)
{
    const struct tow_ttd_id_type *types = layout->endpoint->id_types;
    int rc = TOW_OK;

    for (size_t i = 0; !rc && types[i].name; i++)
        rc = layout_add_key(layout, &layout->id_keys[i], opening, types[i].name, 1, err);
    return rc;
}

static int layout_is_quoted(int kind)
{
    return kind == TOW_TTD_TEXT || kind == TOW_TTD_TIME;
}

static int layout_add_step(struct tow_ttd_layout *layout, const struct tow_ttd_column *column,
                           struct tow_error *err)
{
    int64_t index = tow_schema_find(&layout->schema, column->name);
    struct tow_ttd_step *step = &layout->steps[layout->step_count];
    const char *opening = layout_opening(layout->endpoint, column);

    if (index < 0)
        return TOW_OK;
    if (column->kind == TOW_TTD_ID_TYPE) {
        layout->id_type = index;
        return TOW_OK;
    }
    step->column = column;
    step->index = index;
    layout->step_count++;
    layout->fixed += TOW_DECIMAL_TEXT_MAX; /* the longest value of fixed width */
    if (column->kind == TOW_TTD_ID)
        return layout_add_id_keys(layout, opening, err);
    return layout_add_key(layout, &step->key, opening, column->member,
                          layout_is_quoted(column->kind), err);
}

int tow_ttd_layout_init(struct tow_ttd_layout *layout, const struct tow_ttd_endpoint *endpoint,
                        const struct ArrowSchema *schema, struct tow_error *err)
{
    int rc = layout_check(endpoint, schema, err);

    *layout = (struct tow_ttd_layout){.endpoint = endpoint, .id_type = -1};
    if (!rc)
        rc = tow_schema_copy(&layout->schema, schema, err);
    if (!rc)
        rc = tow_cursor_init(&layout->cursor, &layout->schema, err);
    if (rc)
        return rc;
    layout->steps = calloc(endpoint->column_count, sizeof *layout->steps);
    if (!layout->steps)
        return tow_error_nomem(err);
    for (size_t i = 0; !rc && i < endpoint->column_count; i++)
        rc = layout_add_step(layout, &endpoint->columns[i], err);
    layout->fixed += layout->keys.size + 2 * TOW_TTD_KEY_STEP;
    return rc;
}

void tow_ttd_layout_release(struct tow_ttd_layout *layout)
{
    tow_cursor_release(&layout->cursor);
    if (layout->schema.release)
        layout->schema.release(&layout->schema);
    free(layout->steps);
    tow_buffer_release(&layout->keys);
    *layout = (struct tow_ttd_layout){.id_type = -1};
}

int tow_ttd_layout_unsent(const struct tow_ttd_layout *layout, struct tow_buffer *out,
                          struct tow_error *err)
{
    int rc = TOW_OK;

    for (int64_t i = 0; !rc && i < layout->schema.n_children; i++) {
        int is_sent = i == layout->id_type;

        for (size_t s = 0; s < layout->step_count; s++)
            is_sent |= layout->steps[s].index == i;
        if (!is_sent)
            rc = tow_buffer_printf(out, err, "%s%s", out->size ? ", " : "",
                                   layout->schema.children[i]->name);
    }
    return rc;
}
