/* Typed batches of the csv plugin: wishes of every type over random files, hostile ones among them,
 * in windows and batches of every size. What they must hold is checked by csv_fixture.c. */
#include <pthread.h>

#include "csv_fixture.h"
#include "plugins/csv/source.h"
#include "random.h"
#include "unit.h"

tow_plugin_entry csv_LTX_tow_plugin_entry;

#define COLUMNS  10
#define TEXT_MAX 60000

static const char *const null_texts[] = {"NULL", "n/a", "0"};

/* One for each column, save those that are left out. */
static const struct tow_wish all_wishes[COLUMNS] = {
    {.size = sizeof(struct tow_wish), .column = 0, .type = "int64"},
    {.size = sizeof(struct tow_wish), .column = 1, .type = "string"},
    {.size = sizeof(struct tow_wish), .column = 2, .type = "float64"},
    {.size = sizeof(struct tow_wish), .column = 3, .type = "timestamp"},
    {.size = sizeof(struct tow_wish), .column = 4, .type = "date"},
    {.size = sizeof(struct tow_wish), .column = 5, .type = "bool"},
    {.size = sizeof(struct tow_wish),
     .column = 6,
     .type = "int16",
     .flags = TOW_WISH_TRIM,
     .null_if = {null_texts, 3}},
    {.size = sizeof(struct tow_wish), .column = 7, .type = "decimal(12,3)"},
    {.size = sizeof(struct tow_wish), .column = 8, .type = "uint64", .null_if = {null_texts, 2}},
    {.size = sizeof(struct tow_wish),
     .column = 9,
     .type = "timestamp_ntz",
     .format = "%d.%m.%Y %H:%M"},
};

struct file {
    char text[TEXT_MAX + 4096];
    size_t length;
};

static size_t put_value(uint64_t *seed, char *p, size_t column)
{
    static const char *const shorts[] = {"7", " 12 ", "NULL", "n/a", "-32768", "0", "\t5"};

    switch (column) {
    case 0:
        return (size_t)sprintf(p, "%lld", (long long)random_any_width(seed));
    case 1:
        return (size_t)sprintf(p, "text %d \xC3\xA4", (int)random_below(seed, 100));
    case 2:
        return (size_t)sprintf(p, "%.*f", (int)random_below(seed, 7),
                               (double)random_below(seed, 1000000) / 997 - 300);
    case 3:
        return (size_t)sprintf(p, "2024-%02d-%02dT%02d:00:00.%03dZ",
                               (int)random_below(seed, 12) + 1, (int)random_below(seed, 28) + 1,
                               (int)random_below(seed, 24), (int)random_below(seed, 1000));
    case 4:
        return (size_t)sprintf(p, "2023-%02d-%02d", (int)random_below(seed, 12) + 1,
                               (int)random_below(seed, 28) + 1);
    case 5:
        return (size_t)sprintf(p, "%s", random_below(seed, 2) ? "true" : "False");
    case 6:
        return (size_t)sprintf(p, "%s", shorts[random_below(seed, 7)]);
    case 7:
        return (size_t)sprintf(p, "%d.%02d", (int)random_below(seed, 100000),
                               (int)random_below(seed, 100));
    case 8:
        return (size_t)sprintf(p, "%llu", (unsigned long long)random_next(seed));
    default:
        return (size_t)sprintf(p, "%02d.%02d.20%02d %02d:30", (int)random_below(seed, 28) + 1,
                               (int)random_below(seed, 12) + 1, (int)random_below(seed, 90) + 10,
                               (int)random_below(seed, 24));
    }
}

/* What may go wrong with one field in `odds`; with 0 none of it does. */
static size_t put_field(uint64_t *seed, char *p, size_t column, uint64_t odds)
{
    static const char *const strange[] = {"x",  "\"\"",   "\"a\"\"b\"", "\"1\n2\"", "9e9999",
                                          "\"", "\"1\"2", "\xFF",       "--1",      "2024-02-30"};
    char value[64];
    size_t length;

    if (odds && random_below(seed, odds) == 0)
        return (size_t)sprintf(p, "%s", strange[random_below(seed, 10)]);
    if (random_below(seed, 12) == 0)
        return 0;
    length = put_value(seed, value, column);
    value[length] = '\0';
    return (size_t)sprintf(p, random_below(seed, 9) ? "%s" : "\"%s\"", value);
}

