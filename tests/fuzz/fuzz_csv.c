/*
 * The csv plugin over any text: a variant of its index, or each, in windows and batches of every
 * size, gives the rows and rejects of the naive parser, a run that stops goes on without gap or
 * repeat, and typed batches hold what their text says (csv_fixture.c looks at each value).
 *
 * The first four bytes choose the dialect, the rules, the sizes and the variant; the rest is the
 * file.
 */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz_demand.h"
#include "plugins/csv/index.h"
#include "plugins/csv/source.h"
#include "tests/unit/csv_dialects.h"
#include "tests/unit/csv_fixture.h"
#include "tests/unit/naive_csv.h"

#define HEAD     4    /* bytes that choose */
#define TEXT_MAX 4000 /* the naive parser holds that many fields */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const null_texts[] = {"NULL", "0"};
static const char *const names[] = {"a", "a,b", "a,b,c", "a,b,c,d"};

/* One for each column, of four sets. */
#define WISH(...)                                    \
    {                                                \
        .size = sizeof(struct tow_wish), __VA_ARGS__ \
    }
static const struct tow_wish wishes[4][4] = {
    {WISH(.column = 0, .type = "int64"), WISH(.column = 1, .type = "float64"),
     WISH(.column = 2, .type = "timestamp"), WISH(.column = 3, .type = "date")},
    {WISH(.column = 0, .type = "timestamp_ntz", .format = "%d.%m.%Y %H:%M"),
     WISH(.column = 1, .type = "int16", .flags = TOW_WISH_TRIM, .null_if = {null_texts, 2}),
     WISH(.column = 2, .type = "uint64"), WISH(.column = 3, .type = "decimal(12,3)")},
    {WISH(.column = 0, .type = "bool"), WISH(.column = 1, .type = "float32"),
     WISH(.column = 2, .type = "uint8"), WISH(.column = 3, .type = "string")},
    {WISH(.column = 0, .type = "decimal(38,10)"), WISH(.column = 1, .type = "timestamp"),
     WISH(.column = 2, .type = "int32", .flags = TOW_WISH_REQUIRED),
     WISH(.column = 3, .type = "int8")},
};

struct trial {
    struct naive_csv naive;
    const char *settings[30];
    char path[64], nulls[16], row_bytes[24];
    size_t window;
    uint32_t batch_rows, batch_bytes;
    int wish_set, may_be_text;
    struct tow_buffer rows, rejects; /* as they must be */
};

static int one_byte(const char *text)
{
    return *text ? (unsigned char)*text : -1;
}

static void choose(struct trial *trial, const uint8_t *how)
{
    static const size_t windows[] = {1, 7, 63, 64, 65, 200, 1000, 4096};
    const struct csv_dialect *d = &csv_dialects[how[0] % CSV_DIALECTS];

    trial->naive = (struct naive_csv){
        .delimiter = d->delimiter,
        .quote = one_byte(d->quote),
        .escape = one_byte(d->escape),
        .comment = d->comment,
        .null_text = d->null_text,
        .trim = how[0] >> 4 & 1,
        .pad = how[0] >> 5 & 1,
        .replace = how[0] >> 6 & 1,
        .row_bytes = how[0] >> 7 ? 1 + how[2] % 90 : 100000,
        .columns = 1 + how[1] % 4,
    };
    trial->wish_set = how[1] >> 2 & 3;
    trial->window = windows[how[1] >> 4 & 7];
    trial->batch_rows = how[1] >> 7 ? 1 + how[2] % 9 : 8192;
    trial->batch_bytes = how[2] & 1 ? 1 + how[2] : 1 << 20;
    /* Batches may be text for what the wishes do not tell, too. */
    trial->may_be_text = trial->naive.pad || trial->naive.replace || *d->comment || d->null_text;
    snprintf(trial->row_bytes, sizeof trial->row_bytes, "%zu", trial->naive.row_bytes);
    if (d->null_text)
        snprintf(trial->nulls, sizeof trial->nulls, ",%s", d->null_text);
    const char *const settings[] = {"path",
                                    trial->path,
                                    "header",
                                    "false",
                                    "columns",
                                    names[trial->naive.columns - 1],
                                    "delimiter",
                                    d->delimiter,
                                    "quote",
                                    d->quote,
                                    "escape",
                                    d->escape,
                                    "comment",
                                    d->comment,
                                    "null_values",
                                    trial->nulls,
                                    "trim",
                                    trial->naive.trim ? "true" : "false",
                                    "column_count",
                                    trial->naive.pad ? "pad" : "strict",
                                    "invalid_utf8",
                                    trial->naive.replace ? "replace" : "reject",
                                    "max_row_bytes",
                                    trial->row_bytes,
                                    NULL};
    memcpy(trial->settings, settings, sizeof settings);
}

