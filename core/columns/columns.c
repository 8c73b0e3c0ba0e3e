#include "columns/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns/columns_priv.h"

/* As much of a column's name as a message shows, and the words around it. */
#define COLUMNS_NAME_MAX 256

struct tow_columns {
    struct tow_column_plan *plans;
    size_t count;
    struct ArrowSchema in, out;
    struct tow_workspace work;
    struct tow_constants constants;
    struct ArrowArray *parts; /* outgoing columns while a batch is put together */
    int64_t *kept;            /* rows that were not refused */
    int64_t kept_capacity;
};

static int columns_make_schema(struct tow_columns *columns, struct tow_error *err)
{
    struct tow_field *fields = calloc(columns->count + 1, sizeof *fields);
    int code;

    if (!fields)
        return tow_error_nomem(err);
    for (size_t i = 0; i < columns->count; i++) {
        const struct tow_column_plan *plan = &columns->plans[i];

        fields[i] = (struct tow_field){plan->spec.name, plan->type,
                                       plan->spec.required || plan->source < 0};
    }
    code = tow_schema_make(&columns->out, fields, columns->count, err);
    free(fields);
    return code;
}

int tow_columns_new(const struct tow_column_spec *specs, size_t count, const struct ArrowSchema *in,
                    struct tow_columns **out, struct tow_diags *diags, struct tow_error *err)
{
    struct tow_columns *columns = calloc(1, sizeof *columns);
    size_t errors = diags->errors;
    int code;

    *out = NULL;
    if (!columns)
        return tow_error_nomem(err);
    columns->count = count;
    columns->plans = calloc(count + 1, sizeof *columns->plans);
    columns->parts = calloc(count + 1, sizeof *columns->parts);
    code = columns->plans && columns->parts ? TOW_OK : tow_error_nomem(err);
    if (code == TOW_OK)
        code = tow_schema_copy(&columns->in, in, err);
    if (code == TOW_OK)
        code = tow_workspace_init(&columns->work, err);
    if (code == TOW_OK)
        code = tow_plans_init(columns->plans, specs, count, in, &columns->work, diags, err);
    if (code != TOW_OK || tow_plans_refused(diags, errors))
        goto fail;
    code = columns_make_schema(columns, err);
    if (code == TOW_OK)
        code = tow_constants_init(&columns->constants, columns->plans, count, err);
    if (code != TOW_OK)
        goto fail;
    *out = columns;
    return TOW_OK;
fail:
    tow_columns_free(columns);
    return code;
}

void tow_columns_free(struct tow_columns *columns)
{
    if (!columns)
        return;
    for (size_t i = 0; columns->plans && i < columns->count; i++)
        tow_plan_release(&columns->plans[i]);
    if (columns->in.release)
        columns->in.release(&columns->in);
    if (columns->out.release)
        columns->out.release(&columns->out);
    tow_workspace_release(&columns->work);
    tow_constants_release(&columns->constants);
    free(columns->plans);
    free(columns->parts);
    free(columns->kept);
    free(columns);
}

void tow_columns_rest(struct tow_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++)
        if (columns->plans[i].builder)
            tow_builder_rest(columns->plans[i].builder);
    tow_builder_rest(columns->work.scratch);
}

const struct ArrowSchema *tow_columns_schema(const struct tow_columns *columns)
{
    return &columns->out;
}

/* ---- columns of a batch --------------------------------------------------------------------- */

/* Moves the only column out of a builder. */
static int columns_finish(struct tow_builder *builder, struct ArrowArray *out,
                          struct tow_error *err)
{
    struct ArrowArray made;
    int code = tow_builder_finish(builder, &made, err);

    if (code != TOW_OK)
        return code;
    *out = *made.children[0];
    made.children[0]->release = NULL;
    made.release(&made);
    return TOW_OK;
}

static int columns_convert(struct tow_columns *columns, const struct tow_column_plan *plan,
                           struct tow_share *in, struct ArrowArray *out, struct tow_error *err)
{
    struct tow_step step = {0};
    int code;

    tow_view_init(&step.in, &columns->in, tow_share_array(in), plan->source);
    code = tow_plan_run(plan, &columns->work, &step, err);
    if (code != TOW_OK)
        return code;
    return step.out ? columns_finish(plan->builder, out, err)
                    : tow_share_column(in, plan->source, out, err);
}