static void make_file(uint64_t *seed, struct file *file, uint64_t odds, int comments)
{
    size_t rows = random_below(seed, 4) ? random_below(seed, 300) : 700;
    char *p = file->text;

    for (size_t row = 0; row < rows && p < file->text + TEXT_MAX; row++) {
        for (size_t column = 0; column < COLUMNS; column++) {
            p += put_field(seed, p, column, odds);
            *p++ = ',';
        }
        if (odds && random_below(seed, odds) == 0)
            p--; /* one field too few */
        p[-1] = '\n';
        if (random_below(seed, 50) == 0)
            p += sprintf(p, comments ? "\n#a comment, \"and more\n\r\n" : "\n\r\n");
    }
    if (p > file->text && random_below(seed, 4) == 0)
        p--;
    file->length = (size_t)(p - file->text);
}

/* A part of the columns, in the order of the file. */
static size_t pick_wishes(uint64_t *seed, struct tow_wish *wishes)
{
    uint64_t mask = random_below(seed, 3) ? ~UINT64_C(0) : random_next(seed) | 1;
    size_t count = 0;

    for (size_t i = 0; i < COLUMNS; i++)
        if (mask >> i & 1)
            wishes[count++] = all_wishes[i];
    if (random_below(seed, 8) == 0)
        wishes[random_below(seed, count)].flags |= TOW_WISH_REQUIRED;
    return count;
}

static void read_and_compare(struct file *file, const char *const *settings, uint64_t *seed,
                             int may_be_text, size_t *typed)
{
    struct tow_wish wishes[COLUMNS];
    size_t count = pick_wishes(seed, wishes);
    size_t window = random_below(seed, 3) ? 1 + random_below(seed, 300) : 0;
    struct fake_host fake;
    struct csv_run text, run;

    fake_host_init(&fake);
    fake.host.batch_rows = random_below(seed, 3) ? 1 + (uint32_t)random_below(seed, 200) : 8192;
    fake.host.batch_bytes = random_below(seed, 3) ? 1 << 20 : 1 + random_below(seed, 4000);
    scratch_write(settings[1], file->text, file->length);
    csv_run_whole(&text, &fake, settings, window);
    csv_run_init(&run, &fake, settings, random_below(seed, 2) ? window : 0);
    ((struct tow_csv_source *)run.self)->level = random_below(seed, 2) ? "scalar" : NULL;
    run.wishes = wishes;
    run.wish_count = count;
    run.may_be_text = may_be_text;
    struct tow_error err = TOW_ERROR_INIT;
    assert_ok(csv_run_open(&run, NULL, &err), err);
    if (csv_run_read_all(&run, &err) != TOW_END)
        fail_msg("%s", err.message);
    assert_int_equal(run.rows.size, text.rows.size);
    assert_true(text.rows.size == 0 || memcmp(run.rows.data, text.rows.data, text.rows.size) == 0);
    assert_int_equal(run.rejects.size, text.rejects.size);
    assert_true(text.rejects.size == 0 ||
                memcmp(run.rejects.data, text.rejects.data, text.rejects.size) == 0);
    if (window == 0)
        assert_int_equal(run.batches, text.batches);
    *typed += run.typed_batches;
    csv_run_release(&run);
    csv_run_release(&text);
    fake_host_release(&fake);
}

static const char *const plain[] = {
    "path", NULL, "header", "false", "columns", "a,b,c,d,e,f,g,h,i,j", "comment", "#", NULL};

