/*
 * The source `lytics_audience`: the members of an audience of Lytics, a row a profile, by the scan
 * of the API.
 *
 * A scan is led from page to page by tokens that do not last, and is no snapshot. Where a token is
 * refused, the scan begins anew, and what was handed out is skipped: which profiles that were is
 * known by their hashes (seen.h), also to the run that goes on with a load. With `splits` the
 * audience is scanned in parts, some at once, and only a part is read again (part.h).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/lytics_audience/options.h"
#include "plugins/lytics_audience/part.h"
#include "plugins/lytics_audience/profile.h"
#include "plugins/lytics_audience/seen.h"

#define MEMBERS_SEGMENTS "segments" /* the member, and column, of memberships */
#define MEMBERS_DAY_US   INT64_C(86400000000)
#define MEMBERS_WAIT_MS  1000 /* in one go, for any page */

struct members {
    struct tow_members_options options;
    const struct tow_host *host;
    struct tow_lytics *lytics;
    struct tow_lytics_segment segment;
    struct tow_member_columns columns;
    struct ArrowSchema schema;
    struct tow_builder *builder;
    struct tow_profile_maker maker;

    const char **asked; /* fields that are asked for; NULL: all */
    size_t asked_count;

    struct tow_member_part scans[TOW_MEMBERS_SCANS_MAX];
    char word[128];          /* the audience's id, as positions have it */
    int next;                /* the part that has not been begun */
    int64_t rows;            /* of the load, handed out or rejected */
    struct tow_buffer entry; /* of the batch at hand, for the ledger */
    char key[TOW_MEMBER_KEY_MAX];
    char origin[TOW_LYTICS_NAME_MAX + 32];
    int64_t repeats; /* profiles that were met more than once in this run */
};

static const struct tow_option members_options[] = {
    TOW_MEMBERS_OPTIONS(struct members, options),
    TOW_OPTIONS_END,
};

static int32_t members_check(void *self, const struct tow_host *host, struct tow_error *err)
{
    const struct members *members = self;

    (void)host;
    return tow_members_options_check(&members->options, err);
}

/* ---- getting ready -------------------------------------------------------------------------- */

static int members_find_audience(struct members *members, struct tow_error *err)
{
    struct tow_lytics_segment *segment = &members->segment;
    int code = tow_lytics_segment(members->lytics, members->options.audience, segment, err);

    if (code != TOW_OK)
        return code;
    if (segment->is_invalid)
        return tow_error_set(err, TOW_E_CONFIG,
                             "audience %.200s is invalid: Lytics cannot tell who is in it",
                             members->options.audience);
    if (segment->size >= 0)
        tow_log(members->host, TOW_LOG_INFO,
                "audience %s (%s) has %" PRId64 " members by Lytics' last count", segment->slug,
                segment->id, segment->size);
    snprintf(members->word, sizeof members->word, "%.*s", (int)sizeof members->word - 1,
             segment->id);
    snprintf(members->origin, sizeof members->origin, "/api/segment/%s/scan", segment->id);
    return TOW_OK;
}

static int members_add_field(void *context, const struct tow_lytics_field *field,
                             struct tow_error *err)
{
    struct members *members = context;

    return tow_member_columns_add(&members->columns, field->name, field->kind, err);
}

static void members_log_names(const struct members *members)
{
    for (size_t i = 0; i < members->columns.count; i++) {
        const struct tow_member_column *column = &members->columns.items[i];

        if (strcmp(column->field, column->name) != 0)
            tow_log(members->host, TOW_LOG_INFO, "field \"%s\" is column \"%s\"", column->field,
                    column->name);
    }
}

/* The id is asked for, too, without becoming a column. */
static int members_ask_for(struct members *members, struct tow_error *err)
{
    const struct tow_strings *fields = &members->options.fields;

    if (fields->count == 0)
        return TOW_OK;
    members->asked = calloc(fields->count + 1, sizeof *members->asked);
    if (!members->asked)
        return tow_error_nomem(err);
    for (uint64_t i = 0; i < fields->count; i++)
        members->asked[members->asked_count++] = fields->items[i];
    for (uint64_t i = 0; i < fields->count; i++)
        if (strcmp(fields->items[i], members->options.id_field) == 0)
            return TOW_OK;
    if (members->options.id_field[0])
        members->asked[members->asked_count++] = members->options.id_field;
    return TOW_OK;
}

