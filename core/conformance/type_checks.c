/* A source that makes types itself: typed batches hold what the core makes of their text. */
#include <stdlib.h>
#include <string.h>

#include "columns/wishes.h"
#include "conformance/suite.h"
#include "towpath/rowtext.h"

#define TYPES_BATCHES_MAX 8  /* that one trial reads */
#define TYPES_COLUMNS_MAX 16 /* that are tried */

/* One column of text that is wished for as one type. */
struct type_trial {
    struct suite_instance instance;
    struct ArrowSchema schema, typed;
    struct tow_column_spec spec;
    struct tow_wishes *wishes;
    struct tow_columns *of_text, *of_typed;
    int64_t rows; /* that came typed and were compared */
};

static int type_refused(void *context, int64_t row, const char *code, const char *message)
{
    (void)code;
    return tow_error_set(context, TOW_E_BUG, "row %lld of a typed batch: %s", (long long)row,
                         message);
}

/* Rows of both, as JSON. */
static int type_compare(const struct ArrowSchema *schema, const struct ArrowArray *text,
                        const struct ArrowArray *typed, struct tow_error *err)
{
    struct tow_json_writer *writer = tow_json_writer_new(schema, 0, err);
    struct tow_buffer a = {0}, b = {0};
    int rc = writer ? TOW_OK : err->code;

    for (int64_t row = 0; !rc && row < text->length; row++) {
        a.size = b.size = 0;
        rc = tow_json_writer_object(writer, text, row, &a, err);
        if (!rc)
            rc = tow_json_writer_object(writer, typed, row, &b, err);
        if (!rc && (a.size != b.size || memcmp(a.data, b.data, a.size) != 0))
            rc = tow_error_set(err, TOW_E_BUG, "%.*s came, and its text comes to %.*s", (int)b.size,
                               b.data, (int)a.size, a.data);
    }
    tow_json_writer_free(writer);
    tow_buffer_release(&a);
    tow_buffer_release(&b);
    return rc;
}

/* What columns make of an array, which is moved in. */
static int type_apply(struct tow_columns *columns, struct ArrowArray *in, struct ArrowArray *out,
                      struct tow_error *err)
{
    struct tow_share *share = tow_share_new(in, err);
    int rc = share ? tow_columns_apply(columns, share, out, type_refused, err, err) : TOW_E_NOMEM;

    tow_share_unref(share);
    return rc;
}

static int type_check_batch(struct type_trial *trial, struct tow_batch *batch,
                            struct tow_error *err)
{
    struct ArrowArray text = {0}, from_text = {0}, from_typed = {0};
    int64_t rows = batch->array.length;
    int rc = trial->typed.release
                 ? tow_array_validate(&batch->array, &trial->typed, err)
                 : tow_error_set(err, TOW_E_BUG, "a typed batch, but types gave no answer");

    if (!rc && (!batch->held || !batch->as_text || !batch->let_go))
        rc = tow_error_set(err, TOW_E_BUG, "a typed batch without its text");
    if (!rc)
        rc = batch->as_text(batch->held, &text, err);
    if (!rc)
        rc = tow_array_validate(&text, &trial->schema, err);
    if (!rc && text.length != rows)
        rc = tow_error_set(err, TOW_E_BUG, "%lld rows as text of a batch of %lld",
                           (long long)text.length, (long long)rows);
    if (!rc)
        rc = type_apply(trial->of_text, &text, &from_text, err);
    if (!rc)
        rc = type_apply(trial->of_typed, &batch->array, &from_typed, err);
    if (!rc)
        rc = type_compare(tow_columns_schema(trial->of_text), &from_text, &from_typed, err);
    trial->rows += rc ? 0 : rows;
    if (text.release)
        text.release(&text);
    if (from_text.release)
        from_text.release(&from_text);
    if (from_typed.release)
        from_typed.release(&from_typed);
    return rc;
}

static int type_read(struct type_trial *trial, struct tow_error *err)
{
    struct tow_batch batch = {.size = sizeof batch, .position.size = sizeof batch.position};
    const struct tow_source_ops *ops = trial->instance.instance.plugin->source;

    suite_calling(&trial->instance, "read");
    int rc = ops->read(trial->instance.instance.self, &batch, err);

    if (rc != TOW_END)
        rc = suite_result(&trial->instance, "read", rc, err);
    if (rc == TOW_OK && batch.flags & TOW_BATCH_TYPED)
        rc = type_check_batch(trial, &batch, err);
    if (batch.array.release)
        batch.array.release(&batch.array);
    if (batch.lines.release)
        batch.lines.release(&batch.lines);
    if (batch.held && batch.let_go)
        batch.let_go(batch.held);
    return rc;
}

