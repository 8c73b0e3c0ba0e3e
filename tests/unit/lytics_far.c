#include "lytics_far.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "towpath/value.h"
#include "unit.h"

double lytics_far_value(int64_t at_us)
{
    return (double)(at_us / INT64_C(60000000) % 100000) + 0.25;
}

void lytics_far_event(struct lytics_far *far, int number, int64_t at_us)
{
    struct fake_event *event = &far->events[far->event_count++];

    assert_true(far->event_count <= FAKE_EVENTS_MAX);
    event->at_us = at_us;
    snprintf(event->id, sizeof event->id, "e%d", number);
}

/* ---- requests -------------------------------------------------------------------------------- */

/* An argument of the query, of which %3A alone is decoded. "" where it is not there. */
static void far_argument(const char *target, const char *name, char value[64])
{
    char mark[32];
    const char *at;
    size_t length = 0;

    for (int i = 0; i < 2; i++) {
        snprintf(mark, sizeof mark, "%c%s=", i ? '&' : '?', name);
        at = strstr(target, mark);
        if (at)
            break;
    }
    for (at = at ? at + strlen(mark) : ""; *at && *at != '&' && length < 63; at++) {
        int is_colon = strncmp(at, "%3A", 3) == 0;

        value[length++] = is_colon ? ':' : *at;
        at += is_colon ? 2 : 0;
    }
    value[length] = '\0';
}

static int64_t far_time(const char *text)
{
    int64_t us = 0;
    int zone;

    assert_int_equal(tow_parse_timestamp(text, strlen(text), &us, &zone), TOW_PARSE_OK);
    return us;
}

static const char *far_keep(struct lytics_far *far, char *text)
{
    assert_non_null(text);
    assert_true(far->text_count < (int)(sizeof far->texts / sizeof *far->texts));
    far->texts[far->text_count++] = text;
    return text;
}

/* ---- events ---------------------------------------------------------------------------------- */

static int event_compare(const void *left, const void *right)
{
    const struct fake_event *a = left, *b = right;

    if (a->at_us != b->at_us)
        return a->at_us < b->at_us ? -1 : 1;
    return strcmp(a->id, b->id);
}

/* Those within the bounds, in the order of the answer. */
static int event_find(struct lytics_far *far, const char *target, struct fake_event *found)
{
    char after[64], before[64];
    int64_t least, most;
    int count = 0;

    far_argument(target, "after", after);
    far_argument(target, "before", before);
    least = far_time(after) + !far->has_bounds_in;
    most = far_time(before) - !far->has_bounds_in;
    qsort(far->events, (size_t)far->event_count, sizeof *far->events, event_compare);
    for (int i = 0; i < far->event_count; i++) {
        int at = far->is_ascending ? i : far->event_count - 1 - i;

        if (far->events[at].at_us >= least && far->events[at].at_us <= most)
            found[count++] = far->events[at];
    }
    return count;
}

static const char *event_page(struct lytics_far *far, const char *target)
{
    struct fake_event *found = calloc(FAKE_EVENTS_MAX, sizeof *found);
    int count = event_find(far, target, found), start, limit;
    char text[64], *body = NULL;
    size_t size;
    FILE *out = open_memstream(&body, &size);

    far_argument(target, "start", text);
    start = atoi(text);
    if (start > far->deepest)
        far->deepest = start;
    far_argument(target, "limit", text);
    limit = atoi(text);
    if (far->page_max && far->page_max < limit)
        limit = far->page_max;
    fprintf(out, "{\"status\":200,\"data\":[");
    for (int i = start; i < count && i < start + limit; i++) {
        *tow_put_timestamp(text, found[i].at_us, 1) = '\0';
        fprintf(out, "%s{\"id\":\"%s\",\"timestamp\":\"%s\",\"aid\":7}", i > start ? "," : "",
                found[i].id, text);
    }
    fprintf(out, "]");
    if (!far->keeps_silent)
        fprintf(out, ",\"_meta\":{\"has_more\":%s}", start + limit < count ? "true" : "false");
    fprintf(out, "}");
    fclose(out);
    free(found);
    return far_keep(far, body);
}

