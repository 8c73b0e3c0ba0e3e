#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns/columns_priv.h"

/* One spec on its way to a plan. */
struct plan_maker {
    const struct tow_column_spec *specs;
    size_t index;
    const struct ArrowSchema *in;
    struct tow_column_plan *plan;
    struct tow_workspace *work;
    struct tow_diags *diags;
    struct tow_error *err;
    int typed; /* 1: plan->conversion is good */
};

static void plan_find(struct plan_maker *maker, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A finding about the spec at hand. */
static void plan_find(struct plan_maker *maker, const char *format, ...)
{
    const struct tow_column_spec *spec = &maker->plan->spec;
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tow_diags_add(maker->diags, TOW_DIAG_ERROR, spec->file, spec->line, "column %s: %s",
                  spec->name && *spec->name ? spec->name : "without name", text);
}

/* ---- name and source ------------------------------------------------------------------------ */

static void plan_check_name(struct plan_maker *maker)
{
    const char *name = maker->plan->spec.name;

    if (!name || !*name) {
        plan_find(maker, "the name is missing");
        return;
    }
    if (!tow_utf8_valid(name, strlen(name)))
        plan_find(maker, "the name is not UTF-8");
    for (size_t i = 0; i < maker->index; i++)
        if (maker->specs[i].name && strcmp(maker->specs[i].name, name) == 0) {
            plan_find(maker, "the name is taken by an earlier column (line %d)",
                      maker->specs[i].line);
            return;
        }
}

/* NULL where none is near or memory is out, which only costs the hint. */
static const char *plan_nearest(const struct plan_maker *maker, const char *name)
{
    int64_t count = maker->in->n_children;
    const char **names = calloc((size_t)count + 1, sizeof *names);
    const char *nearest;

    if (!names)
        return NULL;
    for (int64_t i = 0; i < count; i++)
        names[i] = maker->in->children[i]->name;
    nearest = tow_nearest(name, names);
    free(names);
    return nearest;
}

static int plan_find_source(struct plan_maker *maker)
{
    struct tow_column_plan *plan = maker->plan;
    const char *from = plan->spec.from, *nearest;
    struct tow_field field;
    int code;

    plan->source = tow_schema_find(maker->in, from);
    if (plan->source < 0) {
        nearest = plan_nearest(maker, from);
        plan_find(maker, "there is no column \"%s\" to take it from%s%s%s", from,
                  nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
        return TOW_OK;
    }
    code = tow_schema_field(maker->in, plan->source, &field, maker->err);
    plan->source_type = field.type;
    return code;
}

/* A column comes from another or is a constant; a constant is text, and never null. */
static int plan_set_source(struct plan_maker *maker)
{
    const struct tow_column_spec *spec = &maker->plan->spec;

    maker->plan->source = -1;
    maker->plan->source_type = (struct tow_type){TOW_TYPE_STRING, 0, 0};
    if (spec->from && spec->value)
        plan_find(maker, "it has both `from` and `value`");
    else if (!spec->from && !spec->value)
        plan_find(maker, "it needs `from` or `value`");
    if (spec->value && spec->null_if_count > 0)
        plan_find(maker, "`null_if` does nothing to a constant");
    if (spec->value && spec->fallback)
        plan_find(maker, "`default` does nothing to a constant");
    return spec->from && !spec->value ? plan_find_source(maker) : TOW_OK;
}

/* ---- types ---------------------------------------------------------------------------------- */

static void plan_set_types(struct plan_maker *maker)
{
    struct tow_column_plan *plan = maker->plan;
    const struct tow_column_spec *spec = &plan->spec;
    struct tow_type from = plan->source_type;
    struct tow_error error = TOW_ERROR_INIT;
    char text[TOW_TYPE_TEXT_MAX];

    if ((spec->trim || spec->lower) && from.id != TOW_TYPE_STRING)
        plan_find(maker, "`%s` is for strings; \"%s\" is %s", spec->trim ? "trim" : "lower",
                  spec->from, tow_type_name(from, text));
    plan->type = spec->has_type ? spec->type : from;
    if (spec->hash_sha256) {
        if (!spec->has_type)
            plan->type = (struct tow_type){TOW_TYPE_STRING, 0, 0};
        from = plan->type;
        if (from.id != TOW_TYPE_STRING && from.id != TOW_TYPE_BINARY) {
            plan_find(maker, "a hash is a string (hex) or binary, not %s",
                      tow_type_name(from, text));
            return;
        }
    }
    if (tow_conversion_init(&plan->conversion, from, plan->type, spec->format, &error) != TOW_OK)
        plan_find(maker, "%s", error.message);
    else
        maker->typed = 1;
}

/* ---- defaults and constants ----------------------------------------------------------------- */

/* The type's formats of text; between others and strings a format is the source's affair. */
static const char *plan_text_format(const struct tow_column_plan *plan)
{
    switch (plan->type.id) {
    case TOW_TYPE_BINARY:
        return plan->source_type.id == TOW_TYPE_STRING ? plan->spec.format : NULL;
    case TOW_TYPE_DATE:
    case TOW_TYPE_TIMESTAMP:
    case TOW_TYPE_TIMESTAMP_NTZ:
        return plan->spec.format;
    default:
        return NULL;
    }
}

/* The plan of a text that is to become a value of the outgoing column. */
static int plan_init_text(const struct plan_maker *maker, struct tow_column_plan *plan)
{
    const struct tow_column_plan *wanted = maker->plan;
    const struct tow_field field = {"text", wanted->type, 0};
    struct tow_type from = {TOW_TYPE_STRING, 0, 0};
    int is_constant = wanted->source < 0, code;

    *plan = (struct tow_column_plan){.source_type = from, .type = wanted->type};
    plan->spec.trim = is_constant && wanted->spec.trim;
    plan->spec.lower = is_constant && wanted->spec.lower;
    plan->spec.hash_sha256 = wanted->spec.hash_sha256;
    if (plan->spec.hash_sha256)
        from = wanted->type;
    code =
        tow_conversion_init(&plan->conversion, from, wanted->type,
                            plan->spec.hash_sha256 ? NULL : plan_text_format(wanted), maker->err);
    if (code != TOW_OK)
        return code;
    plan->builder = tow_builder_new(&field, 1, maker->err);
    return plan->builder ? TOW_OK : TOW_E_NOMEM;
}

/* Sends one text through the steps of a column; `key` is what it stands behind in the job. */
static int plan_set_fill(struct plan_maker *maker, const char *key, const char *text)
{
    struct tow_refusals *refusals = &maker->work->refusals;
    const int32_t offsets[2] = {0, (int32_t)strlen(text)};
    const struct tow_view view = {
        .type = {TOW_TYPE_STRING, 0, 0}, .offsets = offsets, .bytes = text, .length = 1};
    struct tow_step step = {.in = view};
    char message[TOW_REFUSAL_TEXT_MAX];
    struct tow_column_plan plan;
    int code = plan_init_text(maker, &plan);

    if (code == TOW_OK)
        code = tow_refusals_reserve(refusals, 1, maker->err);
    if (code == TOW_OK)
        code = tow_plan_run(&plan, maker->work, &step, maker->err);
    if (code == TOW_OK && refusals->count > 0) {
        tow_refusal_describe(&plan, &view, 0, refusals->rows[0].reason, message);
        plan_find(maker, "`%s`: %s", key, message);
    } else if (code == TOW_OK) {
        code = tow_fill_init(&maker->plan->fill, &step.in, maker->err);
    }
    tow_refusals_clear(refusals, 1);
    tow_plan_release(&plan);
    return code;
}

static int plan_set_text(struct plan_maker *maker, const char *key, const char *text)
{
    if (!text || !maker->typed)
        return TOW_OK;
    if (strlen(text) > INT32_MAX)
        plan_find(maker, "`%s` is longer than a column can be", key);
    else if (!tow_utf8_valid(text, strlen(text)))
        plan_find(maker, "`%s` is not UTF-8", key);
    else
        return plan_set_fill(maker, key, text);
    return TOW_OK;
}

/* ---- plans ---------------------------------------------------------------------------------- */

static int plan_open_builder(struct tow_column_plan *plan, struct tow_error *err)
{
    struct tow_field field = {plan->spec.name, plan->type, 0};

    if (plan->source < 0)
        return TOW_OK;
    plan->builder = tow_builder_new(&field, 1, err);
    return plan->builder ? TOW_OK : TOW_E_NOMEM;
}

static int plan_make(struct plan_maker *maker)
{
    const struct tow_column_spec *spec = &maker->plan->spec;
    int code;

    plan_check_name(maker);
    code = plan_set_source(maker);
    /* Without a source there is nothing more to say. */
    if (code != TOW_OK || !spec->from == !spec->value || (spec->from && maker->plan->source < 0))
        return code;
    plan_set_types(maker);
    if (spec->hash_sha256)
        code = tow_digest_open(&maker->work->digest, maker->err);
    if (code == TOW_OK)
        code = plan_set_text(maker, "value", spec->value);
    if (code == TOW_OK && !spec->value)
        code = plan_set_text(maker, "default", spec->fallback);
    return code;
}

int tow_plans_refused(const struct tow_diags *diags, size_t errors_before)
{
    return diags->errors > errors_before || diags->incomplete;
}

int tow_plans_init(struct tow_column_plan *plans, const struct tow_column_spec *specs, size_t count,
                   const struct ArrowSchema *in, struct tow_workspace *work,
                   struct tow_diags *diags, struct tow_error *err)
{
    size_t errors = diags->errors;
    int code = TOW_OK;

    if (count == 0)
        tow_diags_add(diags, TOW_DIAG_ERROR, NULL, 0, "columns: the list is empty");
    for (size_t i = 0; i < count && code == TOW_OK; i++) {
        struct plan_maker maker = {specs, i, in, &plans[i], work, diags, err, 0};

        plans[i].spec = specs[i];
        code = plan_make(&maker);
    }
    for (size_t i = 0; i < count && code == TOW_OK && !tow_plans_refused(diags, errors); i++)
        code = plan_open_builder(&plans[i], err);
    return code;
}

void tow_plan_release(struct tow_column_plan *plan)
{
    tow_fill_release(&plan->fill);
    tow_builder_free(plan->builder);
    *plan = (struct tow_column_plan){0};
}
