#include "fake_lytics.h"

#include <zlib.h>

#include "connectors/lytics/upload.h"
#include "unit.h"

#define FAKE_BODY_MAX (4 << 20)

struct fake_lytics fake_lytics;

/* ---- the stream ----------------------------------------------------------------------------- */

static char *fake_copy(const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    assert_true(!text || copy);
    return copy;
}

void fake_lytics_reset(void)
{
    for (size_t i = 0; i < fake_lytics.taken_count; i++)
        free(fake_lytics.taken[i]);
    free(fake_lytics.taken);
    for (size_t i = 0; i < fake_lytics.upload_count; i++) {
        free(fake_lytics.uploads[i].filename);
        free(fake_lytics.uploads[i].timestamp_field);
        free(fake_lytics.uploads[i].append);
        free(fake_lytics.uploads[i].body);
    }
    fake_lytics = (struct fake_lytics){.taken = NULL};
}

size_t fake_lytics_has(const char *record)
{
    size_t count = 0;

    for (size_t i = 0; i < fake_lytics.taken_count; i++)
        count += strcmp(fake_lytics.taken[i], record) == 0;
    return count;
}

size_t fake_lytics_dry_runs(void)
{
    size_t count = 0;

    for (size_t i = 0; i < fake_lytics.upload_count; i++)
        count += (size_t)fake_lytics.uploads[i].is_dry_run;
    return count;
}

static void fake_take(const char *record, size_t length)
{
    fake_lytics.taken = realloc(fake_lytics.taken, (fake_lytics.taken_count + 1) * sizeof(char *));
    assert_non_null(fake_lytics.taken);
    fake_lytics.taken[fake_lytics.taken_count++] = strndup(record, length);
}

/* ---- bodies --------------------------------------------------------------------------------- */

static char *fake_inflate(const struct tow_lytics_upload *upload)
{
    char *text = malloc(FAKE_BODY_MAX);
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)upload->body,
                       .avail_in = (uInt)upload->length,
                       .next_out = (Bytef *)text,
                       .avail_out = FAKE_BODY_MAX - 1};

    assert_non_null(text);
    assert_int_equal(inflateInit2(&stream, 31), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    text[stream.total_out] = '\0';
    inflateEnd(&stream);
    return text;
}

static char *fake_body(const struct tow_lytics_upload *upload)
{
    char *text =
        upload->is_gzip ? fake_inflate(upload) : strndup(upload->body, (size_t)upload->length);

    assert_non_null(text);
    return text;
}

/* The end of the record at p, which a test writes without line ends in it. */
static const char *fake_record_end(const char *p, int is_json)
{
    int depth = 0;

    if (!is_json)
        return strchr(p, '\n');
    for (; *p; p++) {
        depth += (*p == '{') - (*p == '}');
        if (depth == 0)
            return p + 1;
    }
    fail_msg("no end of an object");
    return p;
}

/* Calls visit for each record until it returns 0. */
static void fake_each(const char *body, int is_json,
                      int (*visit)(void *context, const char *record, size_t length), void *context)
{
    const char *p = is_json ? body + 1 : strchr(body, '\n') + 1;

    while (*p) {
        const char *end = fake_record_end(p, is_json);

        assert_non_null(end);
        if (!visit(context, p, (size_t)(end - p)))
            return;
        assert_true(is_json ? *end == ',' || strcmp(end, "]") == 0 : *end == '\n');
        p = end + 1;
    }
}

struct fake_judge {
    int takes;   /* 1: records that are well go into the stream */
    int goes_on; /* 1: behind one at fault */
    size_t well, bad, all;
};

static int fake_look(void *context, const char *record, size_t length)
{
    struct fake_judge *judge = context;

    judge->all++;
    if (memmem(record, length, "bad", 3)) {
        judge->bad++;
        return judge->goes_on;
    }
    judge->well++;
    if (judge->takes)
        fake_take(record, length);
    return 1;
}

/* ---- the connector -------------------------------------------------------------------------- */

static void fake_note(const struct tow_lytics_upload *upload, char *body)
{
    struct fake_lytics_upload *noted = &fake_lytics.uploads[fake_lytics.upload_count++];
    struct fake_judge judge = {.goes_on = 1};

    assert_true(fake_lytics.upload_count < sizeof fake_lytics.uploads / sizeof *noted);
    fake_each(body, upload->is_json, fake_look, &judge);
    *noted = (struct fake_lytics_upload){.filename = fake_copy(upload->filename),
                                         .timestamp_field = fake_copy(upload->timestamp_field),
                                         .append = fake_copy(upload->append),
                                         .body = body,
                                         .records = judge.all,
                                         .is_dry_run = upload->is_dry_run};
}

static int fake_answer(const struct tow_lytics_upload *upload, const char *body,
                       struct tow_lytics_receipt *receipt, struct tow_error *err)
{
    const int is_blind = upload->is_dry_run && fake_lytics.looks_are_blind;
    struct fake_judge judge = {.takes = !upload->is_dry_run,
                               .goes_on = upload->drops_errors || is_blind};

    fake_each(body, upload->is_json, fake_look, &judge);
    if (is_blind) {
        judge.well = judge.all;
        judge.bad = 0;
    }
    if (judge.bad > 0 && fake_lytics.fault == FAKE_LYTICS_STOPS && !upload->drops_errors)
        return tow_error_set(err, TOW_E_CONFIG, "HTTP 400: record %zu is at fault", judge.all);
    *receipt = (struct tow_lytics_receipt){(int64_t)judge.well, 0};
    if (fake_lytics.fault != FAKE_LYTICS_SHORT)
        receipt->rejected_count = (int64_t)judge.bad;
    if (!upload->is_dry_run)
        receipt->message_count -= fake_lytics.says_less;
    if (fake_lytics.says_nothing)
        receipt->message_count = receipt->rejected_count = -1;
    return TOW_OK;
}

static int fake_upload(const struct tow_lytics_upload *upload, struct tow_lytics_receipt *receipt,
                       struct tow_error *err)
{
    char *body = fake_body(upload);
    int code;

    assert_string_equal(upload->stream, "people");
    *receipt = (struct tow_lytics_receipt){-1, -1};
    fake_note(upload, body);
    if (fake_lytics.body_max && strlen(body) > fake_lytics.body_max)
        return tow_error_set(err, TOW_E_DATA, "HTTP 413");
    if (fake_lytics.refuses)
        return tow_error_set(err, TOW_E_CONFIG, "%s", fake_lytics.refuses);
    if ((int)fake_lytics.upload_count == fake_lytics.damaged)
        return tow_error_set(err, TOW_E_CONFIG, "HTTP 400: the body is damaged");
    if ((int)fake_lytics.upload_count == fake_lytics.fail_upload && !fake_lytics.fails_after)
        return tow_error_set(err, TOW_E_TRANSIENT, "no answer");
    code = fake_answer(upload, body, receipt, err);
    if ((int)fake_lytics.upload_count == fake_lytics.fail_upload)
        return tow_error_set(err, TOW_E_TRANSIENT, "no answer");
    return code;
}

int tow_lytics_upload(struct tow_lytics *lytics, const struct tow_lytics_upload *upload,
                      struct tow_lytics_receipt *receipt, struct tow_error *err)
{
    int code;

    (void)lytics;
    if (fake_lytics.pauses)
        fake_lytics.pauses(1);
    code = fake_upload(upload, receipt, err);
    if (fake_lytics.pauses)
        fake_lytics.pauses(0);
    return code;
}