static void demand_same(const struct tow_buffer *got, size_t before, const struct tow_buffer *want,
                        const char *what)
{
    demand(before <= want->size && got->size == want->size - before, what);
    demand(got->size == 0 || memcmp(got->data, want->data + before, got->size) == 0, what);
}

static void begin(struct trial *trial, struct csv_run *run, struct fake_host *fake,
                  const struct tow_position *from)
{
    struct tow_error err = TOW_ERROR_INIT;

    if (csv_run_open(run, from, &err) != TOW_OK) {
        fprintf(stderr, "%s\n", err.message);
        demand(0, "it opens");
    }
    fake->host.batch_rows = trial->batch_rows;
    fake->host.batch_bytes = trial->batch_bytes;
}

/* All of it, and once more from where the first batch ends. */
static void try_text(struct trial *trial, struct fake_host *fake)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_position position;
    struct csv_run run, rest;
    size_t before;
    int code;

    csv_run_init(&run, fake, trial->settings, trial->window);
    begin(trial, &run, fake, NULL);
    code = csv_run_read(&run, &err);
    position = run.position;
    before = run.rows.size;
    while (code == TOW_OK)
        code = csv_run_read(&run, &err);
    demand(code == TOW_END, "an end");
    demand_same(&run.rows, 0, &trial->rows, "the rows of the naive parser");
    demand_same(&run.rejects, 0, &trial->rejects, "the rejects of the naive parser");
    if (run.batches > 0) {
        csv_run_init(&rest, fake, trial->settings, trial->window);
        begin(trial, &rest, fake, &position);
        demand(csv_run_read_all(&rest, &err) == TOW_END, "an end");
        demand_same(&rest.rows, before, &trial->rows, "the rows after resuming");
        csv_run_release(&rest);
    }
    csv_run_release(&run);
}

static void try_typed(struct trial *trial, struct fake_host *fake, const char *level)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct csv_run run;

    csv_run_init(&run, fake, trial->settings, trial->window);
    ((struct tow_csv_source *)run.self)->level = level;
    run.wishes = wishes[trial->wish_set];
    run.wish_count = trial->naive.columns;
    run.may_be_text = trial->may_be_text;
    begin(trial, &run, fake, NULL);
    demand(csv_run_read_all(&run, &err) == TOW_END, "an end");
    demand_same(&run.rows, 0, &trial->rows, "the text of typed rows");
    demand_same(&run.rejects, 0, &trial->rejects, "the rejects of typed rows");
    csv_run_release(&run);
}

static void try_levels(struct trial *trial, int how)
{
    static const char *const levels[] = {"scalar", "sse2", "avx2", "avx512"};
    struct fake_host fake;

    fake_host_init(&fake);
    for (int i = 0; i < 4; i++) {
        if ((how < 4 && how != i) || !tow_csv_index_choose(levels[i], NULL))
            continue;
        setenv("TOWPATH_CSV_INDEX", levels[i], 1);
        try_text(trial, &fake);
        if (i != 1) /* the converters know no such level */
            try_typed(trial, &fake, levels[i]);
    }
    fake_host_release(&fake);
}

/* 1 where the input takes the file for a compressed one, or leaves out a byte order mark, of which
 * the naive parser knows nothing. */
static int is_marked(const uint8_t *text, size_t length)
{
    static const char *const marks[] = {"\x1f\x8b", "\x28\xb5\x2f\xfd", "\xef\xbb\xbf"};

    for (int i = 0; i < 3; i++)
        if (length >= strlen(marks[i]) && memcmp(text, marks[i], strlen(marks[i])) == 0)
            return 1;
    /* A frame that readers of zstd skip: any of sixteen first bytes. */
    return length >= 4 && (text[0] & 0xF0) == 0x50 && memcmp(text + 1, "\x2a\x4d\x18", 3) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trial trial = {.window = 0};
    int file;

    if (size < HEAD || size - HEAD > TEXT_MAX || is_marked(data + HEAD, size - HEAD))
        return 0;
    file = memfd_create("csv", MFD_CLOEXEC);
    if (file < 0 || write(file, data + HEAD, size - HEAD) != (ssize_t)(size - HEAD))
        exit(99);
    snprintf(trial.path, sizeof trial.path, "/proc/self/fd/%d", file);
    choose(&trial, data);
    naive_csv_parse(&trial.naive, (const char *)data + HEAD, size - HEAD, &trial.rows,
                    &trial.rejects);
    try_levels(&trial, data[3] % 5);
    tow_buffer_release(&trial.rows);
    tow_buffer_release(&trial.rejects);
    close(file);
    return 0;
}