static int members_find_columns(struct members *members, struct tow_error *err)
{
    const int is_text = members->options.schema == TOW_MEMBERS_STRING;
    int code =
        tow_lytics_fields(members->lytics, members->segment.table, members_add_field, members, err);

    if (code == TOW_OK)
        code = tow_member_columns_pick(&members->columns, &members->options.fields, err);
    if (code == TOW_OK && members->options.memberships)
        code = tow_member_columns_add(&members->columns, MEMBERS_SEGMENTS, TOW_LYTICS_OTHER, err);
    if (code == TOW_OK)
        code = tow_member_columns_end(&members->columns, err);
    if (code == TOW_OK)
        code = tow_member_columns_schema(&members->columns, is_text, &members->schema, err);
    if (code == TOW_OK)
        code = members_ask_for(members, err);
    if (code != TOW_OK)
        return code;
    members_log_names(members);
    members->builder = tow_builder_new_schema(&members->schema, err);
    if (!members->builder)
        return err->code;
    members->maker.columns = &members->columns;
    members->maker.builder = members->builder;
    members->maker.is_text = is_text;
    members->maker.makes_bad_null = members->options.bad_values == TOW_MEMBERS_NULL;
    return tow_profile_maker_init(&members->maker, err);
}

static int members_compare(const struct members *members, const struct tow_members_position *at,
                           struct tow_error *err)
{
    const int parts = (int)members->options.parts;

    if (strcmp(at->segment, members->word) != 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "the unfinished load reads audience %s, now it is %s; go back, or "
                             "forget the load and start it anew",
                             at->segment, members->word);
    if (at->parts == parts)
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG,
                         "the unfinished load has splits = %d, now it is %d; go back, or forget "
                         "the load and start it anew",
                         at->parts, parts);
}

/* Goes on with a load, whose parts and audience must be what they were. */
static int members_continue(struct members *members, const struct tow_position *from,
                            struct tow_error *err)
{
    struct tow_members_position at;
    int code = tow_members_position_read(&at, from, err);

    if (code == TOW_OK)
        code = members_compare(members, &at, err);
    for (size_t i = 0; i < at.count && code == TOW_OK; i++)
        code = tow_member_part_continue(&members->scans[i], members->host, &at.places[i], err);
    members->next = at.next;
    members->rows = at.rows;
    return code;
}

static int32_t members_open(void *self, const struct tow_host *host,
                            const struct tow_position *from, struct tow_error *err)
{
    struct members *members = self;
    const struct tow_lytics_settings settings =
        tow_lytics_options_settings(&members->options.lytics, host->cancel_fd(host));
    int code = tow_members_options_check(&members->options, err);

    members->host = host;
    if (code == TOW_OK) {
        members->lytics = tow_lytics_new(&settings, err);
        code = members->lytics ? TOW_OK : err->code;
    }
    if (code == TOW_OK)
        code = members_find_audience(members, err);
    if (code == TOW_OK)
        code = members_find_columns(members, err);
    if (code == TOW_OK && from->length > 0)
        code = members_continue(members, from, err);
    return code;
}

static int32_t members_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    const struct members *members = self;

    return tow_schema_copy(out, &members->schema, err);
}

/* yyyymmdd, in UTC. */
static void members_put_day(const struct tow_host *host, char day[TOW_DATE_TEXT_MAX + 1])
{
    int year, month, date;

    tow_date_to_civil((int32_t)(host->now_us(host) / MEMBERS_DAY_US), &year, &month, &date);
    snprintf(day, TOW_DATE_TEXT_MAX + 1, "%04d%02d%02d", year % 10000, month, date);
}

static int32_t members_name(void *self, const char *name, tow_text_put *put, void *context,
                            struct tow_error *err)
{
    const struct members *members = self;
    const char *word =
        strcmp(name, "audience_slug") == 0 ? members->segment.slug : members->segment.id;
    char day[TOW_DATE_TEXT_MAX + 1];

    (void)err;
    if (strcmp(name, "date") == 0) {
        members_put_day(members->host, day);
        word = day;
    }
    return put(context, word, strlen(word));
}

/* ---- scans ---------------------------------------------------------------------------------- */

static int members_is_enough(const struct members *members)
{
    const int64_t limit = members->options.size_limit;

    return limit > 0 && members->rows >= limit;
}

/* Parts are begun as long as fewer than `parallel` are under way: how many are. */
static int members_fill_scans(struct members *members)
{
    int count = 0;

    for (size_t i = 0; i < TOW_MEMBERS_SCANS_MAX; i++)
        count += members->scans[i].is_active;
    for (size_t i = 0; i < TOW_MEMBERS_SCANS_MAX; i++) {
        if (count >= members->options.parallel || members->next >= members->options.parts)
            break;
        if (members->scans[i].is_active)
            continue;
        tow_member_part_begin(&members->scans[i], members->next++);
        count++;
    }
    return count;
}

