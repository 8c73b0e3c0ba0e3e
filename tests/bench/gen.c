/*
 * gen - a fixed generator of CSV for benches and tests: the same arguments give the same bytes on
 * every machine.
 *
 *   gen narrow|wide|audience ROWS [SEED] > file.csv
 *   gen events|payloads ROWS [SEED] > file.ndjson
 *
 * narrow: 8 columns, about 100 bytes a row. wide: 20 columns, about 250 bytes a row. audience: what
 * the sink ttd takes, 5 columns, about 90 bytes a row. In narrow and wide, one row in twenty has a
 * quoted note with commas, doubled quotes and newlines; some values are null. events: page views
 * and purchases of a web site as an export has them, about 550 bytes a line, in three streams;
 * payloads: the same without what the export put around them.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gen {
    uint64_t state; /* of the random numbers */
    uint64_t row;
    char *p; /* where the next byte goes */
};

/* splitmix64 */
static uint64_t gen_random(struct gen *gen)
{
    uint64_t z = gen->state += 0x9E3779B97F4A7C15u;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static uint32_t gen_below(struct gen *gen, uint32_t limit)
{
    return (uint32_t)((gen_random(gen) >> 32) * limit >> 32);
}

static void gen_text(struct gen *gen, const char *text)
{
    gen->p = stpcpy(gen->p, text);
}

static void gen_print(struct gen *gen, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void gen_print(struct gen *gen, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    gen->p += vsprintf(gen->p, format, args);
    va_end(args);
}

static void gen_hex(struct gen *gen, int digits)
{
    while (digits-- > 0)
        *gen->p++ = "0123456789abcdef"[gen_below(gen, 16)];
}

static const char *gen_word(struct gen *gen)
{
    static const char *const words[] = {"auto",   "travel", "sports", "home",   "garden", "music",
                                        "luxury", "family", "news",   "retail", "winter", "beauty",
                                        "pets",   "movies", "gaming", "food"};

    return words[gen_below(gen, 16)];
}

/* ---- columns -------------------------------------------------------------------------------- */

static void column_id(struct gen *gen)
{
    gen_print(gen, "%llu", (unsigned long long)(1000000000 + gen->row * 7 + gen_below(gen, 7)));
}

static void column_uuid(struct gen *gen)
{
    static const int groups[] = {8, 4, 4, 4, 12};

    for (int i = 0; i < 5; i++) {
        if (i)
            *gen->p++ = '-';
        gen_hex(gen, groups[i]);
    }
}

static void column_id_type(struct gen *gen)
{
    gen_text(gen, gen_below(gen, 10) < 7 ? "TDID" : "DAID");
}

static void column_hash(struct gen *gen)
{
    if (gen_below(gen, 50))
        gen_hex(gen, 64);
}

/* From days since 0000-03-01 to a date, by the usual era arithmetic. */
static void gen_date(struct gen *gen, uint32_t days)
{
    uint32_t z = days + 719468, era = z / 146097, doe = z % 146097;
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    uint32_t month = mp < 10 ? mp + 3 : mp - 9;

    gen_print(gen, "%04u-%02u-%02u", yoe + era * 400 + (month <= 2), month,
              doy - (153 * mp + 2) / 5 + 1);
}

static void column_date(struct gen *gen)
{
    gen_date(gen, 20000 + gen_below(gen, 400));
}

static void gen_clock(struct gen *gen)
{
    uint32_t second = gen_below(gen, 86400);

    gen_date(gen, 20000 + (uint32_t)(gen->row / 50000 % 365));
    gen_print(gen, "T%02u:%02u:%02u", second / 3600, second / 60 % 60, second % 60);
}

static void column_time(struct gen *gen)
{
    gen_clock(gen);
    gen_text(gen, "Z");
}

static void column_time_ms(struct gen *gen)
{
    gen_clock(gen);
    gen_print(gen, ".%03uZ", gen_below(gen, 1000));
}

static void column_segment(struct gen *gen)
{
    gen_text(gen, gen_word(gen));
    *gen->p++ = '_';
    gen_text(gen, gen_word(gen));
    gen_print(gen, "_%04u", gen_below(gen, 2000));
}

static void column_ttl(struct gen *gen)
{
    static const int usual[] = {1440, 10080, 20160, 43200, 129600};

    gen_print(gen, "%d",
              gen_below(gen, 5) ? usual[gen_below(gen, 5)] : (int)gen_below(gen, 129600));
}

static void column_amount(struct gen *gen)
{
    gen_print(gen, "%u.%02u", gen_below(gen, 900), gen_below(gen, 100));
}

static void column_score(struct gen *gen)
{
    if (gen_below(gen, 33))
        gen_print(gen, "%s%u.%06u", gen_below(gen, 5) ? "" : "-", gen_below(gen, 800),
                  gen_below(gen, 1000000));
}

static void column_quantity(struct gen *gen)
{
    gen_print(gen, "%d", (int)gen_below(gen, 500) - 20);
}

static void column_flag(struct gen *gen)
{
    gen_text(gen, gen_below(gen, 10) < 7 ? "true" : "false");
}

static void column_code(struct gen *gen)
{
    *gen->p++ = (char)('A' + gen_below(gen, 26));
    *gen->p++ = (char)('A' + gen_below(gen, 26));
    gen_print(gen, "%03u", gen_below(gen, 1000));
}

static void gen_quoted_note(struct gen *gen)
{
    static const char *const between[] = {", ", " \"\"", "\"\" ", "\n", " "};

    *gen->p++ = '"';
    gen_text(gen, gen_word(gen));
    for (uint32_t n = 2 + gen_below(gen, 4); n > 0; n--) {
        gen_text(gen, between[gen_below(gen, 5)]);
        gen_text(gen, gen_word(gen));
    }
    gen_text(gen, ", end\"");
}

static void column_note(struct gen *gen)
{
    uint32_t kind = gen_below(gen, 100);

    if (kind < 5)
        gen_quoted_note(gen);
    else if (kind < 55)
        for (uint32_t n = 1 + gen_below(gen, 4); n > 0; n--) {
            gen_text(gen, gen_word(gen));
            if (n > 1)
                *gen->p++ = ' ';
        }
}

struct column {
    const char *name;
    void (*write)(struct gen *gen);
};

static const struct column narrow[] = {
    {"id", column_id},       {"ts", column_time_ms},      {"amount", column_amount},
    {"score", column_score}, {"segment", column_segment}, {"active", column_flag},
    {"day", column_date},    {"note", column_note},       {NULL, NULL},
};

static const struct column wide[] = {
    {"id", column_id},
    {"uid", column_uuid},
    {"email_sha256", column_hash},
    {"segment", column_segment},
    {"ttl", column_ttl},
    {"event_ts", column_time},
    {"day", column_date},
    {"value", column_amount},
    {"active", column_flag},
    {"note", column_note},
    {"code", column_code},
    {"quantity", column_quantity},
    {"score", column_score},
    {"updated_ts", column_time_ms},
    {"source", column_segment},
    {"opt_out", column_flag},
    {"total", column_amount},
    {"region", column_code},
    {"weight", column_score},
    {"last_day", column_date},
    {NULL, NULL},
};

static const struct column audience[] = {
    {"id_type", column_id_type},      {"id_value", column_uuid},
    {"segment_name", column_segment}, {"timestamp_utc", column_time},
    {"ttl_in_minutes", column_ttl},   {NULL, NULL},
};

/* ---- events --------------------------------------------------------------------------------- */

static void gen_url(struct gen *gen)
{
    gen_print(gen, "https://www.example.com/%s/%s-%s-%u", gen_word(gen), gen_word(gen),
              gen_word(gen), gen_below(gen, 5000));
}

static void gen_payload(struct gen *gen)
{
    static const char *const agents[] = {
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.4"};

    gen_text(gen, "{\"_e\":\"pv\",\"_uid\":\"");
    column_uuid(gen);
    gen_text(gen, "\",\"url\":\"");
    gen_url(gen);
    gen_text(gen, "\",\"_ref\":\"");
    gen_url(gen);
    gen_print(gen, "\",\"title\":\"%s, \\\"%s\\\" and %s\",\"_ua\":\"%s\"", gen_word(gen),
              gen_word(gen), gen_word(gen), agents[gen_below(gen, 3)]);
    gen_print(gen, ",\"_sz\":\"%ux%u\",\"_nmob\":\"%s\",\"_v\":\"3.0.%u\",\"tags\":[\"%s\",\"%s\"]",
              1024 + 64 * gen_below(gen, 24), 768 + 64 * gen_below(gen, 10),
              gen_below(gen, 2) ? "t" : "f", gen_below(gen, 30), gen_word(gen), gen_word(gen));
    if (gen_below(gen, 10) == 0)
        gen_print(gen, ",\"order\":{\"total\":%u.%02u,\"items\":[{\"sku\":\"%u\",\"qty\":%u}]}",
                  gen_below(gen, 900), gen_below(gen, 100), gen_below(gen, 100000),
                  1 + gen_below(gen, 4));
    gen_print(gen, ",\"_ts\":%llu}",
              (unsigned long long)(1767225600000 + gen->row * 37 + gen_below(gen, 37)));
}

static void line_payload(struct gen *gen)
{
    gen_payload(gen);
    *gen->p++ = '\n';
}

static void line_event(struct gen *gen)
{
    static const char *const streams[] = {"default", "web", "mobile_app"};

    gen_print(gen, "{\"id\":\"%llu\",\"ly_event_ts\":\"",
              (unsigned long long)(UINT64_C(7076027172059065053) + gen->row * 4099));
    column_time_ms(gen);
    gen_text(gen, "\",\"ly_receive_ts\":\"");
    column_time_ms(gen);
    gen_print(gen, "\",\"stream\":\"%s\",\"data\":", streams[gen_below(gen, 3)]);
    gen_payload(gen);
    gen_text(gen, "}\n");
}

static const struct {
    const char *name;
    const struct column *columns;
} kinds[] = {{"narrow", narrow}, {"wide", wide}, {"audience", audience}};

static const struct column *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return kinds[i].columns;
    return NULL;
}

static void (*find_line(const char *name))(struct gen *gen)
{
    if (strcmp(name, "events") == 0)
        return line_event;
    return strcmp(name, "payloads") == 0 ? line_payload : NULL;
}

int main(int argc, char **argv)
{
    static char line[4096], buffer[1 << 20];
    struct gen gen = {.state = 1};

    const struct column *columns = argc < 3 ? NULL : find_kind(argv[1]);
    void (*whole)(struct gen *) = argc < 3 ? NULL : find_line(argv[1]);

    if (!columns && !whole) {
        fprintf(stderr, "usage: gen narrow|wide|audience|events|payloads ROWS [SEED]\n");
        return 2;
    }
    uint64_t rows = strtoull(argv[2], NULL, 10);
    if (argc > 3)
        gen.state = strtoull(argv[3], NULL, 10);
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    for (const struct column *c = columns; c && c->name; c++)
        printf("%s%c", c->name, c[1].name ? ',' : '\n');
    for (gen.row = 0; gen.row < rows; gen.row++) {
        gen.p = line;
        if (whole)
            whole(&gen);
        for (const struct column *c = columns; c && c->name; c++) {
            c->write(&gen);
            *gen.p++ = c[1].name ? ',' : '\n';
        }
        fwrite(line, 1, (size_t)(gen.p - line), stdout);
    }
    return fflush(stdout) || ferror(stdout) ? 3 : 0;
}
