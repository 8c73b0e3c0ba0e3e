#include "fake_audience.h"

#include <stdlib.h>

#include "connectors/lytics/catalog.h"
#include "connectors/lytics/query.h"
#include "unit.h"

struct fake_audience fake_audience;

int tow_lytics_segment(struct tow_lytics *lytics, const char *id_or_slug,
                       struct tow_lytics_segment *out, struct tow_error *err)
{
    (void)lytics;
    if (strcmp(id_or_slug, "vip") != 0)
        return tow_error_set(err, TOW_E_CONFIG, "there is no audience %s", id_or_slug);
    *out = (struct tow_lytics_segment){.id = "a1",
                                       .slug = "vip",
                                       .table = "user",
                                       .size = fake_audience.members,
                                       .is_invalid = fake_audience.is_invalid};
    return TOW_OK;
}

int tow_lytics_fields(struct tow_lytics *lytics, const char *table, tow_lytics_field_visit *visit,
                      void *context, struct tow_error *err)
{
    const struct tow_lytics_field fields[] = {{"_id", "string", TOW_LYTICS_TEXT, 1},
                                              {"n", "int", TOW_LYTICS_INT, 0}};
    int code = TOW_OK;

    (void)lytics;
    assert_string_equal(table, "user");
    for (size_t i = 0; i < 2 && code == TOW_OK; i++)
        code = visit(context, &fields[i], err);
    return code;
}

/* Whether a member is in a part: split n % 100. */
static int fake_is_in(const char *splits, int member)
{
    for (const char *p = splits; p && *p; p += strcspn(p, ","), p += *p == ',')
        if (atoi(p) == member % 100)
            return 1;
    return !splits;
}

static int fake_page(const struct tow_lytics_scan *scan, int at, struct tow_lytics_answer *answer,
                     struct tow_error *err)
{
    int count = 0, code = tow_buffer_append(&answer->body, "[", 1, err);

    for (; at < fake_audience.members && count < scan->limit && code == TOW_OK; at++) {
        const int member = (at + fake_audience.shift) % fake_audience.members;

        if (!fake_is_in(scan->splits, member))
            continue;
        code = tow_buffer_printf(&answer->body, err, "%s{\"_id\":\"u%d\",\"n\":%s%d}",
                                 count++ ? "," : "", member,
                                 member == fake_audience.bad_member ? "1.5" : "", member);
    }
    if (code == TOW_OK)
        code = tow_buffer_append(&answer->body, "]", 1, err);
    answer->data = (struct tow_json_part){answer->body.data, answer->body.size};
    if (code == TOW_OK && at < fake_audience.members)
        code = tow_buffer_printf(&answer->next, err, "%d/%d", fake_audience.epoch, at);
    return code;
}

/* ---- pages under way ------------------------------------------------------------------------ */

struct tow_lytics_pending {
    struct tow_lytics_scan scan;
    char start[32], splits[400];
    int due; /* the page is there once the clock says so */
};

struct tow_lytics_pending *tow_lytics_scan_start(struct tow_lytics *lytics,
                                                 const struct tow_lytics_scan *scan,
                                                 struct tow_error *err)
{
    struct tow_lytics_pending *pending = calloc(1, sizeof *pending);

    (void)lytics;
    if (!pending) {
        tow_error_nomem(err);
        return NULL;
    }
    assert_string_equal(scan->segment, "a1");
    pending->scan = *scan;
    if (scan->start)
        snprintf(pending->start, sizeof pending->start, "%s", scan->start);
    if (scan->splits)
        snprintf(pending->splits, sizeof pending->splits, "%s", scan->splits);
    pending->due = fake_audience.clock + 1 + fake_audience.begun++ * 7 % 5;
    return pending;
}

int tow_lytics_ended(const struct tow_lytics_pending *pending)
{
    return fake_audience.clock >= pending->due;
}

int tow_lytics_wait(struct tow_lytics *lytics, int timeout_ms, struct tow_error *err)
{
    (void)lytics;
    (void)timeout_ms;
    (void)err;
    fake_audience.clock++;
    return TOW_OK;
}

int tow_lytics_finish(struct tow_lytics_pending *pending, struct tow_lytics_answer *answer,
                      struct tow_error *err)
{
    assert_null(answer);
    (void)err;
    free(pending);
    return TOW_E_CANCELLED;
}

static int fake_answer(const struct tow_lytics_pending *pending, struct tow_lytics_answer *answer,
                       struct tow_error *err)
{
    struct tow_lytics_scan scan = pending->scan;
    int epoch = 0, at = 0;

    fake_audience.pages++;
    if (fake_audience.pages == fake_audience.expires_at)
        fake_audience.epoch++;
    answer->body.size = answer->next.size = 0;
    answer->is_stale = 0;
    if (fake_audience.pages == fake_audience.fails_at)
        return tow_error_set(err, TOW_E_TRANSIENT, "no answer");
    if (pending->start[0])
        assert_int_equal(sscanf(pending->start, "%d/%d", &epoch, &at), 2);
    answer->is_stale = pending->start[0] && epoch != fake_audience.epoch;
    if (answer->is_stale)
        return tow_error_set(err, TOW_E_TRANSIENT, "the token is old");
    scan.splits = pending->splits[0] ? pending->splits : NULL;
    return fake_page(&scan, at, answer, err);
}

int tow_lytics_scan_finish(struct tow_lytics_pending *pending, int is_continued,
                           struct tow_lytics_answer *answer, struct tow_error *err)
{
    int code = fake_answer(pending, answer, err);

    assert_int_equal(is_continued, pending->start[0] != '\0');
    free(pending);
    return code;
}
