#include <stdlib.h>
#include <string.h>

#include "columns/columns_priv.h"
#include "kit/batch/bits.h"

static const struct tow_fill plan_no_fill = {0};

int tow_workspace_init(struct tow_workspace *work, struct tow_error *err)
{
    const struct tow_field field = {"text", {TOW_TYPE_STRING, 0, 0}, 0};

    work->scratch = tow_builder_new(&field, 1, err);
    return work->scratch ? TOW_OK : TOW_E_NOMEM;
}

void tow_workspace_release(struct tow_workspace *work)
{
    tow_refusals_release(&work->refusals);
    tow_builder_free(work->scratch);
    free(work->validity);
    tow_digest_release(&work->digest);
    *work = (struct tow_workspace){0};
}

static int64_t plan_count_nulls(const struct tow_view *view)
{
    if (!view->validity)
        return 0;
    return view->length - tow_bits_count(view->validity, view->offset, view->length);
}

/* ---- null_if and required ------------------------------------------------------------------- */

static int plan_reserve_validity(struct tow_workspace *work, size_t size, struct tow_error *err)
{
    uint8_t *grown;

    if (size <= work->validity_size)
        return TOW_OK;
    grown = realloc(work->validity, size);
    if (!grown)
        return tow_error_nomem(err);
    work->validity = grown;
    work->validity_size = size;
    return TOW_OK;
}

/* Moves the view's pointers ahead by whole bytes of bits, so that the offset is below 8 and a
 * bitmap for these rows alone can stand in for the one of the whole column. */
static void plan_rebase(struct tow_view *view)
{
    int64_t ahead = view->offset & ~(int64_t)7;
    size_t width = tow_type_width(view->type.id);

    view->offset -= ahead;
    if (view->validity)
        view->validity += ahead / 8;
    if (view->offsets)
        view->offsets += ahead;
    else
        view->values =
            (const char *)view->values + (width > 0 ? (size_t)ahead * width : (size_t)ahead / 8);
}

/* Values stay where they are; where some become null, step->in gets the workspace's bitmap. */
static int plan_null_if(struct tow_workspace *work, struct tow_step *step, struct tow_error *err)
{
    struct tow_view *in = &step->in;
    int64_t found;
    size_t size;
    int code;

    if (step->spec->null_if_count == 0 || in->length == 0)
        return TOW_OK;
    plan_rebase(in);
    size = (size_t)(in->offset + in->length + 7) / 8;
    code = plan_reserve_validity(work, size, err);
    if (code != TOW_OK)
        return code;
    if (in->validity)
        memcpy(work->validity, in->validity, size);
    else
        memset(work->validity, 0xff, size);
    found = tow_null_if(step, work->validity);
    if (found > 0)
        in->validity = work->validity;
    step->null_count += found;
    return TOW_OK;
}

static void plan_refuse_nulls(const struct tow_step *step)
{
    for (int64_t row = 0; row < step->in.length; row++)
        if (tow_view_is_null(&step->in, row))
            tow_step_refuse(step, row, TOW_REFUSAL_REQUIRED);
}

/* ---- steps that write ----------------------------------------------------------------------- */

/* The step's output, complete with validity, becomes what the next one reads. */
static void plan_advance(struct tow_step *step)
{
    struct tow_column *out = step->out;

    out->length = step->in.length;
    out->null_count = step->null_count;
    if (step->null_count > 0 && step->fill->present) {
        if (!tow_type_is_bytes(out->type.id))
            tow_fill_nulls(step);
        out->null_count = 0;
    }
    if (out->null_count > 0)
        tow_copy_bits(out->validity, step->in.validity, step->in.offset, step->in.length);
    step->null_count = out->null_count;
    step->in = (struct tow_view){.type = out->type,
                                 .validity = out->null_count > 0 ? out->validity : NULL,
                                 .values = out->values,
                                 .offsets = out->offsets,
                                 .bytes = out->bytes,
                                 .length = out->length};
}

/* Null is replaced where the column goes out, not before: the default has been through all steps
 * already. */
static int plan_write(const struct tow_column_plan *plan, struct tow_step *step,
                      tow_convert *convert, struct tow_error *err)
{
    int code;

    step->out = tow_builder_column(plan->builder, 0);
    step->fill = &plan->fill;
    code = convert(step, err);
    if (code == TOW_OK)
        plan_advance(step);
    return code;
}

static int plan_write_scratch(struct tow_workspace *work, struct tow_step *step,
                              tow_convert *convert, struct tow_error *err)
{
    int code;

    step->out = tow_builder_column(work->scratch, 0);
    step->fill = &plan_no_fill;
    code = convert(step, err);
    if (code == TOW_OK)
        plan_advance(step);
    step->out = NULL;
    return code;
}

/* Trim and lower: to the outgoing column where nothing else writes to it. */
static int plan_text_steps(const struct tow_column_plan *plan, struct tow_workspace *work,
                           struct tow_step *step, struct tow_error *err)
{
    int is_last = !plan->spec.hash_sha256 && plan->conversion.keeps_buffers;

    if (!plan->spec.trim && !plan->spec.lower)
        return TOW_OK;
    return is_last ? plan_write(plan, step, tow_trim_and_lower, err)
                   : plan_write_scratch(work, step, tow_trim_and_lower, err);
}

static int plan_convert(const struct tow_column_plan *plan, struct tow_step *step,
                        struct tow_error *err)
{
    const struct tow_conversion *conversion = &plan->conversion;

    if (!conversion->convert)
        return TOW_OK;
    return conversion->keeps_buffers ? conversion->convert(step, err)
                                     : plan_write(plan, step, conversion->convert, err);
}

int tow_plan_run(const struct tow_column_plan *plan, struct tow_workspace *work,
                 struct tow_step *step, struct tow_error *err)
{
    int64_t nulls = plan_count_nulls(&step->in);
    int code;

    step->spec = &plan->spec;
    step->conversion = &plan->conversion;
    step->fill = &plan_no_fill;
    step->out = NULL;
    step->refusals = &work->refusals;
    step->digest = &work->digest;
    step->null_count = nulls;
    tow_builder_reset(plan->builder);
    tow_builder_reset(work->scratch);
    code = plan_null_if(work, step, err);
    if (code == TOW_OK && plan->spec.required && !plan->fill.present && step->null_count > 0)
        plan_refuse_nulls(step);
    if (code == TOW_OK)
        code = plan_text_steps(plan, work, step, err);
    if (code == TOW_OK && plan->spec.hash_sha256)
        code = plan_write(plan, step, tow_digest_column, err);
    if (code == TOW_OK)
        code = plan_convert(plan, step, err);
    if (code != TOW_OK || step->out)
        return code;
    /* What is still in the incoming buffers can stay there unless nulls came or have to go. */
    if (step->null_count != nulls || (plan->fill.present && step->null_count > 0))
        code = plan_write(plan, step, tow_copy_column, err);
    return code;
}
