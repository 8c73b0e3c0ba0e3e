/*
 * Answers of the Lytics API, and what its sources make of them. The first byte chooses the status
 * and what is done with the rest: pages of system events, metrics, or a position out of the state.
 */
#include "connectors/lytics/client_priv.h"
#include "fuzz_demand.h"
#include "plugins/lytics_metrics/points.h"
#include "plugins/lytics_system_events/position.h"
#include "plugins/lytics_system_events/row.h"
#include "plugins/lytics_system_events/window.h"

#define SECRET "qzqzq"
#define FROM   INT64_C(1767225600000000) /* 2026-01-01 */
#define TO     (FROM + INT64_C(86400000000))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The answer to every call. */
static struct {
    int status, html;
    const uint8_t *body;
    size_t size;
} far;

/* ---- in place of client.c -------------------------------------------------------------------- */

int tow_lytics_put_segment(struct tow_buffer *path, const char *text, struct tow_error *err)
{
    return tow_buffer_append(path, text, strlen(text) + 1, err);
}

int tow_lytics_call(struct tow_lytics *lytics, const struct tow_lytics_call *call,
                    struct tow_lytics_answer *answer, struct tow_error *err)
{
    struct tow_http_response response = {.status = far.status, .retry_after_ms = -1};
    int code;

    tow_lytics_answer_release(answer);
    demand(tow_buffer_append(&response.body, far.body, far.size, NULL) == TOW_OK, "memory");
    demand(tow_buffer_append(&response.body, "", 1, NULL) == TOW_OK, "memory");
    response.body.size--;
    code = tow_lytics_judge(lytics, call, &response, answer, err);
    tow_http_response_release(&response);
    return code;
}

/* Pages at once are no part of this. */
struct tow_lytics_pending *tow_lytics_start(struct tow_lytics *lytics,
                                            const struct tow_lytics_call *call,
                                            struct tow_error *err)
{
    (void)lytics, (void)call, (void)err;
    abort();
}

int tow_lytics_finish(struct tow_lytics_pending *pending, struct tow_lytics_answer *answer,
                      struct tow_error *err)
{
    (void)pending, (void)answer, (void)err;
    abort();
}

/* ---- what must hold -------------------------------------------------------------------------- */

static void check_code(int code, const struct tow_error *err)
{
    if (code >= TOW_OK)
        return;
    demand(err->code == code, "the class in the error");
    demand_message(err);
    demand(!strstr(err->message, SECRET), "no secret in a message");
    demand(code != TOW_E_RATE || err->retry_after_ms >= 0, "a wait");
}

static void check_events(struct tow_lytics *lytics)
{
    const struct tow_lytics_events asked = {.limit = 100};
    struct tow_window window = {.count = 0};
    struct tow_error err = TOW_ERROR_INIT, row = TOW_ERROR_INIT;
    struct tow_builder *builder = tow_builder_new(tow_event_fields, TOW_EVENT_COLUMNS, &err);
    struct ArrowArray array = {.release = NULL};
    struct ArrowSchema schema;
    int code = tow_window_read(&window, lytics, &asked, FROM, TO, &err);

    check_code(code, &err);
    for (size_t i = 0; code == TOW_OK && i < window.count; i++) {
        const struct tow_window_event *event = &window.events[i];

        demand(event->at_us >= FROM && event->at_us < TO, "an event of the window");
        demand(i == 0 || event[-1].at_us < event->at_us ||
                   (event[-1].at_us == event->at_us && event[-1].hash < event->hash),
               "events in order, each once");
        if (!event->problem)
            check_code(tow_event_append(builder, TOW_EVENT_COLUMNS, tow_window_part(&window, event),
                                        event->at_us, &window.scratch, &row),
                       &row);
    }
    demand(tow_schema_make(&schema, tow_event_fields, TOW_EVENT_COLUMNS, &err) == TOW_OK, "memory");
    demand(tow_builder_finish(builder, &array, &err) == TOW_OK, "a batch");
    demand(tow_array_validate(&array, &schema, &err) == TOW_OK, "a sound batch");
    array.release(&array);
    schema.release(&schema);
    tow_builder_free(builder);
    tow_window_release(&window);
}

static void check_metrics(struct tow_lytics *lytics)
{
    const struct tow_lytics_metric metric = {.dimension = "a",
                                             .dimension_id = "b",
                                             .dimension_type = "c",
                                             .aggregation = "sum",
                                             .interval_ms = 3600000};
    struct tow_lytics_answer answer = {.total = -1};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_points points = {.count = 0};
    struct tow_json_scan scan;
    struct tow_json_part item;
    int code = tow_lytics_metrics(lytics, &metric, 1, &answer, &err);

    check_code(code, &err);
    demand(answer.next.size == 0 || answer.next.data[answer.next.size] == '\0', "a token's end");
    if (code == TOW_OK && answer.data.length > 0 && tow_json_scan_array(&scan, answer.data))
        while (tow_json_scan_item(&scan, &item)) {
            check_code(tow_points_read(&points, tow_lytics_member(item, "values"), FROM, TO, &err),
                       &err);
            for (size_t i = 0; i < points.count; i++)
                demand(points.items[i].at_us >= FROM && points.items[i].at_us < TO &&
                           (i == 0 || points.items[i - 1].at_us < points.items[i].at_us),
                       "points in order, each once");
        }
    tow_points_release(&points);
    tow_lytics_answer_release(&answer);
}

static void check_position(const uint8_t *data, size_t size)
{
    struct tow_position from = {.size = sizeof from}, again = {.size = sizeof again};
    struct tow_event_position position;
    struct tow_error err = TOW_ERROR_INIT;
    int code;

    if (size == 0 || size > TOW_POSITION_MAX)
        return;
    from.length = (uint32_t)size;
    memcpy(from.bytes, data, size);
    code = tow_event_position_read(&position, &from, &err);
    check_code(code, &err);
    if (code != TOW_OK)
        return;
    tow_event_position_write(&position, &again);
    demand(again.length == from.length && memcmp(again.bytes, from.bytes, size) == 0,
           "a position that is written as it was read");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 201, 302, 400, 401, 404, 413, 429, 500};
    static char url[] = "https://api.example.com", token[] = SECRET, none[] = "";
    struct tow_lytics lytics = {.api_url = url,
                                .bulk_url = url,
                                .token = token,
                                .account_id = none,
                                .timeout_ms = 1,
                                .rate_wait_ms = 1};
    const size_t known = sizeof statuses / sizeof *statuses;

    if (size == 0)
        return 0;
    far.status = statuses[data[0] % known];
    far.body = data + 1;
    far.size = size - 1;
    switch (data[0] / known % 3) {
    case 0:
        check_events(&lytics);
        break;
    case 1:
        check_metrics(&lytics);
        break;
    default:
        check_position(far.body, far.size);
    }
    return 0;
}
