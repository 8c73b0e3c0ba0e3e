/* Runs of a source that makes the types itself, batch by batch or not at all, and of those that do
 * not keep to the rules of tow_source_ops.types. */
#include "run_fixture.h"
#include "unit.h"

#define ROWS  1000
#define BATCH 100

enum bug {
    NONE,
    FAILS,      /* types fails */
    OTHER_TYPE, /* types answers with a type that nobody wished for */
    UNASKED,    /* typed batches, though types left its answer empty */
    NO_TEXT,    /* a typed batch holds nothing */
    HOLDS_TEXT, /* a batch of text holds something */
    CUT_TEXT,   /* the text of a batch lacks its last row */
    NULL_ANSWER /* types has nothing to offer */
};

/* What the source does; reset by each test. */
static struct {
    enum bug bug;
    int64_t every; /* every so many batches one is typed; 0: none */
    int asked, typed, held, let_go, texts;
    size_t wishes;
} plan;

struct lettered {
    int64_t next, batches;
};

/* Rows [first, first + count) of what is held. */
struct lettered_held {
    int64_t first, count;
};

static int32_t lettered_open(void *self, const struct tow_host *host,
                             const struct tow_position *from, struct tow_error *err)
{
    struct lettered *source = self;

    (void)host, (void)err;
    source->next = tow_position_get_int(from, 0);
    return TOW_OK;
}

static const struct tow_field text_fields[] = {{"t", {TOW_TYPE_STRING, 0, 0}, 0},
                                               {"u", {TOW_TYPE_STRING, 0, 0}, 0}};

static int32_t lettered_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    (void)self;
    return tow_schema_make(out, text_fields, 2, err);
}

static int32_t lettered_types(void *self, const struct tow_wish *wishes, uint64_t count,
                              struct ArrowSchema *out, struct tow_error *err)
{
    const struct tow_field field = {
        "t", {plan.bug == OTHER_TYPE ? TOW_TYPE_INT32 : TOW_TYPE_INT64, 0, 0}, 0};

    (void)self;
    plan.asked++;
    plan.wishes = (size_t)count;
    assert_string_equal(wishes[0].type, "int64");
    assert_int_equal(wishes[0].column, 0);
    if (plan.bug == FAILS)
        return tow_error_set(err, TOW_E_ENV, "types fails as told");
    if (plan.bug == UNASKED || plan.bug == NULL_ANSWER)
        return TOW_OK;
    return tow_schema_make(out, &field, 1, err);
}

static int lettered_fill(struct tow_builder *builder, int64_t first, int64_t count, int is_typed,
                         struct tow_error *err)
{
    int rc = TOW_OK;

    for (int64_t n = first; !rc && n < first + count; n++) {
        char text[32];

        snprintf(text, sizeof text, "%05lld", (long long)n);
        rc = is_typed ? tow_append_int64(builder, 0, n, err)
                      : tow_append_text(builder, 0, text, err);
        if (!rc && !is_typed)
            rc = tow_append_text(builder, 1, "unused", err);
        if (!rc)
            rc = tow_builder_end_row(builder, err);
    }
    return rc;
}

static int lettered_make(int64_t first, int64_t count, int is_typed, struct ArrowArray *out,
                         struct tow_error *err)
{
    const struct tow_field field = {"t", {TOW_TYPE_INT64, 0, 0}, 0};
    struct tow_builder *builder =
        is_typed ? tow_builder_new(&field, 1, err) : tow_builder_new(text_fields, 2, err);
    int rc = builder ? lettered_fill(builder, first, count, is_typed, err) : TOW_E_NOMEM;

    if (!rc)
        rc = tow_builder_finish(builder, out, err);
    tow_builder_free(builder);
    return rc;
}

static int32_t lettered_as_text(void *held, struct ArrowArray *out, struct tow_error *err)
{
    const struct lettered_held *rows = held;

    plan.texts++;
    return lettered_make(rows->first, rows->count - (plan.bug == CUT_TEXT), 0, out, err);
}

static void lettered_let_go(void *held)
{
    plan.let_go++;
    free(held);
}

static void lettered_hold(struct lettered *source, struct tow_batch *out)
{
    struct lettered_held *held = malloc(sizeof *held);

    assert_non_null(held);
    *held = (struct lettered_held){source->next, BATCH};
    out->held = held;
    out->held_bytes = 10;
    out->as_text = lettered_as_text;
    out->let_go = lettered_let_go;
    plan.held++;
}

static int32_t lettered_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    struct lettered *source = self;
    int is_typed;

    if (source->next >= ROWS)
        return TOW_END;
    is_typed = (plan.asked || plan.bug == UNASKED) && plan.every > 0 &&
               source->batches++ % plan.every == 0 && plan.bug != NULL_ANSWER;
    if (is_typed)
        out->flags |= TOW_BATCH_TYPED;
    plan.typed += is_typed;
    if ((is_typed && plan.bug != NO_TEXT) || (!is_typed && plan.bug == HOLDS_TEXT))
        lettered_hold(source, out);
    int rc = lettered_make(source->next, BATCH, is_typed, &out->array, err);
    source->next += BATCH;
    tow_position_set_int(&out->position, source->next);
    return rc;
}

static const struct tow_option lettered_options[] = {TOW_OPTIONS_END};

static const struct tow_source_ops lettered_ops = {
    .size = sizeof lettered_ops,
    .open = lettered_open,
    .schema = lettered_schema,
    .read = lettered_read,
    .types = lettered_types,
};

