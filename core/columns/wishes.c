#include "columns/wishes.h"

#include <stdlib.h>
#include <string.h>

#include "columns/columns_priv.h"

/* One column of the source, and what it is wanted for. */
struct wish {
    const struct tow_column_spec *spec; /* the first that takes it; NULL: none */
    int is_conversion;                  /* all that is done to it is what that spec does */
    int is_required;                    /* a null in the source rejects its row */
};

struct tow_wishes {
    const struct tow_column_spec *specs;
    size_t spec_count;
    const struct ArrowSchema *in;
    struct tow_wish *list;
    size_t count;
    char (*types)[TOW_TYPE_TEXT_MAX]; /* names that the list points to */
};

/* ---- finding out ---------------------------------------------------------------------------- */

/* A default is read by the format of the text that it stands in for: with both, the core has to
 * see the text. */
static int wish_is_conversion(const struct tow_column_spec *spec, struct tow_type from)
{
    struct tow_error ignored = TOW_ERROR_INIT;
    struct tow_conversion conversion;

    if (from.id != TOW_TYPE_STRING || !spec->has_type || spec->lower || spec->hash_sha256 ||
        (spec->fallback && spec->format))
        return 0;
    return tow_conversion_init(&conversion, from, spec->type, spec->format, &ignored) == TOW_OK &&
           !conversion.keeps_buffers;
}

static int wish_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static int wish_is_same(const struct tow_column_spec *a, const struct tow_column_spec *b)
{
    if (!tow_type_same(a->type, b->type) || !wish_same_text(a->format, b->format) ||
        !a->trim != !b->trim || a->null_if_count != b->null_if_count)
        return 0;
    for (size_t i = 0; i < a->null_if_count; i++)
        if (strcmp(a->null_if[i], b->null_if[i]) != 0)
            return 0;
    return 1;
}

static void wish_take(struct wish *wish, const struct tow_column_spec *spec, struct tow_type from)
{
    int is_conversion = wish_is_conversion(spec, from);

    wish->is_conversion =
        is_conversion && (!wish->spec || (wish->is_conversion && wish_is_same(wish->spec, spec)));
    wish->is_required |= spec->required && !spec->fallback;
    if (!wish->spec)
        wish->spec = spec;
}

/* Fills a wish for each incoming column; *useful 1 where the source's answer could save anything.
 */
static int wishes_collect(const struct tow_wishes *wishes, struct wish *all, int *useful,
                          struct tow_error *err)
{
    int64_t wanted = 0, typed = 0;
    int code = TOW_OK;

    for (size_t i = 0; i < wishes->spec_count && code == TOW_OK; i++) {
        const struct tow_column_spec *spec = &wishes->specs[i];
        int64_t column = spec->from ? tow_schema_find(wishes->in, spec->from) : -1;
        struct tow_field field;

        if (column < 0)
            continue;
        code = tow_schema_field(wishes->in, column, &field, err);
        if (code == TOW_OK)
            wish_take(&all[column], spec, field.type);
    }
    for (int64_t i = 0; i < wishes->in->n_children; i++) {
        wanted += all[i].spec != NULL;
        typed += all[i].is_conversion;
    }
    *useful = wanted > 0 && (typed > 0 || wanted < wishes->in->n_children);
    return code;
}

static int wishes_list(struct tow_wishes *wishes, const struct wish *all, struct tow_error *err)
{
    int code = TOW_OK;

    for (int64_t i = 0; i < wishes->in->n_children && code == TOW_OK; i++) {
        const struct tow_column_spec *spec = all[i].spec;
        struct tow_wish *wish = &wishes->list[wishes->count];
        struct tow_field field;

        if (!spec)
            continue;
        code = tow_schema_field(wishes->in, i, &field, err);
        if (code != TOW_OK)
            break;
        *wish = (struct tow_wish){
            .size = sizeof *wish,
            .column = i,
            .type = tow_type_name(all[i].is_conversion ? spec->type : field.type,
                                  wishes->types[wishes->count]),
        };
        wishes->count++;
        wish->flags = all[i].is_required ? TOW_WISH_REQUIRED : 0;
        if (!all[i].is_conversion)
            continue;
        wish->flags |= spec->trim ? TOW_WISH_TRIM : 0;
        wish->format = spec->format;
        wish->null_if = (struct tow_strings){spec->null_if, spec->null_if_count};
    }
    return code;
}

