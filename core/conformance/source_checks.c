/* A source: schema and data agree, every position resumes, cancel is heard, instances are apart. */
#include <stdlib.h>
#include <string.h>

#include "conformance/harvest.h"
#include "conformance/suite.h"
#include "run/assembly/words.h"

#define SOURCE_ROWS_MAX    100000
#define SOURCE_RESUMES_MAX 32
#define SOURCE_RESUME_ROWS 1000 /* that are compared where there is no end */

static void source_drop(struct tow_batch *batch)
{
    if (batch->array.release)
        batch->array.release(&batch->array);
    if (batch->lines.release)
        batch->lines.release(&batch->lines);
}

static int source_check_batch(const struct ArrowSchema *schema, const struct tow_batch *batch,
                              struct tow_error *err)
{
    int64_t rows = batch->array.release ? batch->array.length : 0;

    if (batch->position.length > TOW_POSITION_MAX)
        return tow_error_set(err, TOW_E_BUG, "a position of %u bytes", batch->position.length);
    if (batch->lines.release && batch->lines.length != rows)
        return tow_error_set(err, TOW_E_BUG, "line numbers of %lld rows with %lld rows",
                             (long long)batch->lines.length, (long long)rows);
    return batch->array.release ? tow_array_validate(&batch->array, schema, err) : TOW_OK;
}

/* One read: TOW_OK, TOW_END, or a class with a message. */
static int source_read(struct suite_instance *instance, const struct ArrowSchema *schema,
                       struct tow_json_writer *writer, struct harvest *harvest,
                       struct tow_error *err)
{
    struct tow_batch batch = {.size = sizeof batch, .position.size = sizeof batch.position};
    int64_t rejected = instance->rejected;

    suite_calling(instance, "read");
    int rc = instance->instance.plugin->source->read(instance->instance.self, &batch, err);

    if (rc != TOW_END || instance->misuse)
        rc = suite_result(instance, "read", rc, err);
    if (rc == TOW_END && (batch.array.release || instance->rejected > rejected))
        rc = tow_error_set(err, TOW_E_BUG, "read returned rows together with TOW_END");
    if (rc == TOW_OK)
        rc = source_check_batch(schema, &batch, err);
    if (rc == TOW_OK)
        rc = harvest_batch(harvest, &batch, instance->rejected, writer, err);
    if (rc >= TOW_OK && batch.flags & TOW_BATCH_COUNTED &&
        batch.counted != harvest->count + instance->rejected)
        rc = tow_error_set(err, TOW_E_BUG, "it counts %lld rows, and handed out or rejected %lld",
                           (long long)batch.counted,
                           (long long)(harvest->count + instance->rejected));
    source_drop(&batch);
    return rc;
}

/* The columns, which are the same however often they are asked for. */
static int source_schema(struct suite_instance *instance, struct ArrowSchema *schema,
                         struct tow_error *err)
{
    const struct tow_source_ops *ops = instance->instance.plugin->source;
    struct ArrowSchema again = {0};

    suite_calling(instance, "schema");
    int rc =
        suite_result(instance, "schema", ops->schema(instance->instance.self, schema, err), err);

    if (!rc)
        rc = tow_schema_validate(schema, err);
    if (!rc)
        rc = suite_result(instance, "schema", ops->schema(instance->instance.self, &again, err),
                          err);
    if (!rc && !tow_schema_equal(schema, &again))
        rc = tow_error_set(err, TOW_E_BUG, "schema tells other columns when it is called again");
    if (again.release)
        again.release(&again);
    return rc;
}

static int source_open(struct suite_instance *instance, const struct tow_position *from,
                       struct ArrowSchema *schema, struct tow_json_writer **writer,
                       struct tow_error *err)
{
    static const struct tow_position none = {.size = sizeof none};
    const struct tow_source_ops *ops = instance->instance.plugin->source;

    suite_calling(instance, "open");
    int rc = ops->open(instance->instance.self, &instance->box.host, from ? from : &none, err);

