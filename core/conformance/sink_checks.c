/* A sink: takes what rows there are, settles its own only, and goes on where its token says. */
#include <stdlib.h>
#include <string.h>

#include "conformance/suite.h"

/* ---- calls ---------------------------------------------------------------------------------- */

/* A sink with columns, and what it is given. */
struct sink_try {
    struct suite_instance sink;
    struct ArrowSchema schema;
    struct ArrowArray rows;
    struct tow_error err;
};

/* Opens and begins. `token` NULL: a new load. Release it in every case. */
static int sink_open(struct suite *suite, struct sink_try *try, const struct tow_position *token,
                     uint32_t worker, uint32_t workers)
{
    static const struct tow_position none = {.size = sizeof none};
    struct tow_error *err = &try->err;

    *try = (struct sink_try){.err = TOW_ERROR_INIT};
    int rc = suite_instance_init(suite, &try->sink, "sink", err);
    if (rc)
        return rc;
    const struct tow_sink_ops *ops = try->sink.instance.plugin->sink;
    try->sink.box.host.worker = worker;
    try->sink.box.host.workers = workers;
    rc = suite_schema(suite, &try->schema, err);
    if (!rc)
        rc = suite_array(suite, &suite_row_kinds[1], &try->rows, err);
    if (!rc)
        suite_calling(&try->sink, "open");
    if (!rc)
        rc = suite_result(
            &try->sink, "open",
            ops->open(try->sink.instance.self, &try->sink.box.host, token ? token : &none, err),
            err);
    if (!rc)
        suite_calling(&try->sink, "begin");
    if (!rc)
        rc = suite_result(
            &try->sink, "begin",
            ops->begin(try->sink.instance.self, &try->sink.box.host, &try->schema, err), err);
    return rc;
}

static void sink_release(struct sink_try *try)
{
    if (try->sink.instance.self)
        suite_instance_release(&try->sink, 1);
    if (try->rows.release)
        try->rows.release(&try->rows);
    if (try->schema.release)
        try->schema.release(&try->schema);
}

static int sink_write(struct sink_try *try, uint64_t seq)
{
    struct tow_rows rows = {.size = sizeof rows, .attempt = 1, .seq = seq, .array = &try->rows};

    try->sink.offered[seq - 1] = try->rows.length;
    suite_calling(&try->sink, "write");
    int rc = try->sink.instance.plugin->sink->write(try->sink.instance.self, &rows, &try->err);
    return suite_result(&try->sink, "write", rc, &try->err);
}

static int sink_flush(struct sink_try *try, struct tow_position *token)
{
    *token = (struct tow_position){.size = sizeof *token};
    suite_calling(&try->sink, "flush");
    int rc = try->sink.instance.plugin->sink->flush(try->sink.instance.self, token, &try->err);

    rc = suite_result(&try->sink, "flush", rc, &try->err);
    if (!rc && token->length > TOW_POSITION_MAX)
        rc = tow_error_set(&try->err, TOW_E_BUG, "a token of %u bytes", token->length);
    return rc;
}

static int sink_finish(struct sink_try *try)
{
    const struct tow_sink_ops *ops = try->sink.instance.plugin->sink;

    if (!ops->finish)
        return TOW_OK;
    suite_calling(&try->sink, "finish");
    return suite_result(&try->sink, "finish", ops->finish(try->sink.instance.self, &try->err),
                        &try->err);
}

/* ---- checks --------------------------------------------------------------------------------- */

/* A short load: one batch, flushed and finished. */
static void sink_check_rows(struct suite *suite, const struct suite_rows *kind,
                            struct tow_position *token)
{
    struct sink_try try = {0};
    char what[80];
    int rc = sink_open(suite, &try, NULL, 0, 1);

    if (!rc) {
        try.rows.release(&try.rows);
        rc = suite_array(suite, kind, &try.rows, &try.err);
    }
    if (!rc)
        rc = sink_write(&try, 1);
    if (!rc)
        rc = sink_flush(&try, token);
    if (!rc)
        rc = sink_finish(&try);
    snprintf(what, sizeof what, "%s are written", kind->what);
    suite_judge(suite, what, rc, &try.err);
    sink_release(&try);
}

static int sink_load(struct suite *suite, struct tow_error *err)
{
    struct sink_try try = {0};
    struct tow_position token;
    int rc = sink_open(suite, &try, NULL, 0, 1);

    if (!rc)
        rc = sink_write(&try, 1);
    if (!rc)
        rc = sink_flush(&try, &token);
    if (!rc)
        rc = sink_finish(&try);
    *err = try.err;
    sink_release(&try);
    return rc;
}

/* As after a death between the last checkpoint and the closing transaction. */
static void sink_check_finish_again(struct suite *suite, const struct tow_position *token)
{
    struct sink_try try = {0};
    struct tow_position again;
    int rc = sink_open(suite, &try, token, 0, 1);

    if (!rc)
        rc = sink_flush(&try, &again);
    if (!rc)
        rc = sink_finish(&try);
    if (!rc)
        rc = sink_finish(&try);
    suite_judge(suite, "finish after a restart finds its work done", rc, &try.err);
    sink_release(&try);
}