/* ---- metrics --------------------------------------------------------------------------------- */

static void metric_values(FILE *out, const json_t *wanted)
{
    int64_t start = far_time(json_string_value(json_object_get(wanted, "start_date")));
    int64_t end = far_time(json_string_value(json_object_get(wanted, "end_date")));
    const char *interval = json_string_value(json_object_get(wanted, "interval"));
    int64_t unit = strchr(interval, 'd') ? 86400 : strchr(interval, 'h') ? 3600 : 60;
    int64_t step = strtoll(interval, NULL, 10) * unit * 1000000;

    fprintf(out, "\"values\":[");
    for (int64_t at = start - start % step; at <= end; at += step) /* also the one at the end */
        fprintf(out, "%s{\"ts\":\"%" PRId64 "\",\"value\":%g}",
                at > start - start % step ? "," : "", at / 1000, lytics_far_value(at));
    fprintf(out, "]");
}

static const char *metric_answer(struct lytics_far *far, const struct http_seen *seen)
{
    json_t *wanted = json_loadb(seen->body, seen->length, 0, NULL), *one;
    char *body = NULL;
    size_t size, i;
    FILE *out = open_memstream(&body, &size);

    assert_non_null(wanted);
    far->metric_requests++;
    far->metric_ids += (int)json_array_size(wanted);
    fprintf(out, "{\"status\":200,\"data\":[");
    json_array_foreach(wanted, i, one)
    {
        const char *id = json_string_value(json_object_get(one, "dimension_id"));

        fprintf(out, "%s{\"dimension_id\":\"%s\",", i ? "," : "", id);
        if (far->broken && strcmp(far->broken, id) == 0)
            fprintf(out, "\"errors\":[\"it broke\"]");
        else
            metric_values(out, one);
        fprintf(out, "}");
    }
    fprintf(out, "]}");
    fclose(out);
    json_decref(wanted);
    return far_keep(far, body);
}

static const char *stream_names(struct lytics_far *far)
{
    char *body = NULL;
    size_t size;
    FILE *out = open_memstream(&body, &size);

    fprintf(out, "{\"status\":200,\"data\":[");
    for (int i = 0; i < far->id_count; i++)
        fprintf(out, "%s\"%s\"", i ? "," : "", far->ids[i]);
    fprintf(out, "]}");
    fclose(out);
    return far_keep(far, body);
}

/* ---- the server ------------------------------------------------------------------------------ */

static void far_handle(void *context, const struct http_seen *seen, struct http_reply *reply)
{
    struct lytics_far *far = context;

    far->requests++;
    *reply = (struct http_reply){.status = 404, .body = "{\"status\":404}"};
    if (far->before)
        far->before(far, far->requests);
    if (far->requests == far->fails_at)
        *reply = (struct http_reply){.status = 503, .body = "{\"status\":503}"};
    else if (strncmp(seen->target, "/v2/event?", 10) == 0)
        *reply =
            (struct http_reply){.body = far->answer ? far->answer : event_page(far, seen->target)};
    else if (strcmp(seen->target, "/v2/metric") == 0)
        *reply = (struct http_reply){.body = far->answer ? far->answer : metric_answer(far, seen)};
    else if (strcmp(seen->target, "/v2/stream/names") == 0)
        *reply = (struct http_reply){.body = stream_names(far)};
    else if (strcmp(seen->target, "/api/account") == 0)
        *reply = (struct http_reply){.body = "{\"data\":[{\"id\":\"a\",\"aid\":1234}]}"};
}

void lytics_far_start(struct lytics_far *far)
{
    const struct http_server_options options = {.handle = far_handle, .context = far};

    far->server = http_server_new(&options);
}

void lytics_far_stop(struct lytics_far *far)
{
    http_server_free(far->server);
    for (int i = 0; i < far->text_count; i++)
        free(far->texts[i]);
    far->text_count = 0;
}