    *writer = NULL;
    rc = suite_result(instance, "open", rc, err);
    if (!rc)
        rc = source_schema(instance, schema, err);
    if (!rc) {
        *writer = tow_json_writer_new(schema, 0, err);
        rc = *writer ? TOW_OK : err->code;
    }
    return rc;
}

/* The marks of the first batches, which the core has in the ledger where it goes on behind them. */
static int source_mark(const struct suite_instance *instance, const struct harvest *whole,
                       int64_t batches, int is_there, struct tow_error *err)
{
    const struct tow_host *host = &instance->box.host;
    int rc = TOW_OK;

    for (int64_t i = 0; !rc && i < batches; i++) {
        const char *key = whole->marks[2 * i], *value = whole->marks[2 * i + 1];

        if (key && is_there)
            rc = host->ledger_put(host, key, value, (uint32_t)strlen(value), err);
        else if (key)
            rc = host->ledger_remove(host, key, err);
    }
    return rc;
}

/* Opens behind the first `batches` of a harvest, or where that is 0, at the start, and reads to the
 * end, or until the checks have seen enough. */
static int source_harvest(struct suite *suite, const struct harvest *whole, int64_t batches,
                          struct harvest *harvest, struct tow_error *err)
{
    struct suite_instance instance;
    struct ArrowSchema schema = {0};
    struct tow_json_writer *writer = NULL;
    struct tow_error ignored = TOW_ERROR_INIT;
    int rc = suite_instance_init(suite, &instance, "source", err), opened = 0;

    if (rc)
        return rc;
    rc = source_mark(&instance, whole, batches, 1, err);
    if (!rc) {
        opened = 1;
        rc = source_open(&instance, batches ? &whole->positions[batches - 1] : NULL, &schema,
                         &writer, err);
    }
    while (!rc && harvest->count < (harvest->limit ? harvest->limit : SOURCE_ROWS_MAX))
        rc = source_read(&instance, &schema, writer, harvest, err);
    harvest->ended = rc == TOW_END;
    harvest->rejected = instance.rejected;
    tow_json_writer_free(writer);
    if (schema.release)
        schema.release(&schema);
    (void)source_mark(&instance, whole, batches, 0, &ignored);
    suite_instance_release(&instance, opened);
    return rc == TOW_END ? TOW_OK : rc;
}

/* ---- checks --------------------------------------------------------------------------------- */

static void source_check_again(struct suite *suite, const struct harvest *first)
{
    const char *what = "a second instance reads the same rows";
    struct harvest second = {0};
    struct tow_error err = TOW_ERROR_INIT;

    if (source_harvest(suite, NULL, 0, &second, &err))
        suite_fail(suite, what, "%s", err.message);
    else if (!harvest_equal(&second, first) || second.rejected != first->rejected)
        suite_fail(suite, what, "%lld rows at first, %lld then, or others", (long long)first->count,
                   (long long)second.count);
    else
        suite_pass(suite, what);
    harvest_release(&second);
}

