/* A sink: takes slices and absent validity, settles its own rows only, tokens and finish repeat. */
#include <string.h>

#include "conformance/suite.h"

#define SINK_ROWS  64
#define SINK_FIRST 5 /* of the slice: an offset that is no multiple of 8 */
#define SINK_COUNT 40

static const struct tow_field sink_fields[] = {
    {"id", {TOW_TYPE_INT64, 0, 0}, 1},
    {"name", {TOW_TYPE_STRING, 0, 0}, 0},
    {"flag", {TOW_TYPE_BOOL, 0, 0}, 0},
    {"at", {TOW_TYPE_TIMESTAMP, 0, 0}, 0},
};
#define SINK_FIELDS (sizeof sink_fields / sizeof *sink_fields)

struct sink_case {
    const char *what;
    int with_nulls;
    int sliced;
};

static int sink_row(struct tow_builder *builder, int64_t row, int with_nulls, struct tow_error *err)
{
    int rc = tow_append_int64(builder, 0, row, err);

    if (!rc && !(with_nulls && row % 3 == 0))
        rc = tow_append_text(builder, 1, row % 2 ? "odd" : "\"even\",\n", err);
    if (!rc && !(with_nulls && row % 5 == 0))
        rc = tow_append_bool(builder, 2, row % 2 == 0, err);
    if (!rc && !(with_nulls && row % 7 == 0))
        rc = tow_append_int64(builder, 3, row * 1000000, err);
    return rc ? rc : tow_builder_end_row(builder, err);
}

static int sink_array(const struct sink_case *kind, struct ArrowArray *out, struct tow_error *err)
{
    struct tow_builder *builder = tow_builder_new(sink_fields, SINK_FIELDS, err);
    struct ArrowArray whole = {0};
    int rc = builder ? TOW_OK : err->code;

    for (int64_t row = 0; !rc && row < SINK_ROWS; row++)
        rc = sink_row(builder, row, kind->with_nulls, err);
    if (!rc)
        rc = tow_builder_finish(builder, &whole, err);
    tow_builder_free(builder);
    if (rc)
        return rc;
    struct tow_share *share = tow_share_new(&whole, err);
    if (!share) {
        whole.release(&whole);
        return TOW_E_NOMEM;
    }
    rc = tow_share_slice(share, kind->sliced ? SINK_FIRST : 0,
                         kind->sliced ? SINK_COUNT : SINK_ROWS, out, err);
    tow_share_unref(share);
    return rc;
}

static int sink_open(struct suite_instance *instance, const struct tow_position *token,
                     const struct ArrowSchema *schema, struct tow_error *err)
{
    static const struct tow_position none = {.size = sizeof none};
    const struct tow_sink_ops *ops = instance->instance.plugin->sink;
    int rc = ops->open(instance->instance.self, &instance->box.host, token ? token : &none, err);

    return rc ? rc : ops->begin(instance->instance.self, &instance->box.host, schema, err);
}

static int sink_write(struct suite_instance *instance, const struct ArrowArray *array, uint64_t seq,
                      struct tow_error *err)
{
    struct tow_rows rows = {.size = sizeof rows, .attempt = 1, .seq = seq, .array = array};

    instance->seq = seq;
    instance->offered = array->length;
    int rc = instance->instance.plugin->sink->write(instance->instance.self, &rows, err);
    if (!rc && instance->misuse)
        rc = tow_error_set(err, TOW_E_BUG,
                           "rows were settled that are not in the batch, or "
                           "rejected without code and message");
    return rc;
}

static int sink_flush(struct suite_instance *instance, struct tow_position *token,
                      struct tow_error *err)
{
    *token = (struct tow_position){.size = sizeof *token};
    int rc = instance->instance.plugin->sink->flush(instance->instance.self, token, err);

    if (!rc && token->length > TOW_POSITION_MAX)
        rc = tow_error_set(err, TOW_E_BUG, "a token of %u bytes", token->length);
    return rc;
}

static int sink_finish(struct suite_instance *instance, struct tow_error *err)
{
    const struct tow_sink_ops *ops = instance->instance.plugin->sink;

    return ops->finish ? ops->finish(instance->instance.self, err) : TOW_OK;
}

/* A short load: one batch, flushed and finished. */
static int sink_load(struct suite *suite, const struct sink_case *kind, struct tow_position *token,
                     struct tow_error *err)
{
    struct suite_instance instance;
    struct ArrowSchema schema = {0};
    struct ArrowArray array = {0};
    int rc = suite_instance_init(suite, &instance, "sink", err);

