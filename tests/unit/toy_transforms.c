#include "toy_plugins.h"

struct toy_transform {
    const struct tow_host *host;
    struct tow_cursor cursor;
    struct tow_builder *builder;
};

static int32_t toy_transform_begin(void *self, const struct tow_host *host,
                                   const struct ArrowSchema *in, struct ArrowSchema *out,
                                   struct tow_error *err)
{
    struct toy_transform *transform = self;
    static const struct tow_field field = {"n", {TOW_TYPE_INT64, 0, 0}, 0};

    transform->host = host;
    transform->builder = tow_builder_new(&field, 1, err);
    if (!transform->builder)
        return TOW_E_NOMEM;
    int rc = tow_cursor_init(&transform->cursor, in, err);
    return rc ? rc : tow_schema_copy(out, in, err);
}

static int toy_transform_keep(struct toy_transform *transform, int64_t value, struct tow_error *err)
{
    int rc = tow_append_int64(transform->builder, 0, value, err);

    return rc ? rc : tow_builder_end_row(transform->builder, err);
}

static int toy_transform_row(struct toy_transform *transform, const struct tow_rows *rows,
                             int64_t value, struct tow_error *err)
{
    const struct toy_transform_plan *plan = &toy_transform_plan;
    const struct tow_host *host = transform->host;
    int64_t row = transform->cursor.row;

    if (value == plan->beyond)
        host->settle(host, rows->seq, rows->array->length, 1, TOW_ROW_FILTERED, NULL, NULL);
    if (value == plan->loses)
        return TOW_OK;
    if (value == plan->fail_at)
        return tow_error_set(err, plan->fail_code, "the toy transform fails as told");
    if (value % 10 == 0)
        return host->settle(host, rows->seq, row, 1, TOW_ROW_FILTERED, NULL, NULL);
    if (value % 7 == 0)
        return host->settle(host, rows->seq, row, 1, TOW_ROW_REJECTED, "toy_seven", "a seventh");
    return toy_transform_keep(transform, value, err);
}

static int32_t toy_transform_apply(void *self, const struct tow_rows *rows, struct ArrowArray *out,
                                   struct tow_error *err)
{
    struct toy_transform *transform = self;
    int rc = TOW_OK;

    tow_builder_reset(transform->builder);
    tow_cursor_batch(&transform->cursor, rows->array);
    while (!rc && tow_cursor_next(&transform->cursor))
        rc = toy_transform_row(transform, rows,
                               tow_view_int64(&transform->cursor.columns[0], transform->cursor.row),
                               err);
    return rc ? rc : tow_builder_finish(transform->builder, out, err);
}

static int32_t toy_threes_apply(void *self, const struct tow_rows *rows, struct ArrowArray *out,
                                struct tow_error *err)
{
    struct toy_transform *transform = self;
    const struct tow_host *host = transform->host;
    int rc = TOW_OK;

    tow_cursor_batch(&transform->cursor, rows->array);
    while (!rc && tow_cursor_next(&transform->cursor)) {
        int64_t row = transform->cursor.row;
        int64_t value = tow_view_int64(&transform->cursor.columns[0], row);

        rc = value % 3 == 0 ? host->settle(host, rows->seq, row, 1, TOW_ROW_FILTERED, NULL, NULL)
                            : toy_transform_keep(transform, value, err);
    }
    return rc ? rc : tow_builder_finish(transform->builder, out, err);
}

static void toy_transform_close(void *self)
{
    struct toy_transform *transform = self;

    tow_builder_free(transform->builder);
    tow_cursor_release(&transform->cursor);
}

static const struct tow_option toy_options[] = {TOW_OPTIONS_END};

static const struct tow_transform_ops toy_transform_ops = {
    .size = sizeof toy_transform_ops,
    .begin = toy_transform_begin,
    .apply = toy_transform_apply,
    .close = toy_transform_close,
};

const struct tow_plugin toy_transform = {
    TOW_PLUGIN_HEAD,
    .name = "toy_transform",
    .version = "1",
    .summary = "leaves out tens, rejects sevens",
    .instance_size = sizeof(struct toy_transform),
    .options = toy_options,
    .transform = &toy_transform_ops,
};

static const struct tow_transform_ops toy_threes_ops = {
    .size = sizeof toy_threes_ops,
    .begin = toy_transform_begin,
    .apply = toy_threes_apply,
    .close = toy_transform_close,
};

const struct tow_plugin toy_threes = {
    TOW_PLUGIN_HEAD,
    .name = "toy_threes",
    .version = "1",
    .summary = "leaves out threes",
    .instance_size = sizeof(struct toy_transform),
    .options = toy_options,
    .transform = &toy_threes_ops,
};