static const struct tow_plugin lettered = {
    TOW_PLUGIN_HEAD,
    .name = "lettered",
    .version = "1",
    .summary = "numbers as text",
    .instance_size = sizeof(struct lettered),
    .options = lettered_options,
    .source = &lettered_ops,
};

/* ---- runs ----------------------------------------------------------------------------------- */

static const struct tow_column_spec number = {
    .name = "n", .from = "t", .has_type = 1, .type = {TOW_TYPE_INT64, 0, 0}};

static void start(enum bug bug, int64_t every)
{
    static struct tow_column_spec columns[1];

    memset(&plan, 0, sizeof plan);
    plan.bug = bug;
    plan.every = every;
    columns[0] = number;
    fixture->assembly.source = &lettered;
    fixture->job.columns = columns;
    fixture->job.column_count = 1;
    fixture->job.has_columns = 1;
}

/* All that was held is let go, and the rows are there. */
static void test_typed_batches_arrive(void **state)
{
    (void)state;
    start(NONE, 1);
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 1000, 0, 0, 0);
    published_is(1000, everyone);
    assert_int_equal(plan.asked, 1);
    assert_int_equal(plan.wishes, 1);
    assert_int_equal(plan.typed, 10);
    assert_int_equal(plan.let_go, plan.held);
    assert_int_equal(plan.texts, 0);
}

static void test_typed_and_text_take_turns(void **state)
{
    (void)state;
    start(NONE, 2);
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 1000, 0, 0, 0);
    published_is(1000, everyone);
    assert_int_equal(plan.typed, 5);
    assert_int_equal(plan.let_go, 5);
}

static void test_a_source_without_an_answer_hands_out_text(void **state)
{
    (void)state;
    start(NULL_ANSWER, 1);
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
    assert_int_equal(plan.asked, 1);
    assert_int_equal(plan.typed, 0);
}

/* Reject lines show the source's columns and texts, whichever way a batch came. */
static void test_rows_the_sink_refuses_are_kept_as_text(void **state)
{
    char *lines;
    size_t length;

    (void)state;
    start(NONE, 2);
    toy_sink_plan.refuse = 13;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 923, 77, 0, 0);
    published_is(1000, not_thirteenth);
    FILE *file = fopen(fixture->report.reject_path, "r");
    assert_non_null(file);
    lines = calloc(1, 100000);
    length = fread(lines, 1, 99999, file);
    fclose(file);
    assert_true(length > 0);
    for (int64_t n = 0; n < ROWS; n += 13) {
        char row[64];

        snprintf(row, sizeof row, "{\"t\":\"%05lld\",\"u\":\"unused\"}", (long long)n);
        if (!strstr(lines, row))
            fail_msg("%s is not among the rejects", row);
    }
    free(lines);
    assert_int_equal(plan.texts, 5); /* once for each of the typed batches */
    assert_int_equal(plan.let_go, plan.held);
}

static void test_a_trial_cuts_typed_batches_too(void **state)
{
    (void)state;
    start(NONE, 1);
    toy_sink_plan.refuse = 13;
    fixture->options.limit = 130;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(130, 120, 10, 0, 0);
    assert_int_equal(lines_in(fixture->report.reject_path), 11);
    assert_int_equal(plan.let_go, plan.held);
}

static void test_results_want_text(void **state)
{
    (void)state;
    start(NONE, 1);
    run_with_results();
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(plan.asked, 0);
    assert_int_equal(plan.typed, 0);
}

/* ---- sources that break a rule -------------------------------------------------------------- */

static void breaks(enum bug bug, int64_t every, const char *says)
{
    start(bug, every);
    if (bug == CUT_TEXT)
        toy_sink_plan.refuse = 100;
    assert_int_equal(run(), TOW_EXIT_INTERNAL);
    assert_says(fixture->report.error, says);
    assert_int_equal(plan.let_go, plan.held);
}

static void test_an_answer_of_another_type(void **state)
{
    (void)state;
    breaks(OTHER_TYPE, 1,
           "source lettered: types: the answer has int32 \"t\" where string \"t\" or the type");
}

static void test_a_typed_batch_that_nobody_asked_for(void **state)
{
    (void)state;
    breaks(UNASKED, 1, "source lettered: read: a typed batch, but no types were agreed on");
}

static void test_a_typed_batch_without_its_text(void **state)
{
    (void)state;
    breaks(NO_TEXT, 1, "source lettered: read: a typed batch without its text");
}

static void test_a_batch_of_text_that_holds_something(void **state)
{
    (void)state;
    breaks(HOLDS_TEXT, 0, "source lettered: read: something is held for a batch of text");
}

static void test_text_of_fewer_rows(void **state)
{
    (void)state;
    breaks(CUT_TEXT, 1, "as_text: 99 rows as text where the batch has 100");
}

static void test_types_that_fail_fail_the_run(void **state)
{
    (void)state;
    start(FAILS, 1);
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_says(fixture->report.error, "source lettered: types fails as told");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(test_typed_batches_arrive),
        RUN_TEST(test_typed_and_text_take_turns),
        RUN_TEST(test_a_source_without_an_answer_hands_out_text),
        RUN_TEST(test_rows_the_sink_refuses_are_kept_as_text),
        RUN_TEST(test_a_trial_cuts_typed_batches_too),
        RUN_TEST(test_results_want_text),
        RUN_TEST(test_an_answer_of_another_type),
        RUN_TEST(test_a_typed_batch_that_nobody_asked_for),
        RUN_TEST(test_a_typed_batch_without_its_text),
        RUN_TEST(test_a_batch_of_text_that_holds_something),
        RUN_TEST(test_text_of_fewer_rows),
        RUN_TEST(test_types_that_fail_fail_the_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