static void run_files(void **state, const char *const *settings, uint64_t odds, int may_be_text,
                      size_t *typed)
{
    struct file *file = malloc(sizeof *file);
    const char *list[32];
    uint64_t seed = RANDOM_SEED + odds;
    size_t n = 0;

    assert_non_null(file);
    for (; settings[n] || n == 1; n++)
        list[n] = settings[n];
    list[n] = NULL;
    list[1] = csv_path(*state, "in.csv");
    for (int i = 0; i < 400; i++) {
        make_file(&seed, file, odds, may_be_text);
        read_and_compare(file, list, &seed, may_be_text, typed);
    }
    free(file);
}

static void test_values_that_convert_come_typed(void **state)
{
    size_t typed = 0;

    run_files(state, plain, 0, 0, &typed);
    assert_true(typed > 1000);
}

static void test_batches_with_a_bad_value_or_row_come_as_text(void **state)
{
    size_t typed = 0;

    run_files(state, plain, 300, 0, &typed);
    assert_true(typed > 100);
    run_files(state, plain, 3000, 0, &typed);
}

static void test_padded_and_repaired_rows_come_as_text(void **state)
{
    static const char *const settings[] = {"path",
                                           NULL,
                                           "header",
                                           "false",
                                           "columns",
                                           "a,b,c,d,e,f,g,h,i,j",
                                           "comment",
                                           "#",
                                           "column_count",
                                           "pad",
                                           "invalid_utf8",
                                           "replace",
                                           "null_values",
                                           ",NULL,n/a",
                                           NULL};
    size_t typed = 0;

    run_files(state, settings, 500, 1, &typed);
    assert_true(typed > 100);
}

static void test_other_dialects_come_typed_too(void **state)
{
    static const char *const settings[] = {
        "path",    NULL, "header",      "false", "columns", "a,b,c,d,e,f,g,h,i,j", "escape", "\\",
        "comment", "#",  "null_values", "n/a",   NULL};
    size_t typed = 0;

    run_files(state, settings, 800, 0, &typed);
    assert_true(typed > 100);
}

/* Quotes that a value could begin with: what is between them counts. */
static void test_quotes_that_look_like_values(void **state)
{
    static const struct {
        const char *quote, *text;
        struct tow_wish wish;
        int64_t value;
    } cases[] = {
        {"5", "5125\n", {.size = sizeof(struct tow_wish), .type = "int64"}, 12},
        {"-", "-12-\n", {.size = sizeof(struct tow_wish), .type = "int64"}, 12},
        {"t", "tfalset\n", {.size = sizeof(struct tow_wish), .type = "bool"}, 0},
        {"'",
         "'1971'\n",
         {.size = sizeof(struct tow_wish), .type = "timestamp", .format = "%Y"},
         INT64_C(31536000000000)},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const settings[] = {"path",    csv_path(*state, "in.csv"),
                                        "header",  "false",
                                        "columns", "a",
                                        "quote",   cases[i].quote,
                                        NULL};
        struct tow_batch batch = {.size = sizeof batch, .position.size = sizeof batch.position};
        struct tow_error err = TOW_ERROR_INIT;
        struct fake_host fake;
        struct tow_view view;
        struct csv_run run;

        csv_write(*state, "in.csv", cases[i].text);
        fake_host_init(&fake);
        csv_run_init(&run, &fake, settings, 0);
        run.wishes = &cases[i].wish;
        run.wish_count = 1;
        assert_ok(csv_run_open(&run, NULL, &err), err);
        assert_ok(csv_LTX_tow_plugin_entry()->source->read(run.self, &batch, &err), err);
        assert_true(batch.flags & TOW_BATCH_TYPED);
        tow_view_init(&view, &run.typed, &batch.array, 0);
        assert_int_equal(view.type.id == TOW_TYPE_BOOL ? tow_view_bool(&view, 0)
                                                       : ((const int64_t *)view.values)[0],
                         cases[i].value);
        batch.let_go(batch.held);
        batch.array.release(&batch.array);
        batch.lines.release(&batch.lines);
        csv_run_release(&run);
        fake_host_release(&fake);
    }
}

