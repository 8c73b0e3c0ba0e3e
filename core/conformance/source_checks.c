/* A source: schema and data agree, every position resumes, cancel is heard, instances are apart. */
#include <stdlib.h>
#include <string.h>

#include "conformance/suite.h"
#include "towpath/rowtext.h"

#define SOURCE_ROWS_MAX    100000
#define SOURCE_RESUMES_MAX 32
#define CANCEL_LIMIT_MS    1000

/* Everything that a source handed out: a hash a row, and where each batch left off. */
struct harvest {
    uint64_t *rows;
    int64_t count, capacity;
    int64_t rejected;
    struct tow_position *positions; /* after each batch */
    int64_t *row_at;                /* rows handed out by then */
    int64_t *rejected_at;
    int64_t batches, batch_capacity;
    int ended; /* 1: it came to its end; 0: the checks saw enough */
};

static void harvest_release(struct harvest *harvest)
{
    free(harvest->rows);
    free(harvest->positions);
    free(harvest->row_at);
    free(harvest->rejected_at);
    *harvest = (struct harvest){0};
}

static uint64_t harvest_hash(const char *text, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    return hash;
}

static int harvest_row(struct harvest *harvest, uint64_t hash, struct tow_error *err)
{
    if (harvest->count == harvest->capacity) {
        int64_t capacity = harvest->capacity ? harvest->capacity * 2 : 1024;
        uint64_t *rows = reallocarray(harvest->rows, (size_t)capacity, sizeof *rows);

        if (!rows)
            return tow_error_nomem(err);
        harvest->rows = rows;
        harvest->capacity = capacity;
    }
    harvest->rows[harvest->count++] = hash;
    return TOW_OK;
}

static int harvest_grow(struct harvest *harvest, struct tow_error *err)
{
    size_t capacity = harvest->batch_capacity ? (size_t)harvest->batch_capacity * 2 : 16;
    void *positions = reallocarray(harvest->positions, capacity, sizeof *harvest->positions);
    void *row_at = reallocarray(harvest->row_at, capacity, sizeof *harvest->row_at);
    void *rejected_at = reallocarray(harvest->rejected_at, capacity, sizeof *harvest->rejected_at);

    harvest->positions = positions ? positions : harvest->positions;
    harvest->row_at = row_at ? row_at : harvest->row_at;
    harvest->rejected_at = rejected_at ? rejected_at : harvest->rejected_at;
    if (!positions || !row_at || !rejected_at)
        return tow_error_nomem(err);
    harvest->batch_capacity = (int64_t)capacity;
    return TOW_OK;
}

static int harvest_batch(struct harvest *harvest, const struct tow_batch *batch,
                         struct tow_json_writer *writer, struct tow_error *err)
{
    struct tow_buffer text = {0};
    int rc = TOW_OK;

    for (int64_t row = 0; !rc && batch->array.release && row < batch->array.length; row++) {
        text.size = 0;
        rc = tow_json_writer_object(writer, &batch->array, row, &text, err);
        if (!rc)
            rc = harvest_row(harvest, harvest_hash(text.data, text.size), err);
    }
    tow_buffer_release(&text);
    if (!rc && harvest->batches == harvest->batch_capacity)
        rc = harvest_grow(harvest, err);
    if (rc)
        return rc;
    harvest->positions[harvest->batches] = batch->position;
    harvest->row_at[harvest->batches] = harvest->count;
    harvest->batches++;
    return TOW_OK;
}

static void source_drop(struct tow_batch *batch)
{
    if (batch->array.release)
        batch->array.release(&batch->array);
    if (batch->lines.release)
        batch->lines.release(&batch->lines);
}

/* One read: TOW_OK, TOW_END, or a class with a message. */
static int source_read(struct suite_instance *instance, const struct ArrowSchema *schema,
                       struct tow_json_writer *writer, struct harvest *harvest,
                       struct tow_error *err)
{
    struct tow_batch batch = {.size = sizeof batch, .position.size = sizeof batch.position};
    int64_t rejected = instance->rejected;
    int rc = instance->instance.plugin->source->read(instance->instance.self, &batch, err);

    if (rc == TOW_END && (batch.array.release || instance->rejected > rejected))
        rc = tow_error_set(err, TOW_E_BUG, "read returned rows together with TOW_END");
    if (rc == TOW_OK && batch.position.length > TOW_POSITION_MAX)
        rc = tow_error_set(err, TOW_E_BUG, "a position of %u bytes", batch.position.length);
    if (rc == TOW_OK && batch.array.release)
        rc = tow_array_validate(&batch.array, schema, err);
    if (rc == TOW_OK)
        rc = harvest_batch(harvest, &batch, writer, err);
    if (rc == TOW_OK)
        harvest->rejected_at[harvest->batches - 1] = instance->rejected;
    source_drop(&batch);
    return rc;
}

static int source_open(struct suite_instance *instance, const struct tow_position *from,
                       struct ArrowSchema *schema, struct tow_json_writer **writer,
                       struct tow_error *err)
{
    static const struct tow_position none = {.size = sizeof none};
    const struct tow_source_ops *ops = instance->instance.plugin->source;
    int rc = ops->open(instance->instance.self, &instance->box.host, from ? from : &none, err);

    *writer = NULL;
    if (!rc)
        rc = ops->schema(instance->instance.self, schema, err);
    if (!rc)
        rc = tow_schema_validate(schema, err);
    if (!rc) {
        *writer = tow_json_writer_new(schema, 0, err);
        rc = *writer ? TOW_OK : err->code;
    }
    return rc;
}