/* Asks for the pages of all scans that have none. */
static int members_ask(struct members *members, struct tow_error *err)
{
    const struct tow_members_options *options = &members->options;
    const struct tow_lytics_scan scan = {
        .segment = members->segment.id,
        .limit = (int)options->limit,
        .fields = members->asked,
        .field_count = members->asked_count,
        .sort_field = options->sort_field,
        .is_descending = options->is_descending,
        .with_segments = options->memberships,
    };
    int code = TOW_OK;

    for (size_t i = 0; i < TOW_MEMBERS_SCANS_MAX && code == TOW_OK; i++)
        if (members->scans[i].is_active)
            code = tow_member_part_ask(&members->scans[i], members->lytics, &scan,
                                       (int)options->parts, err);
    return code;
}

/* A scan whose page is there, or has come; NULL where there is none. */
static struct tow_member_part *members_ready(struct members *members)
{
    for (size_t i = 0; i < TOW_MEMBERS_SCANS_MAX; i++)
        if (members->scans[i].is_active && members->scans[i].has_page)
            return &members->scans[i];
    for (size_t i = 0; i < TOW_MEMBERS_SCANS_MAX; i++)
        if (members->scans[i].pending && tow_lytics_ended(members->scans[i].pending))
            return &members->scans[i];
    return NULL;
}

/* Waits for any page. Each call has its time limit, so that one of them ends. */
static int members_wait(struct members *members, struct tow_member_part **ready,
                        struct tow_error *err)
{
    int code = members_ask(members, err);

    *ready = members_ready(members);
    while (code == TOW_OK && !*ready) {
        code = tow_lytics_wait(members->lytics, MEMBERS_WAIT_MS, err);
        *ready = members_ready(members);
    }
    if (code != TOW_OK || (*ready)->has_page)
        return code;
    code = tow_member_part_take(*ready, err);
    if (code != TOW_OK && (*ready)->page.is_stale)
        tow_log(members->host, TOW_LOG_WARN,
                "the scan's page token is not taken any more: the scan begins anew, and skips the "
                "%zu profiles that it has brought",
                (*ready)->seen.count);
    return code;
}

/* ---- profiles ------------------------------------------------------------------------------- */

/* What tells a profile from all others: its id, or where it has none, all of it. */
static struct tow_member_hash members_hash(const struct members *members,
                                           struct tow_json_part profile)
{
    const struct tow_json_part id = members->options.id_field[0]
                                        ? tow_lytics_member(profile, members->options.id_field)
                                        : (struct tow_json_part){NULL, 0};

    return id.length > 0 ? tow_member_hash_of(id.text, id.length)
                         : tow_member_hash_of(profile.text, profile.length);
}

static int members_reject(struct members *members, struct tow_json_part profile,
                          const struct tow_error *why, struct tow_error *err)
{
    const struct tow_source_reject row = {.size = sizeof row,
                                          .code = "bad_value",
                                          .message = why->message,
                                          .origin = members->origin,
                                          .offset = -1,
                                          .raw = profile.text,
                                          .raw_length = (uint32_t)profile.length};
    int code = members->host->reject(members->host, &row);

    return code == TOW_OK || code == TOW_END
               ? code
               : tow_error_set(err, code, "a profile could not be rejected");
}

/* TOW_END: rejects are piling up. */
static int members_take(struct members *members, struct tow_member_part *scan,
                        struct tow_error *err)
{
    const struct tow_json_part profile = scan->next;
    const struct tow_member_hash hash = members_hash(members, profile);
    struct tow_error why = TOW_ERROR_INIT;
    int is_new, code = tow_member_set_add(&scan->seen, hash, &is_new, err);

    if (code != TOW_OK || !is_new) {
        members->repeats += !is_new;
        return code;
    }
    code = tow_member_hash_put(&members->entry, hash, err);
    if (code != TOW_OK)
        return code;
    members->rows++;
    scan->news++;
    code = tow_profile_put(&members->maker, profile, &why);
    if (code == TOW_E_DATA)
        return members_reject(members, profile, &why, err);
    return code == TOW_OK ? TOW_OK : tow_error_set(err, code, "%s", why.message);
}