    if (rc)
        return rc;
    rc = tow_schema_make(&schema, sink_fields, SINK_FIELDS, err);
    if (!rc)
        rc = sink_array(kind, &array, err);
    if (!rc)
        rc = sink_open(&instance, NULL, &schema, err);
    if (!rc)
        rc = sink_write(&instance, &array, 1, err);
    if (!rc)
        rc = sink_flush(&instance, token, err);
    if (!rc)
        rc = sink_finish(&instance, err);
    suite_instance_release(&instance, "sink", 1);
    if (array.release)
        array.release(&array);
    if (schema.release)
        schema.release(&schema);
    return rc;
}

/* As after a death between the last checkpoint and the closing transaction. */
static void sink_check_finish_again(struct suite *suite, const struct tow_position *token)
{
    const char *what = "finish after a restart finds its work done";
    struct suite_instance instance;
    struct ArrowSchema schema = {0};
    struct tow_position again;
    struct tow_error err = TOW_ERROR_INIT;
    int rc = suite_instance_init(suite, &instance, "sink", &err);

    if (rc) {
        suite_fail(suite, what, "%s", err.message);
        return;
    }
    rc = tow_schema_make(&schema, sink_fields, SINK_FIELDS, &err);
    if (!rc)
        rc = sink_open(&instance, token, &schema, &err);
    if (!rc)
        rc = sink_flush(&instance, &again, &err);
    if (!rc)
        rc = sink_finish(&instance, &err);
    if (!rc)
        rc = sink_finish(&instance, &err);
    if (rc)
        suite_fail(suite, what, "%s", err.message);
    else
        suite_pass(suite, what);
    suite_instance_release(&instance, "sink", 1);
    if (schema.release)
        schema.release(&schema);
}

static void sink_check_close(struct suite *suite)
{
    const char *what = "an instance that wrote nothing closes";
    struct suite_instance instance;
    struct ArrowSchema schema = {0};
    struct tow_error err = TOW_ERROR_INIT;
    int rc = suite_instance_init(suite, &instance, "sink", &err);

    if (!rc) {
        rc = tow_schema_make(&schema, sink_fields, SINK_FIELDS, &err);
        if (!rc)
            rc = sink_open(&instance, NULL, &schema, &err);
        suite_instance_release(&instance, "sink", 1);
    }
    if (schema.release)
        schema.release(&schema);
    if (rc)
        suite_fail(suite, what, "%s", err.message);
    else
        suite_pass(suite, what);
}

/* A sink may want columns of its own; then there is nothing to try it with. */
static int sink_takes_columns(struct suite *suite)
{
    const char *what = "the sink takes a table of id, name, flag and at";
    const struct tow_plugin *plugin = suite->plugin;
    struct suite_instance instance;
    struct ArrowSchema schema = {0};
    struct tow_error err = TOW_ERROR_INIT;

    if (suite_instance_init(suite, &instance, "sink", &err)) {
        suite_fail(suite, what, "%s", err.message);
        return 0;
    }
    int rc = plugin->sink->check
                 ? plugin->sink->check(instance.instance.self, &instance.box.host, &err)
                 : TOW_OK;
    if (!rc && plugin->sink->flags & TOW_SINK_OFFLINE_BEGIN) {
        rc = tow_schema_make(&schema, sink_fields, SINK_FIELDS, &err);
        if (!rc)
            rc = plugin->sink->begin(instance.instance.self, NULL, &schema, &err);
    }
    if (rc)
        suite_skip(suite, what, err.message);
    else
        suite_pass(suite, what);
    if (schema.release)
        schema.release(&schema);
    suite_instance_release(&instance, "sink", 1);
    return rc == TOW_OK;
}

void suite_check_sink(struct suite *suite)
{
    static const struct sink_case cases[] = {
        {"rows without nulls (no validity buffers) are written", 0, 0},
        {"rows with nulls are written", 1, 0},
        {"a slice with an offset is written", 1, 1},
        {"a slice without nulls is written", 0, 1},
    };
    struct tow_position token = {.size = sizeof token};

    if (!sink_takes_columns(suite))
        return;
    sink_check_close(suite);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tow_error err = TOW_ERROR_INIT;

        if (sink_load(suite, &cases[i], &token, &err))
            suite_fail(suite, cases[i].what, "%s", err.message);
        else
            suite_pass(suite, cases[i].what);
    }
    sink_check_finish_again(suite, &token);
}
