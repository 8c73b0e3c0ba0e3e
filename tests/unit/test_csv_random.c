/* The csv plugin against the naive parser, over random hostile text in random dialects. */
#include "csv_dialects.h"
#include "csv_fixture.h"
#include "naive_csv.h"
#include "plugins/csv/index.h"
#include "random.h"
#include "unit.h"

#define TEXT_MAX 6000

/* Bytes that mean something, and a few that do not. */
static size_t make_text(uint64_t *seed, const struct csv_dialect *dialect, char *text, size_t most)
{
    static const char *const pieces[] = {"\n",    "\n", "\r\n", "\r", "\"",          "\"", "\"\"",
                                         "'",     "a",  "b",    "ab", "|",           ";",  ",",
                                         "\\",    "#",  " ",    "\t", "\xC3\xA9",    "x",  "yz",
                                         "\",\"", "z",  "\xFF", "",   "\xE2\x82\xAC"};
    size_t count = sizeof pieces / sizeof *pieces, length = 0;
    unsigned dense = (unsigned)random_below(seed, 8);
    size_t wanted = random_below(seed, most);

    while (length < wanted) {
        const char *piece = pieces[random_below(seed, count)];
        size_t size = strlen(piece);

        if (random_below(seed, 8) < 2) {
            piece = dialect->delimiter;
            size = strlen(piece);
        } else if (random_below(seed, 9) <= dense) {
            piece = &"word"[random_below(seed, 4)];
            size = strlen(piece);
        } else if (size == 0) {
            size = random_below(seed, 40) == 0; /* a NUL */
        } else if (*piece == '\xFF' && random_below(seed, 8)) {
            continue;
        }
        memcpy(text + length, piece, size);
        length += size;
    }
    return length;
}

/* Rows of the right shape, with a fault now and then: what the index mostly sees. */
static size_t make_rows(uint64_t *seed, const struct csv_dialect *dialect, size_t columns,
                        char *text, size_t most)
{
    size_t wanted = random_below(seed, most), length = 0;
    unsigned faults = (unsigned)random_below(seed, 3) * 40;

    while (length < wanted) {
        for (size_t i = 0; i < columns; i++) {
            static const char *const values[] = {
                "",           "a",         "value", "\"quoted\"",
                "\"a\"\"b\"", "\"x,\ny\"", "\"\"",  "long value of several words"};
            const char *value = values[random_below(seed, 8)];

            if (faults && random_below(seed, 200) < faults / 40)
                value = (const char *const[]){"5\"",  "\"a\"b", "\"",   " \"a\" ",
                                              "\xFF", "a\rb",   "\\\"", "\"a\\\"b\""}[random_below(
                    seed, 8)];
            length += (size_t)sprintf(text + length, "%s%s", i ? dialect->delimiter : "", value);
        }
        length += (size_t)sprintf(text + length, "%s", random_below(seed, 3) ? "\n" : "\r\n");
        if (random_below(seed, 30) == 0)
            length +=
                (size_t)sprintf(text + length, "%s", random_below(seed, 2) ? "\n" : "#,\"c\n");
    }
    return random_below(seed, 3) ? length : length - (length > 0);
}

struct trial {
    const struct csv_dialect *dialect;
    struct naive_csv naive;
    char text[TEXT_MAX + 200];
    size_t length;
    char row_bytes[24];
    size_t window;
    uint32_t batch_rows, batch_bytes;
    const char *index;
};

static int one_byte(const char *text)
{
    return *text ? (unsigned char)*text : -1;
}

static void make_trial(struct trial *trial, uint64_t *seed)
{
    static const char *const indexes[] = {"scalar", "sse2", "avx2", "avx512"};
    const struct csv_dialect *d = &csv_dialects[random_below(seed, CSV_DIALECTS)];
    size_t most = random_below(seed, 4) ? 300 : TEXT_MAX;

    trial->dialect = d;
    trial->naive = (struct naive_csv){
        .delimiter = d->delimiter,
        .quote = one_byte(d->quote),
        .escape = one_byte(d->escape),
        .comment = d->comment,
        .null_text = d->null_text,
        .trim = random_below(seed, 3) == 0,
        .pad = random_below(seed, 2) == 0,
        .replace = random_below(seed, 2) == 0,
        .columns = 1 + random_below(seed, 4),
        .row_bytes = random_below(seed, 2) ? 1 + random_below(seed, 120) : 100000,
    };
    trial->length = random_below(seed, 2)
                        ? make_text(seed, d, trial->text, most)
                        : make_rows(seed, d, trial->naive.columns, trial->text, most);
    snprintf(trial->row_bytes, sizeof trial->row_bytes, "%zu", trial->naive.row_bytes);
    trial->window = random_below(seed, 4) ? 1 + random_below(seed, 64) : 4096;
    trial->batch_rows = random_below(seed, 2) ? 1 + (uint32_t)random_below(seed, 9) : 8192;
    trial->batch_bytes = random_below(seed, 2) ? 1 + (uint32_t)random_below(seed, 300) : 1 << 20;
    do {
        trial->index = indexes[random_below(seed, 4)];
    } while (!tow_csv_index_choose(trial->index, NULL));
}