/* Profiles of the page, as many as a batch may have. *is_done: the page has no more. */
static int members_take_page(struct members *members, struct tow_member_part *scan, int *is_done,
                             struct tow_error *err)
{
    const struct tow_host *host = members->host;
    int is_full = 0, code = TOW_OK;

    while (code == TOW_OK && !is_full && scan->next.length > 0 && !members_is_enough(members)) {
        code = members_take(members, scan, err);
        if (code < TOW_OK)
            return code;
        tow_member_part_next(scan);
        is_full = tow_builder_full(members->builder, host->batch_rows, host->batch_bytes);
    }
    *is_done = scan->next.length == 0 || members_is_enough(members);
    return TOW_OK;
}

/* ---- batches -------------------------------------------------------------------------------- */

static int members_end(struct members *members, struct tow_batch *out, struct tow_error *err)
{
    if (members->rows == 0 && members->options.on_empty == TOW_MEMBERS_FAIL)
        return tow_error_set(err, TOW_E_ENV,
                             "audience %.200s has no members, and on_empty is \"fail\"",
                             members->options.audience);
    if (members->maker.bad_values > 0)
        tow_log(members->host, TOW_LOG_WARN,
                "%" PRId64 " values that are not of their field's type are null",
                members->maker.bad_values);
    if (members->repeats > 0)
        tow_log(members->host, TOW_LOG_INFO,
                "%" PRId64 " profiles came again while the audience was scanned, and were skipped",
                members->repeats);
    out->position.length = 0;
    return TOW_END;
}

/* What was handed out goes into the ledger with the checkpoint behind it. */
static int members_mark(struct members *members, struct tow_member_part *scan,
                        struct tow_batch *out, struct tow_error *err)
{
    int code = tow_buffer_append(&members->entry, "", 1, err);

    if (code != TOW_OK || members->entry.size == TOW_MEMBER_HASH_TEXT + 1)
        return code;
    tow_member_key(members->key, scan->number, scan->batch++);
    out->mark_key = members->key;
    out->mark_value = members->entry.data;
    return TOW_OK;
}

static int members_put_position(const struct members *members, struct tow_batch *out,
                                struct tow_error *err)
{
    struct tow_members_position at = {
        .parts = (int)members->options.parts, .next = members->next, .rows = members->rows};

    memcpy(at.segment, members->word, sizeof at.segment);
    for (size_t i = 0; i < TOW_MEMBERS_SCANS_MAX; i++) {
        const struct tow_member_part *scan = &members->scans[i];

        if (scan->is_active)
            at.places[at.count++] =
                (struct tow_members_place){scan->number, scan->token.data, scan->token.size};
    }
    return tow_members_position_put(&at, &out->position, err);
}

static int members_hand_out(struct members *members, struct tow_member_part *scan,
                            struct tow_batch *out, struct tow_error *err)
{
    int is_done = 0, code = tow_member_entry(&members->entry, members->host->load_id, err);

    if (code == TOW_OK)
        code = members_take_page(members, scan, &is_done, err);
    if (code == TOW_OK)
        code = members_mark(members, scan, out, err);
    if (code == TOW_OK && is_done)
        code = tow_member_part_step(scan, members_is_enough(members), err);
    if (code == TOW_OK)
        code = members_put_position(members, out, err);
    out->origin = members->origin;
    return code == TOW_OK ? tow_builder_finish(members->builder, &out->array, err) : code;
}

static int32_t members_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    struct members *members = self;
    struct tow_member_part *scan;
    int code;

    if (members_is_enough(members) || members_fill_scans(members) == 0)
        return members_end(members, out, err);
    code = members_wait(members, &scan, err);
    return code == TOW_OK ? members_hand_out(members, scan, out, err) : code;
}

static void members_close(void *self)
{
    struct members *members = self;

    for (size_t i = 0; i < TOW_MEMBERS_SCANS_MAX; i++)
        tow_member_part_release(&members->scans[i]);
    tow_lytics_free(members->lytics);
    tow_profile_maker_release(&members->maker);
    tow_builder_free(members->builder);
    if (members->schema.release)
        members->schema.release(&members->schema);
    tow_member_columns_release(&members->columns);
    tow_buffer_release(&members->entry);
    free(members->asked);
    *members = (struct members){.options = members->options};
}

TOW_SOURCE_PLUGIN(lytics_audience, "1.0", "the members of an audience of Lytics, a row a profile",
                  struct members, members_options, 0, members_check, members_open, members_schema,
                  members_read, members_close, .names = "audience_slug|audience_id|date",
                  .name = members_name)
