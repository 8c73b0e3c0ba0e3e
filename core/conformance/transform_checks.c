/* A transform: hands out what it did not settle, in columns that it announced. */
#include "conformance/suite.h"

struct transform_try {
    struct suite_instance transform;
    struct ArrowSchema in, out;
    struct tow_error err;
};

/* Release it in every case. */
static int transform_begin(struct suite *suite, struct transform_try *try)
{
    struct tow_error *err = &try->err;

    *try = (struct transform_try){.err = TOW_ERROR_INIT};
    int rc = suite_instance_init(suite, &try->transform, "transform", err);
    if (!rc)
        rc = suite_schema(suite, &try->in, err);
    if (!rc)
        suite_calling(&try->transform, "begin");
    if (!rc)
        rc = suite_result(&try->transform, "begin",
                          suite->plugin->transform->begin(try->transform.instance.self,
                                                          &try->transform.box.host, &try->in,
                                                          &try->out, err),
                          err);
    return rc ? rc : tow_schema_validate(&try->out, err);
}

static void transform_release(struct transform_try *try)
{
    if (try->transform.instance.self)
        suite_instance_release(&try->transform, 1);
    if (try->in.release)
        try->in.release(&try->in);
    if (try->out.release)
        try->out.release(&try->out);
}

static int transform_apply(struct suite *suite, struct transform_try *try, uint64_t seq,
                           const struct suite_rows *kind)
{
    struct tow_error *err = &try->err;
    struct ArrowArray in = {0}, out = {0};
    struct tow_rows rows = {.size = sizeof rows, .attempt = 1, .seq = seq, .array = &in};
    int rc = suite_array(suite, kind, &in, err);

    if (rc)
        return rc;
    try->transform.offered[seq - 1] = in.length;
    suite_calling(&try->transform, "apply");
    rc = suite->plugin->transform->apply(try->transform.instance.self, &rows, &out, err);
    rc = suite_result(&try->transform, "apply", rc, err);
    if (!rc)
        rc = tow_array_validate(&out, &try->out, err);
    if (!rc && out.length != in.length - try->transform.settled[seq - 1])
        rc = tow_error_set(err, TOW_E_BUG, "%lld rows came in, %lld were settled, %lld went out",
                           (long long)in.length, (long long)try->transform.settled[seq - 1],
                           (long long)out.length);
    if (out.release)
        out.release(&out);
    in.release(&in);
    return rc;
}

static void transform_check_rows(struct suite *suite, const struct suite_rows *kind)
{
    struct transform_try try;
    char what[80];
    int rc = transform_begin(suite, &try);

    for (uint64_t seq = 1; !rc && seq <= 2; seq++)
        rc = transform_apply(suite, &try, seq, kind);
    snprintf(what, sizeof what, "%s go out or are settled", kind->what);
    suite_judge(suite, what, rc, &try.err);
    transform_release(&try);
}

/* A transform may want columns of its own; then there is nothing to try it with. */
static int transform_takes_columns(struct suite *suite)
{
    const char *what = "the transform takes a table of id, name, flag and at";
    struct transform_try try;
    int rc = transform_begin(suite, &try);

    if (rc == TOW_E_BUG)
        suite_fail(suite, what, "%s", try.err.message);
    else if (rc)
        suite_skip(suite, what, try.err.message);
    else
        suite_pass(suite, what);
    transform_release(&try);
    return rc == TOW_OK;
}

void suite_check_transform(struct suite *suite)
{
    if (!transform_takes_columns(suite))
        return;
    for (size_t i = 0; i < SUITE_ROW_KINDS; i++)
        transform_check_rows(suite, &suite_row_kinds[i]);
}