/* The line around the first byte that differs. */
static void print_around(const char *name, const struct tow_buffer *buffer, size_t at)
{
    size_t from = at;

    while (from > 0 && at - from < 200 && buffer->data[from - 1] != '\n')
        from--;
    print_error("%s: %.*s\n", name, (int)(buffer->size - from < 400 ? buffer->size - from : 400),
                buffer->size ? buffer->data + from : "");
}

static void assert_same(const struct trial *trial, const char *what, const struct tow_buffer *got,
                        const struct tow_buffer *expected)
{
    const struct naive_csv *n = &trial->naive;
    size_t at = 0;

    while (at < got->size && at < expected->size && got->data[at] == expected->data[at])
        at++;
    if (at == got->size && at == expected->size)
        return;
    print_around("got", got, at);
    print_around("expected", expected, at);
    scratch_write("test_csv_random.failed", trial->text, trial->length);
    fail_msg("%s: delimiter \"%s\" quote \"%s\" escape \"%s\" comment \"%s\" trim %d pad %d "
             "replace %d columns %zu max_row_bytes %zu window %zu index %s; the text is in "
             "test_csv_random.failed",
             what, n->delimiter, trial->dialect->quote, trial->dialect->escape, n->comment, n->trim,
             n->pad, n->replace, n->columns, n->row_bytes, trial->window, trial->index);
}

/* From the first position that a run gave, another one gives the same rest. */
static void resume_from(struct trial *trial, struct fake_host *fake, const char *const *settings,
                        const struct tow_position *position, size_t rows_before,
                        const struct tow_buffer *all)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer rest = {all->size ? all->data + rows_before : NULL, all->size - rows_before,
                              0};
    struct csv_run run;

    csv_run_init(&run, fake, settings, trial->window);
    assert_ok(csv_run_open(&run, position, &err), err);
    if (csv_run_read_all(&run, &err) != TOW_END)
        fail_msg("%s", err.message);
    assert_same(trial, "rows after resuming", &run.rows, &rest);
    csv_run_release(&run);
}

static void run_trial(struct trial *trial, const struct scratch *scratch)
{
    static const char *const names[] = {"a", "a,b", "a,b,c", "a,b,c,d"};
    const struct naive_csv *n = &trial->naive;
    char nulls[16] = "";
    const char *settings[] = {
        "path",
        csv_path(scratch, "in.csv"),
        "header",
        "false",
        "columns",
        names[n->columns - 1],
        "delimiter",
        n->delimiter,
        "quote",
        trial->dialect->quote,
        "escape",
        trial->dialect->escape,
        "comment",
        n->comment,
        "null_values",
        nulls,
        "trim",
        n->trim ? "true" : "false",
        "column_count",
        n->pad ? "pad" : "strict",
        "invalid_utf8",
        n->replace ? "replace" : "reject",
        "max_row_bytes",
        trial->row_bytes,
        NULL,
    };
    struct tow_buffer rows = {0}, rejects = {0};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_position position;
    struct fake_host fake;
    struct csv_run run;
    size_t before;
    int code;

    if (n->null_text)
        snprintf(nulls, sizeof nulls, ",%s", n->null_text);
    scratch_write(csv_path(scratch, "in.csv"), trial->text, trial->length);
    naive_csv_parse(n, trial->text, trial->length, &rows, &rejects);
    setenv("TOWPATH_CSV_INDEX", trial->index, 1);
    fake_host_init(&fake);
    fake.host.batch_rows = trial->batch_rows;
    fake.host.batch_bytes = trial->batch_bytes;
    csv_run_init(&run, &fake, settings, trial->window);
    assert_ok(csv_run_open(&run, NULL, &err), err);
    code = csv_run_read(&run, &err);
    position = run.position;
    before = run.rows.size;
    while (code == TOW_OK)
        code = csv_run_read(&run, &err);
    if (code != TOW_END)
        fail_msg("%s", err.message);
    assert_same(trial, "rows", &run.rows, &rows);
    assert_same(trial, "rejects", &run.rejects, &rejects);
    if (run.batches > 0)
        resume_from(trial, &fake, settings, &position, before, &rows);
    csv_run_release(&run);
    fake_host_release(&fake);
    tow_buffer_release(&rows);
    tow_buffer_release(&rejects);
}

static void test_random_text_parses_as_the_rules_say(void **state)
{
    const char *wanted = getenv("CSV_TRIALS");
    long trials = wanted ? atol(wanted) : 6000;
    struct trial *trial = malloc(sizeof *trial);
    uint64_t seed = RANDOM_SEED;

    assert_non_null(trial);
    for (long i = 0; i < trials; i++) {
        make_trial(trial, &seed);
        run_trial(trial, *state);
    }
    free(trial);
    unsetenv("TOWPATH_CSV_INDEX");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_random_text_parses_as_the_rules_say, scratch_setup,
                                        scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