/* Nothing to gain: the source keeps out of it. */
static void test_wishes_for_all_columns_as_text_have_no_answer(void **state)
{
    const struct tow_wish wishes[] = {
        {.size = sizeof(struct tow_wish), .column = 0, .type = "string"},
        {.size = sizeof(struct tow_wish), .column = 1, .type = "binary"}};
    const char *const settings[] = {"path", csv_path(*state, "in.csv"), NULL};
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;
    struct csv_run run;

    csv_write(*state, "in.csv", "a,b\n1,2\n");
    fake_host_init(&fake);
    csv_run_init(&run, &fake, settings, 0);
    run.wishes = wishes;
    run.wish_count = 2;
    assert_ok(csv_run_open(&run, NULL, &err), err);
    assert_null(run.typed.release);
    csv_run_close(&run);
    run.wish_count = 1;
    assert_ok(csv_run_open(&run, NULL, &err), err);
    assert_int_equal(run.typed.n_children, 1);
    assert_int_equal(csv_run_read_all(&run, &err), TOW_END);
    assert_int_equal(run.typed_batches, 1);
    assert_text(&run.rows, "2 [1] [2]\n");
    csv_run_release(&run);
    fake_host_release(&fake);
}

static void test_a_dialect_that_trims_is_left_to_the_core(void **state)
{
    const char *const settings[] = {"path", csv_path(*state, "in.csv"), "trim", "true", NULL};
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;
    struct csv_run run;

    csv_write(*state, "in.csv", "a,b\n1,2\n");
    fake_host_init(&fake);
    csv_run_init(&run, &fake, settings, 0);
    run.wishes = all_wishes;
    run.wish_count = 1;
    assert_ok(csv_run_open(&run, NULL, &err), err);
    assert_null(run.typed.release);
    csv_run_release(&run);
    fake_host_release(&fake);
}

/* Files may have their columns in different orders; each batch's text is read by its own. */
static void test_text_of_files_with_other_orders_of_columns(void **state)
{
    const struct tow_wish wishes[] = {
        {.size = sizeof(struct tow_wish), .column = 0, .type = "int32"},
        {.size = sizeof(struct tow_wish), .column = 1, .type = "date"}};
    const char *const settings[] = {"path", csv_path(*state, ""), NULL};
    struct tow_batch first = {.size = sizeof first, .position.size = sizeof first.position};
    struct tow_error err = TOW_ERROR_INIT;
    struct ArrowArray text;
    struct tow_view view;
    struct fake_host fake;
    struct csv_run run;
    size_t length;

    csv_write(*state, "a.csv", "a,b\n1,2024-01-01\n");
    csv_write(*state, "b.csv", "b,a\n2024-01-02,2\n");
    fake_host_init(&fake);
    csv_run_init(&run, &fake, settings, 0);
    run.wishes = wishes;
    run.wish_count = 2;
    assert_ok(csv_run_open(&run, NULL, &err), err);
    assert_ok(csv_LTX_tow_plugin_entry()->source->read(run.self, &first, &err), err);
    assert_true(first.flags & TOW_BATCH_TYPED);
    assert_int_equal(csv_run_read_all(&run, &err), TOW_END);
    assert_text(&run.rows, "2 [2] [2024-01-02]\n");
    assert_ok(first.as_text(first.held, &text, &err), err);
    tow_view_init(&view, &run.schema, &text, 0);
    assert_memory_equal(tow_view_bytes(&view, 0, &length), "1", 1);
    text.release(&text);
    first.let_go(first.held);
    first.array.release(&first.array);
    first.lines.release(&first.lines);
    csv_run_release(&run);
    fake_host_release(&fake);
}

/* ---- other threads -------------------------------------------------------------------------- */

#define HANDED 64