/* Fills columns->parts. In order of the specs, so that the first column that refuses a row is the
 * one that is told. */
static int columns_convert_all(struct tow_columns *columns, struct tow_share *in,
                               struct tow_error *err)
{
    int64_t rows = tow_share_array(in)->length, constant = 0;
    int code = tow_refusals_reserve(&columns->work.refusals, rows, err);

    if (code == TOW_OK)
        code =
            tow_constants_reserve(&columns->constants, columns->plans, columns->count, rows, err);
    for (size_t i = 0; i < columns->count && code == TOW_OK; i++) {
        const struct tow_column_plan *plan = &columns->plans[i];

        columns->work.refusals.column = (uint32_t)i;
        code = plan->source < 0 ? tow_constants_column(&columns->constants, constant++, rows,
                                                       &columns->parts[i], err)
                                : columns_convert(columns, plan, in, &columns->parts[i], err);
    }
    return code;
}

static void columns_drop_parts(struct tow_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++)
        if (columns->parts[i].release)
            columns->parts[i].release(&columns->parts[i]);
}

/* ---- refused rows --------------------------------------------------------------------------- */

static int columns_reserve_kept(struct tow_columns *columns, int64_t rows, struct tow_error *err)
{
    int64_t *grown;

    if (rows <= columns->kept_capacity)
        return TOW_OK;
    grown = realloc(columns->kept, (size_t)rows * sizeof *grown);
    if (!grown)
        return tow_error_nomem(err);
    columns->kept = grown;
    columns->kept_capacity = rows;
    return TOW_OK;
}

static int columns_report_row(struct tow_columns *columns, const struct ArrowArray *in, int64_t row,
                              tow_columns_reject *reject, void *context)
{
    const struct tow_refusal *refusal = &columns->work.refusals.rows[row];
    const struct tow_column_plan *plan = &columns->plans[refusal->column];
    char reason[TOW_REFUSAL_TEXT_MAX], message[TOW_REFUSAL_TEXT_MAX + COLUMNS_NAME_MAX];
    struct tow_view view;
    const char *code;

    tow_view_init(&view, &columns->in, in, plan->source);
    code = tow_refusal_describe(plan, &view, row, refusal->reason, reason);
    snprintf(message, sizeof message, "column %.*s: %s", COLUMNS_NAME_MAX - 16, plan->spec.name,
             reason);
    return reject(context, row, code, message);
}

/* Reports the rows that were refused and lists the others. */
static int columns_report(struct tow_columns *columns, const struct ArrowArray *in,
                          tow_columns_reject *reject, void *context, struct tow_error *err)
{
    int64_t kept = 0;
    int code = columns_reserve_kept(columns, in->length, err);

    for (int64_t row = 0; row < in->length && code == TOW_OK; row++) {
        if (columns->work.refusals.rows[row].reason == TOW_REFUSAL_NONE)
            columns->kept[kept++] = row;
        else
            code = columns_report_row(columns, in, row, reject, context);
    }
    return code;
}

/* Replaces a batch by its rows that were not refused. */
static int columns_take_kept(struct tow_columns *columns, struct ArrowArray *batch,
                             struct tow_error *err)
{
    int64_t kept = batch->length - columns->work.refusals.count;
    struct ArrowArray taken;
    int code = tow_array_take(&columns->out, batch, columns->kept, kept, &taken, err);

    batch->release(batch);
    *batch = taken;
    return code;
}

int tow_columns_apply(struct tow_columns *columns, struct tow_share *in, struct ArrowArray *out,
                      tow_columns_reject *reject, void *context, struct tow_error *err)
{
    const struct ArrowArray *array = tow_share_array(in);
    struct ArrowArray batch = {0};
    int code = columns_convert_all(columns, in, err);

    if (code == TOW_OK)
        code = tow_struct_make(&batch, columns->parts, (int64_t)columns->count, array->length, err);
    if (code == TOW_OK && columns->work.refusals.count > 0) {
        code = columns_report(columns, array, reject, context, err);
        if (code == TOW_OK)
            code = columns_take_kept(columns, &batch, err);
    }
    columns_drop_parts(columns);
    tow_refusals_clear(&columns->work.refusals, array->length);
    if (code != TOW_OK && batch.release)
        batch.release(&batch);
    *out = batch;
    return code;
}