/* As after a death behind a checkpoint: what came after the token comes again. */
static void sink_check_token(struct suite *suite)
{
    const char *what = "a load goes on from its token";
    struct sink_try first = {0}, second = {0};
    struct tow_position token, last;
    int rc = sink_open(suite, &first, NULL, 0, 1);

    if (!rc)
        rc = sink_write(&first, 1);
    if (!rc)
        rc = sink_flush(&first, &token);
    if (!rc)
        rc = sink_write(&first, 2);
    sink_release(&first);
    if (rc) {
        suite_fail(suite, what, "%s", first.err.message);
        return;
    }
    rc = sink_open(suite, &second, &token, 0, 1);
    if (!rc)
        rc = sink_write(&second, 2);
    if (!rc)
        rc = sink_flush(&second, &last);
    if (!rc)
        rc = sink_finish(&second);
    suite_judge(suite, what, rc, &second.err);
    sink_release(&second);
}

static void sink_check_close(struct suite *suite)
{
    struct sink_try try = {0};
    int rc = sink_open(suite, &try, NULL, 0, 1);

    suite_judge(suite, "an instance that wrote nothing closes", rc, &try.err);
    sink_release(&try);
}

static void sink_check_parallel(struct suite *suite)
{
    const char *what = "two instances at once do not touch";
    struct sink_try pair[2] = {{.rows = {0}}, {.rows = {0}}};
    struct tow_position token;
    int rc = TOW_OK, made = 0, failed = 0;

    if (!(suite->plugin->sink->flags & TOW_SINK_PARALLEL)) {
        suite_skip(suite, what, "it does not run in parallel");
        return;
    }
    for (; !rc && made < 2; made++)
        rc = sink_open(suite, &pair[failed = made], NULL, (uint32_t)made, 2);
    for (int i = 0; !rc && i < 2; i++)
        rc = sink_write(&pair[failed = i], (uint64_t)i + 1);
    for (int i = 0; !rc && i < 2; i++)
        rc = sink_flush(&pair[failed = i], &token);
    for (int i = 0; !rc && i < 2; i++)
        rc = sink_finish(&pair[failed = i]);
    suite_judge(suite, what, rc, &pair[failed].err);
    for (int i = 0; i < made; i++)
        sink_release(&pair[i]);
}

static int sink_write_stopped(void *context)
{
    return sink_write(context, 1);
}

static void sink_check_cancel(struct suite *suite)
{
    const char *what = "write ends within a second of a stop";
    struct sink_try *try = calloc(1, sizeof *try);
    int rc;

    if (!try) {
        suite_fail(suite, what, "out of memory");
        return;
    }
    rc = sink_open(suite, try, NULL, 0, 1);
    if (!rc) {
        tow_cancel_set(&try->sink.cancel, 15);
        if (!suite_within_a_second(suite, sink_write_stopped, try, &rc)) {
            suite_fail(suite, what, "it has not returned");
            return;
        }
    }
    suite_judge(suite, what, rc == TOW_E_CANCELLED ? TOW_OK : rc, &try->err);
    sink_release(try);
    free(try);
}

/* A sink may want columns of its own without naming them; then there is nothing to try it with. */
static int sink_takes_columns(struct suite *suite)
{
    const char *what = suite->fields ? "the sink takes the columns that it names"
                                     : "the sink takes a table of id, name, flag and at";
    const struct tow_sink_ops *ops = suite->plugin->sink;
    struct suite_instance instance;
    struct ArrowSchema schema = {0};
    struct tow_error err = TOW_ERROR_INIT;

    if (suite_instance_init(suite, &instance, "sink", &err)) {
        suite_fail(suite, what, "%s", err.message);
        return 0;
    }
    suite_calling(&instance, "check");
    int rc = ops->check ? ops->check(instance.instance.self, &instance.box.host, &err) : TOW_OK;
    rc = suite_result(&instance, "check", rc, &err);
    if (!rc && ops->flags & TOW_SINK_OFFLINE_BEGIN) {
        rc = suite_schema(suite, &schema, &err);
        suite_calling(&instance, "begin");
        if (!rc)
            rc = suite_result(&instance, "begin",
                              ops->begin(instance.instance.self, NULL, &schema, &err), &err);
    }
    if (rc && suite->fields)
        suite_fail(suite, what, "%s", err.message);
    else if (rc)
        suite_skip(suite, what, err.message);
    else
        suite_pass(suite, what);
    if (schema.release)
        schema.release(&schema);
    suite_instance_release(&instance, 1);
    return rc == TOW_OK;
}

static void sink_check_descriptors(struct suite *suite, int before)
{
    const char *what = "a closed sink leaves no descriptor open";
    int after = suite_descriptors();

    if (suite->hung)
        suite_skip(suite, what, "a call has not returned");
    else if (after > before)
        suite_fail(suite, what, "%d are, of some instances", after - before);
    else
        suite_pass(suite, what);
}

static void sink_check_all(struct suite *suite)
{
    struct tow_position token = {.size = sizeof token};
    int descriptors = suite_descriptors();

    if (!sink_takes_columns(suite))
        return;
    sink_check_close(suite);
    for (size_t i = 0; i < SUITE_ROW_KINDS; i++)
        sink_check_rows(suite, &suite_row_kinds[i], &token);
    sink_check_finish_again(suite, &token);
    sink_check_token(suite);
    sink_check_parallel(suite);
    suite_check_memory(suite, sink_load);
    sink_check_cancel(suite);
    sink_check_descriptors(suite, descriptors);
}

void suite_check_sink(struct suite *suite)
{
    struct tow_error err = TOW_ERROR_INIT;

    if (suite_name_columns(suite, &err))
        suite_fail(suite, "the sink names its columns", "%s", err.message);
    else
        sink_check_all(suite);
    suite_forget_columns(suite);
}