/* Batches on their way to the thread that makes text of them. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct tow_batch batches[HANDED];
    size_t put, taken;
    int is_over;
    int64_t rows, failures;
} handed = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};

static int handed_take(struct tow_batch *out)
{
    int is_there;

    pthread_mutex_lock(&handed.lock);
    while (handed.put == handed.taken && !handed.is_over)
        pthread_cond_wait(&handed.moved, &handed.lock);
    is_there = handed.put > handed.taken;
    if (is_there)
        *out = handed.batches[handed.taken++ % HANDED];
    pthread_cond_signal(&handed.moved);
    pthread_mutex_unlock(&handed.lock);
    return is_there;
}

static void handed_put(const struct tow_batch *batch)
{
    pthread_mutex_lock(&handed.lock);
    while (handed.put - handed.taken == HANDED)
        pthread_cond_wait(&handed.moved, &handed.lock);
    handed.batches[handed.put++ % HANDED] = *batch;
    pthread_cond_signal(&handed.moved);
    pthread_mutex_unlock(&handed.lock);
}

static void *make_text(void *unused)
{
    struct tow_batch batch;

    (void)unused;
    while (handed_take(&batch)) {
        struct tow_error err = TOW_ERROR_INIT;
        struct ArrowArray text;

        if (batch.held && batch.as_text(batch.held, &text, &err) == TOW_OK) {
            handed.failures += text.length != batch.array.length;
            handed.rows += text.length;
            text.release(&text);
        } else {
            handed.failures++;
        }
        if (batch.held)
            batch.let_go(batch.held);
        batch.array.release(&batch.array);
        if (batch.lines.release)
            batch.lines.release(&batch.lines);
    }
    return NULL;
}

static void test_text_is_made_by_another_thread_while_reading_goes_on(void **state)
{
    const struct tow_source_ops *ops = csv_LTX_tow_plugin_entry()->source;
    const char *settings[] = {"path",    csv_path(*state, "in.csv"), "header", "false",
                              "columns", "a,b,c,d,e,f,g,h,i,j",      NULL};
    struct tow_error err = TOW_ERROR_INIT;
    struct file *file = calloc(1, sizeof *file);
    uint64_t seed = RANDOM_SEED;
    struct fake_host fake;
    struct csv_run run;
    pthread_t thread;
    int64_t rows = 0;
    int code;

    assert_non_null(file);
    while (file->length < 20000)
        make_file(&seed, file, 0, 0);
    scratch_write(settings[1], file->text, file->length);
    fake_host_init(&fake);
    fake.host.batch_rows = 7;
    csv_run_init(&run, &fake, settings, 500);
    run.wishes = all_wishes;
    run.wish_count = COLUMNS;
    assert_ok(csv_run_open(&run, NULL, &err), err);
    assert_int_equal(pthread_create(&thread, NULL, make_text, NULL), 0);
    for (;;) {
        struct tow_batch batch = {.size = sizeof batch, .position.size = sizeof batch.position};

        code = ops->read(run.self, &batch, &err);
        if (code != TOW_OK)
            break;
        rows += batch.array.length;
        handed_put(&batch);
    }
    pthread_mutex_lock(&handed.lock);
    handed.is_over = 1;
    pthread_cond_signal(&handed.moved);
    pthread_mutex_unlock(&handed.lock);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(code, TOW_END);
    assert_int_equal(handed.failures, 0);
    assert_int_equal(handed.rows, rows);
    assert_true(rows > 50);
    csv_run_release(&run);
    fake_host_release(&fake);
    free(file);
}

#define CSV_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CSV_TEST(test_values_that_convert_come_typed),
        CSV_TEST(test_batches_with_a_bad_value_or_row_come_as_text),
        CSV_TEST(test_padded_and_repaired_rows_come_as_text),
        CSV_TEST(test_other_dialects_come_typed_too),
        CSV_TEST(test_quotes_that_look_like_values),
        CSV_TEST(test_wishes_for_all_columns_as_text_have_no_answer),
        CSV_TEST(test_a_dialect_that_trims_is_left_to_the_core),
        CSV_TEST(test_text_is_made_by_another_thread_while_reading_goes_on),
        CSV_TEST(test_text_of_files_with_other_orders_of_columns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