/* Opens at `from` and reads to the end, or until the checks have seen enough. */
static int source_harvest(struct suite *suite, const struct tow_position *from,
                          struct harvest *harvest, struct tow_error *err)
{
    struct suite_instance instance;
    struct ArrowSchema schema = {0};
    struct tow_json_writer *writer;
    int rc = suite_instance_init(suite, &instance, "source", err);

    if (rc)
        return rc;
    rc = source_open(&instance, from, &schema, &writer, err);
    while (!rc && harvest->count < SOURCE_ROWS_MAX)
        rc = source_read(&instance, &schema, writer, harvest, err);
    harvest->ended = rc == TOW_END;
    harvest->rejected = instance.rejected;
    if (rc >= TOW_OK && instance.misuse)
        rc = tow_error_set(err, TOW_E_BUG, "rows were rejected without code and message");
    tow_json_writer_free(writer);
    if (schema.release)
        schema.release(&schema);
    suite_instance_release(&instance, "source", 1);
    return rc == TOW_END ? TOW_OK : rc;
}

/* ---- checks --------------------------------------------------------------------------------- */

static void source_check_again(struct suite *suite, const struct harvest *first)
{
    const char *what = "a second instance reads the same rows";
    struct harvest second = {0};
    struct tow_error err = TOW_ERROR_INIT;

    if (source_harvest(suite, NULL, &second, &err))
        suite_fail(suite, what, "%s", err.message);
    else if (second.count != first->count || second.rejected != first->rejected ||
             memcmp(second.rows, first->rows, (size_t)first->count * sizeof *first->rows) != 0)
        suite_fail(suite, what, "%lld rows at first, %lld then", (long long)first->count,
                   (long long)second.count);
    else
        suite_pass(suite, what);
    harvest_release(&second);
}

static int source_resumes_at(struct suite *suite, const struct harvest *whole, int64_t batch,
                             struct tow_error *err)
{
    struct harvest rest = {0};
    int64_t skip = whole->row_at[batch], wanted = whole->count - skip;
    int rc = source_harvest(suite, &whole->positions[batch], &rest, err);

    if (!rc && rest.count != wanted)
        rc = tow_error_set(err, TOW_E_DATA, "after row %lld, %lld rows are left and %lld came",
                           (long long)skip, (long long)wanted, (long long)rest.count);
    if (!rc && wanted > 0 &&
        memcmp(rest.rows, whole->rows + skip, (size_t)wanted * sizeof *rest.rows) != 0)
        rc = tow_error_set(err, TOW_E_DATA, "after row %lld, other rows came", (long long)skip);
    if (!rc && rest.rejected != whole->rejected - whole->rejected_at[batch])
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

    if (whole->batches == 0 || !whole->ended) {
        suite_skip(suite, what, whole->ended ? "there are no rows" : "there are too many rows");
        return;
    }
    for (int64_t batch = 0; !rc && batch < whole->batches; batch += step)
        rc = source_resumes_at(suite, whole, batch, &err);
    if (rc)
        suite_fail(suite, what, "%s", err.message);
    else
        suite_pass(suite, what);
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
    if (rc >= TOW_OK && (harvests[0].count != whole->count || harvests[1].count != whole->count))
        rc = tow_error_set(&err, TOW_E_DATA, "%lld rows alone, %lld and %lld together",
                           (long long)whole->count, (long long)harvests[0].count,
                           (long long)harvests[1].count);
    for (int i = 0; i < made; i++) {
        tow_json_writer_free(writers[i]);
        if (schemas[i].release)
            schemas[i].release(&schemas[i]);
        suite_instance_release(&pair[i], "source", 1);
        harvest_release(&harvests[i]);
    }
    if (rc < TOW_OK)
        suite_fail(suite, what, "%s", err.message);
    else
        suite_pass(suite, what);
}

static void source_check_cancel(struct suite *suite)
{
    const char *what = "read ends within a second of a stop";
    struct suite_instance instance;
    struct ArrowSchema schema = {0};
    struct tow_json_writer *writer = NULL;
    struct harvest harvest = {0};
    struct tow_error err = TOW_ERROR_INIT;

    if (suite_instance_init(suite, &instance, "source", &err)) {
        suite_fail(suite, what, "%s", err.message);
        return;
    }
    int rc = source_open(&instance, NULL, &schema, &writer, &err);
    tow_cancel_set(&instance.cancel, 15);
    int64_t before = tow_monotonic_ms();
    if (!rc)
        rc = source_read(&instance, &schema, writer, &harvest, &err);
    int64_t took = tow_monotonic_ms() - before;
    if (rc < TOW_OK && rc != TOW_E_CANCELLED)
        suite_fail(suite, what, "%s", err.message);
    else if (took > CANCEL_LIMIT_MS)
        suite_fail(suite, what, "it took %lld ms", (long long)took);
    else
        suite_pass(suite, what);
    tow_json_writer_free(writer);
    if (schema.release)
        schema.release(&schema);
    suite_instance_release(&instance, "source", 1);
    harvest_release(&harvest);
}

void suite_check_source(struct suite *suite)
{
    const char *what = "the data fit the schema";
    struct harvest whole = {0};
    struct tow_error err = TOW_ERROR_INIT;

    if (source_harvest(suite, NULL, &whole, &err)) {
        suite_fail(suite, what, "%s", err.message);
    } else {
        suite_pass(suite, what);
        source_check_again(suite, &whole);
        source_check_resume(suite, &whole);
        source_check_apart(suite, &whole);
        source_check_cancel(suite);
    }
    harvest_release(&whole);
}