/* The wish, and what is made of the answer. */
static int type_agree(struct type_trial *trial, struct tow_error *err)
{
    const struct tow_source_ops *ops = trial->instance.instance.plugin->source;
    struct tow_diags diags = {0};
    const struct tow_wish *list;
    size_t count;
    int rc = tow_columns_new(&trial->spec, 1, &trial->schema, &trial->of_text, &diags, err);

    tow_diags_release(&diags);
    if (!rc)
        rc = tow_wishes_new(&trial->spec, 1, &trial->schema, &trial->wishes, err);
    if (rc || !trial->wishes)
        return rc;
    list = tow_wishes_list(trial->wishes, &count);
    suite_calling(&trial->instance, "types");
    rc = suite_result(&trial->instance, "types",
                      ops->types(trial->instance.instance.self, list, count, &trial->typed, err),
                      err);
    if (!rc && trial->typed.release)
        rc = tow_schema_validate(&trial->typed, err);
    if (!rc && trial->typed.release)
        rc = tow_wishes_columns(trial->wishes, &trial->typed, &trial->of_typed, err);
    return rc;
}

/* Column `column` as `type`; adds the rows that were compared to *rows. TOW_END: there is no such
 * column. */
static int type_try(struct suite *suite, int64_t column, enum tow_type_id type, int64_t *rows,
                    struct tow_error *err)
{
    static const struct tow_position none = {.size = sizeof none};
    const struct tow_source_ops *ops = suite->plugin->source;
    struct type_trial trial = {0};
    struct tow_field field = {0};
    int rc = suite_instance_init(suite, &trial.instance, "source", err), opened = !rc;

    if (!rc)
        suite_calling(&trial.instance, "open");
    if (!rc)
        rc = suite_result(
            &trial.instance, "open",
            ops->open(trial.instance.instance.self, &trial.instance.box.host, &none, err), err);
    if (!rc)
        rc = suite_result(&trial.instance, "schema",
                          ops->schema(trial.instance.instance.self, &trial.schema, err), err);
    if (!rc)
        rc = column < trial.schema.n_children ? tow_schema_field(&trial.schema, column, &field, err)
                                              : TOW_END;
    if (!rc && field.type.id == TOW_TYPE_STRING) {
        trial.spec = (struct tow_column_spec){
            .name = field.name, .from = field.name, .has_type = 1, .type = {type, 0, 0}};
        rc = type_agree(&trial, err);
        for (int i = 0; !rc && i < TYPES_BATCHES_MAX; i++)
            rc = type_read(&trial, err);
        rc = rc == TOW_END ? TOW_OK : rc;
    }
    *rows += trial.rows;
    tow_columns_free(trial.of_text);
    tow_columns_free(trial.of_typed);
    tow_wishes_free(trial.wishes);
    if (trial.typed.release)
        trial.typed.release(&trial.typed);
    if (trial.schema.release)
        trial.schema.release(&trial.schema);
    suite_instance_release(&trial.instance, opened);
    return rc;
}

void suite_check_types(struct suite *suite)
{
    static const enum tow_type_id types[] = {TOW_TYPE_INT64, TOW_TYPE_FLOAT64,   TOW_TYPE_BOOL,
                                             TOW_TYPE_DATE,  TOW_TYPE_TIMESTAMP, TOW_TYPE_STRING};
    const char *what = "typed batches hold what their text says";
    const struct tow_source_ops *ops = suite->plugin->source;
    struct tow_error err = TOW_ERROR_INIT;
    int64_t rows = 0;
    int rc = TOW_OK;

    if (ops->size < offsetof(struct tow_source_ops, types) + sizeof ops->types || !ops->types)
        return;
    for (int64_t column = 0; !rc && column < TYPES_COLUMNS_MAX; column++)
        for (size_t i = 0; !rc && i < sizeof types / sizeof *types; i++)
            rc = type_try(suite, column, types[i], &rows, &err);
    if (rc != TOW_OK && rc != TOW_END)
        suite_judge(suite, what, rc, &err);
    else if (rows == 0)
        suite_skip(suite, what, "no batch came typed");
    else
        suite_pass(suite, what);
}