static int source_same_position(const struct tow_position *a, const struct tow_position *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* What is often wrong with a position that does not lead behind its batch. */
static const char *source_hint(const struct harvest *whole, int64_t batch)
{
    const struct tow_position *at = &whole->positions[batch];

    if (at->length == 0)
        return "; its position is empty, which stands for the start";
    if ((batch > 0 && source_same_position(at, at - 1)) ||
        (batch + 1 < whole->batches && source_same_position(at, at + 1)))
        return "; another batch has the same position";
    return "";
}

/* Where the source has no end, or none in sight, the next rows stand for all. */
static int source_resumes_at(struct suite *suite, const struct harvest *whole, int64_t batch,
                             struct tow_error *err)
{
    struct harvest rest = {0};
    int64_t skip = whole->row_at[batch], left = whole->count - skip, wanted = left;
    const char *hint = source_hint(whole, batch);

    if (!whole->ended) {
        wanted = left < SOURCE_RESUME_ROWS ? left : SOURCE_RESUME_ROWS;
        rest.limit = wanted > 0 ? wanted : 1;
    }
    int rc = source_harvest(suite, whole, batch + 1, &rest, err);

    if (!rc && (rest.count < wanted || (whole->ended && rest.count > wanted)))
        rc = tow_error_set(err, TOW_E_DATA, "after row %lld, %lld rows are left and %lld came%s",
                           (long long)skip, (long long)left, (long long)rest.count, hint);
    if (!rc && wanted > 0 &&
        memcmp(rest.rows, whole->rows + skip, (size_t)wanted * sizeof *rest.rows) != 0)
        rc = tow_error_set(err, TOW_E_DATA, "after row %lld, other rows came%s", (long long)skip,
                           hint);
    if (!rc && whole->ended && rest.rejected != whole->rejected - whole->rejected_at[batch])
        rc = tow_error_set(
            err, TOW_E_DATA, "after row %lld, %lld rejects are left and %lld came", (long long)skip,
            (long long)(whole->rejected - whole->rejected_at[batch]), (long long)rest.rejected);
    harvest_release(&rest);
    return rc;
}

static void source_check_resume(struct suite *suite, const struct harvest *whole)
{
    const char *what = "every position resumes without gap or repeat";
    int64_t step = whole->batches / SOURCE_RESUMES_MAX + 1;
    struct tow_error err = TOW_ERROR_INIT;
    int rc = TOW_OK;

    if (whole->batches == 0) {
        suite_skip(suite, what, "there are no rows");
        return;
    }
    for (int64_t batch = 0; !rc && batch < whole->batches; batch += step)
        rc = source_resumes_at(suite, whole, batch, &err);
    if (rc)
        suite_fail(suite, what, "%s", err.message);
    else
        suite_pass(suite, what);
}

/* What most sources forget to free shows after a few batches. */
static int source_load(struct suite *suite, struct tow_error *err)
{
    struct harvest some = {.limit = 4 * (int64_t)suite->job.tuning.batch_rows};
    int rc = source_harvest(suite, NULL, 0, &some, err);

    harvest_release(&some);
    return rc;
}

/* Two instances, a batch of each in turn. */
static void source_check_apart(struct suite *suite, const struct harvest *whole)
{
    const char *what = "two instances at once do not touch";
    struct suite_instance pair[2];
    struct ArrowSchema schemas[2] = {{0}};
    struct tow_json_writer *writers[2] = {NULL};
    struct harvest harvests[2] = {{0}};
    struct tow_error err = TOW_ERROR_INIT;
    int rc = TOW_OK, made = 0;

    for (; !rc && made < 2; made++) {
        rc = suite_instance_init(suite, &pair[made], "source", &err);
        if (rc)
            break;
        rc = source_open(&pair[made], NULL, &schemas[made], &writers[made], &err);
    }
    while (!rc && harvests[0].count < SOURCE_ROWS_MAX) {
        rc = source_read(&pair[0], &schemas[0], writers[0], &harvests[0], &err);
        int other = source_read(&pair[1], &schemas[1], writers[1], &harvests[1], &err);
        if (rc != other)
            rc = tow_error_set(&err, TOW_E_DATA, "one returned %d, the other %d", rc, other);
    }
    for (int i = 0; rc >= TOW_OK && i < 2; i++)
        if (!harvest_equal(&harvests[i], whole))
            rc = tow_error_set(&err, TOW_E_DATA, "%lld rows alone, %lld together, or others",
                               (long long)whole->count, (long long)harvests[i].count);
    for (int i = 0; i < made; i++) {
        tow_json_writer_free(writers[i]);
        if (schemas[i].release)
            schemas[i].release(&schemas[i]);
        suite_instance_release(&pair[i], 1);
        harvest_release(&harvests[i]);
    }
    if (rc < TOW_OK)
        suite_fail(suite, what, "%s", err.message);
    else
        suite_pass(suite, what);
}

/* What a read that was told to stop works on; its own where it hangs. */
struct source_stop {
    struct suite_instance instance;
    struct ArrowSchema schema;
    struct tow_json_writer *writer;
    struct harvest harvest;
    struct tow_error err;
};

static int source_read_stopped(void *context)
{
    struct source_stop *stop = context;

    return source_read(&stop->instance, &stop->schema, stop->writer, &stop->harvest, &stop->err);
}

static void source_stop_release(struct source_stop *stop)
{
    tow_json_writer_free(stop->writer);
    if (stop->schema.release)
        stop->schema.release(&stop->schema);
    if (stop->instance.instance.self)
        suite_instance_release(&stop->instance, 1);
    harvest_release(&stop->harvest);
    free(stop);
}

static void source_check_cancel(struct suite *suite)
{
    const char *what = "read ends within a second of a stop";
    struct source_stop *stop = calloc(1, sizeof *stop);

    if (!stop) {
        suite_fail(suite, what, "out of memory");
        return;
    }
    stop->err = (struct tow_error)TOW_ERROR_INIT;
    int rc = suite_instance_init(suite, &stop->instance, "source", &stop->err);
    if (!rc)
        rc = source_open(&stop->instance, NULL, &stop->schema, &stop->writer, &stop->err);
    if (!rc) {
        tow_cancel_set(&stop->instance.cancel, 15);
        if (!suite_within_a_second(suite, source_read_stopped, stop, &rc)) {
            suite_fail(suite, what, "it has not returned");
            return;
        }
    }
    suite_judge(suite, what, rc == TOW_E_CANCELLED ? TOW_OK : rc, &stop->err);
    source_stop_release(stop);
}

/* What an open source says of itself, word for word. */
static void source_check_words(struct suite *suite)
{
    const char *what = "its words can be part of a name";
    struct suite_instance instance;
    struct ArrowSchema schema = {0};
    struct tow_json_writer *writer = NULL;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_words words;

    if (!tow_source_names(suite->plugin))
        return;
    int rc = suite_instance_init(suite, &instance, "source", &err);
    int opened = !rc;
    if (!rc)
        rc = source_open(&instance, NULL, &schema, &writer, &err);
    if (!rc)
        rc = tow_words_parse(&words, tow_source_names(suite->plugin), &err);
    for (size_t i = 0; !rc && i < words.count; i++) {
        rc = words_ask(suite->plugin, instance.instance.self, &instance.box, &words.items[i], &err);
        /* With these options there is no such word. */
        if (rc == TOW_E_UNSUPPORTED)
            rc = TOW_OK;
    }
    tow_json_writer_free(writer);
    if (schema.release)
        schema.release(&schema);
    suite_instance_release(&instance, opened);
    suite_judge(suite, what, rc, &err);
}

static void source_check_limits(struct suite *suite, const struct harvest *whole)
{
    const char *what = "batches keep to the host's limit of rows";
    int64_t most = suite->job.tuning.batch_rows;

    if (whole->widest > most)
        suite_fail(suite, what, "one has %lld rows, where host->batch_rows is %lld",
                   (long long)whole->widest, (long long)most);
    else
        suite_pass(suite, what);
}

static void source_check_descriptors(struct suite *suite, int before)
{
    const char *what = "a closed source leaves no descriptor open";
    int after = suite_descriptors();

    if (after > before)
        suite_fail(suite, what, "%d are, of some instances", after - before);
    else
        suite_pass(suite, what);
}

void suite_check_source(struct suite *suite)
{
    struct harvest whole = {0};
    struct tow_error err = TOW_ERROR_INIT;
    int descriptors = suite_descriptors();
    int rc = source_harvest(suite, NULL, 0, &whole, &err);

    suite_judge(suite, "the data fit the schema", rc, &err);
    if (!rc) {
        source_check_limits(suite, &whole);
        source_check_again(suite, &whole);
        source_check_resume(suite, &whole);
        source_check_apart(suite, &whole);
        source_check_words(suite);
        suite_check_types(suite);
        source_check_descriptors(suite, descriptors);
        suite_check_memory(suite, source_load);
        source_check_cancel(suite);
    }
    harvest_release(&whole);
}