int tow_wishes_new(const struct tow_column_spec *specs, size_t count, const struct ArrowSchema *in,
                   struct tow_wishes **out, struct tow_error *err)
{
    struct tow_wishes *wishes = calloc(1, sizeof *wishes);
    struct wish *all = calloc((size_t)in->n_children + 1, sizeof *all);
    size_t room = (size_t)in->n_children + 1;
    int code, useful = 0;

    *out = NULL;
    if (wishes) {
        *wishes = (struct tow_wishes){.specs = specs, .spec_count = count, .in = in};
        wishes->list = calloc(room, sizeof *wishes->list);
        wishes->types = calloc(room, sizeof *wishes->types);
    }
    code = all && wishes && wishes->list && wishes->types ? TOW_OK : tow_error_nomem(err);
    if (code == TOW_OK)
        code = wishes_collect(wishes, all, &useful, err);
    if (code == TOW_OK && useful)
        code = wishes_list(wishes, all, err);
    free(all);
    if (code == TOW_OK && useful)
        *out = wishes;
    else
        tow_wishes_free(wishes);
    return code;
}

void tow_wishes_free(struct tow_wishes *wishes)
{
    if (!wishes)
        return;
    free(wishes->list);
    free(wishes->types);
    free(wishes);
}

const struct tow_wish *tow_wishes_list(const struct tow_wishes *wishes, size_t *count)
{
    *count = wishes->count;
    return wishes->list;
}

/* ---- the answer ----------------------------------------------------------------------------- */

static int wishes_answer_bad(const struct tow_field *own, const struct tow_field *field,
                             struct tow_error *err)
{
    char own_type[TOW_TYPE_TEXT_MAX], type[TOW_TYPE_TEXT_MAX];

    return tow_error_set(err, TOW_E_BUG,
                         "types: the answer has %s \"%s\" where %s \"%s\" or the type wished for "
                         "has its place",
                         tow_type_name(field->type, type), field->name,
                         tow_type_name(own->type, own_type), own->name);
}

static int wishes_check(const struct tow_wishes *wishes, const struct ArrowSchema *typed,
                        struct tow_error *err)
{
    if (typed->n_children != (int64_t)wishes->count)
        return tow_error_set(err, TOW_E_BUG,
                             "types: %zu columns were wished for, and %lld answered", wishes->count,
                             (long long)typed->n_children);
    for (size_t i = 0; i < wishes->count; i++) {
        struct tow_field own, field;
        struct tow_type wanted;
        int code = tow_schema_field(wishes->in, wishes->list[i].column, &own, err);

        if (code == TOW_OK)
            code = tow_schema_field(typed, (int64_t)i, &field, err);
        if (code == TOW_OK)
            code = tow_type_parse(wishes->list[i].type, &wanted, err);
        if (code != TOW_OK)
            return code;
        if (strcmp(own.name, field.name) != 0 || own.not_null != field.not_null ||
            (!tow_type_same(field.type, own.type) && !tow_type_same(field.type, wanted)))
            return wishes_answer_bad(&own, &field, err);
    }
    return TOW_OK;
}

/* The spec for a column of the answer. What was done to the text is done. */
static int wishes_respec(const struct ArrowSchema *typed, struct tow_column_spec *spec,
                         struct tow_error *err)
{
    struct tow_field field;
    int code;

    if (!spec->from)
        return TOW_OK;
    code = tow_schema_field(typed, tow_schema_find(typed, spec->from), &field, err);
    if (code != TOW_OK || field.type.id == TOW_TYPE_STRING)
        return code;
    spec->format = NULL;
    spec->null_if = NULL;
    spec->null_if_count = 0;
    spec->trim = 0;
    return TOW_OK;
}

int tow_wishes_columns(const struct tow_wishes *wishes, const struct ArrowSchema *typed,
                       struct tow_columns **out, struct tow_error *err)
{
    struct tow_column_spec *specs;
    struct tow_diags diags = {0};
    int code = wishes_check(wishes, typed, err);

    *out = NULL;
    if (code != TOW_OK)
        return code;
    specs = calloc(wishes->spec_count, sizeof *specs);
    if (!specs)
        return tow_error_nomem(err);
    for (size_t i = 0; i < wishes->spec_count && code == TOW_OK; i++) {
        specs[i] = wishes->specs[i];
        code = wishes_respec(typed, &specs[i], err);
    }
    if (code == TOW_OK)
        code = tow_columns_new(specs, wishes->spec_count, typed, out, &diags, err);
    if (code == TOW_OK)
        code = tow_diags_error(&diags, err);
    tow_diags_release(&diags);
    free(specs);
    return code;
}
