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

int tow_lytics_scan_page(struct tow_lytics *lytics, const struct tow_lytics_scan *scan,
                         struct tow_lytics_answer *answer, struct tow_error *err)
{
    int epoch = 0, at = 0;

    (void)lytics;
    assert_string_equal(scan->segment, "a1");
    fake_audience.pages++;
    if (fake_audience.pages == fake_audience.expires_at)
        fake_audience.epoch++;
    answer->body.size = answer->next.size = 0;
    answer->is_stale = 0;
    if (fake_audience.pages == fake_audience.fails_at)
        return tow_error_set(err, TOW_E_TRANSIENT, "no answer");
    if (scan->start)
        assert_int_equal(sscanf(scan->start, "%d/%d", &epoch, &at), 2);
    answer->is_stale = scan->start && epoch != fake_audience.epoch;
    if (answer->is_stale)
        return tow_error_set(err, TOW_E_TRANSIENT, "the token is old");
    return fake_page(scan, at, answer, err);
}
