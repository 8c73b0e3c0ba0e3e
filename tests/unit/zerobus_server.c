#include "zerobus_server.h"

#include <pthread.h>
#include <time.h>

#include "connectors/zerobus/proto.h"
#include "towpath/rowtext.h"
#include "unit.h"

struct zerobus_server {
    struct zerobus_server_options options;
    struct zerobus_step *steps;
    struct grpc_server *grpc;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t next; /* step */
    struct zerobus_totals totals;
    struct zerobus_seen *seen;
    struct tow_buffer stored; /* records that were acknowledged, each with a NUL */
    struct tow_buffer create;
    char token[200];
};

/* A stream on one connection. */
struct zerobus_line {
    int64_t expected;           /* offset */
    struct tow_buffer unstored; /* records of requests that are not acknowledged, as in `stored` */
    size_t *ends;               /* where those of each request end */
    size_t *counts;             /* and how many they are */
    int64_t acked;
    int is_over; /* ended here: what comes now is not looked at */
};

static struct zerobus_line *line_of(struct grpc_peer *peer)
{
    void **data = grpc_peer_data(peer);

    if (!*data)
        *data = calloc(1, sizeof(struct zerobus_line));
    assert_non_null(*data);
    return *data;
}

static void line_free(void *context, struct grpc_peer *peer)
{
    struct zerobus_line *line = *grpc_peer_data(peer);

    (void)context;
    if (!line)
        return;
    tow_buffer_release(&line->unstored);
    free(line->ends);
    free(line->counts);
    free(line);
}

/* ---- what it says ---------------------------------------------------------------------------- */

static void say_opened(void *context, struct grpc_peer *peer)
{
    (void)context;
    grpc_peer_reply(peer, "\x0a\x0a\x0a\x08stream-1", 12);
}

static void say_ack(struct grpc_peer *peer, int64_t offset)
{
    char message[32], *p;

    p = tow_proto_put_head(message, 2, 1 + tow_proto_varint_size((uint64_t)offset));
    *p++ = 8;
    p = tow_proto_put_varint(p, (uint64_t)offset);
    grpc_peer_reply(peer, message, (size_t)(p - message));
}

static void say_close(struct grpc_peer *peer, int64_t grace_ms)
{
    uint64_t seconds = (uint64_t)grace_ms / 1000, nanos = (uint64_t)grace_ms % 1000 * 1000000;
    size_t inside = 2 + tow_proto_varint_size(seconds) + tow_proto_varint_size(nanos);
    char message[40], *p;

    p = tow_proto_put_head(message, 3, inside + 2);
    p = tow_proto_put_head(p, 1, inside);
    *p++ = 8;
    p = tow_proto_put_varint(p, seconds);
    *p++ = 16;
    p = tow_proto_put_varint(p, nanos);
    grpc_peer_reply(peer, message, (size_t)(p - message));
}

static void store(struct zerobus_server *server, struct grpc_peer *peer, int64_t offset)
{
    struct zerobus_line *line = line_of(peer);
    size_t begin = line->acked ? line->ends[line->acked - 1] : 0;

    if (offset < line->acked || offset >= line->expected)
        return;
    assert_int_equal(tow_buffer_append(&server->stored, line->unstored.data + begin,
                                       line->ends[offset] - begin, NULL),
                     TOW_OK);
    for (; line->acked <= offset; line->acked++)
        server->totals.acked += line->counts[line->acked];
}

/* A step whose time has come. */
struct zerobus_due {
    struct zerobus_server *server;
    struct zerobus_step step;
};

static void end_badly(void *context, struct grpc_peer *peer)
{
    (void)context;
    grpc_peer_finish(peer, "13", "badly", GRPC_FINISH_RESET);
}

static void step_now(struct zerobus_server *server, struct grpc_peer *peer,
                     const struct zerobus_step *step)
{
    char code[8];

    switch (step->kind) {
    case ZEROBUS_OPEN:
        say_opened(server, peer);
        break;
    case ZEROBUS_ACK:
        pthread_mutex_lock(&server->lock);
        store(server, peer, step->value);
        pthread_mutex_unlock(&server->lock);
        say_ack(peer, step->value);
        break;
    case ZEROBUS_CLOSE:
        say_close(peer, step->value);
        break;
    case ZEROBUS_CLOSE_BADLY:
        say_close(peer, step->value);
        grpc_peer_later(peer, 50, end_badly, server);
        break;
    case ZEROBUS_END:
        (void)snprintf(code, sizeof code, "%d", (int)step->value);
        line_of(peer)->is_over = 1;
        grpc_peer_finish(peer, code, step->text ? step->text : "scripted", GRPC_FINISH_RESET);
        break;
    case ZEROBUS_SAY:
        grpc_peer_reply(peer, step->text, step->length);
        break;
    case ZEROBUS_DROP:
        grpc_peer_drop(peer, 0);
        break;
    case ZEROBUS_WIND_UP:
        grpc_peer_wind_up(peer, 1, 0, "scripted");
        break;
    }
}

static void step_due(void *context, struct grpc_peer *peer)
{
    struct zerobus_due *due = context;

    step_now(due->server, peer, &due->step);
}

/* Timers do not own their context: dues live as long as the script. */
static void step_take(struct zerobus_server *server, struct grpc_peer *peer, size_t index)
{
    const struct zerobus_step *step = &server->options.steps[index];
    struct zerobus_due *due = (struct zerobus_due *)(void *)(server->steps + server->options.count);

    if (step->delay_ms == 0) {
        step_now(server, peer, step);
        return;
    }
    due += index;
    *due = (struct zerobus_due){server, *step};
    grpc_peer_later(peer, step->delay_ms, step_due, due);
}

/* ---- what comes ------------------------------------------------------------------------------ */

static void count_opened(struct zerobus_server *server, const void *bytes, size_t length)
{
    pthread_mutex_lock(&server->lock);
    server->totals.opened++;
    server->create.size = 0;
    assert_int_equal(tow_buffer_append(&server->create, bytes, length, NULL), TOW_OK);
    pthread_mutex_unlock(&server->lock);
}

static int is_let_in(struct zerobus_server *server, struct grpc_peer *peer)
{
    const char *token = grpc_peer_header(peer, "authorization");
    int is_welcome;

    pthread_mutex_lock(&server->lock);
    is_welcome = !server->token[0] || (token && strcmp(token, server->token) == 0);
    pthread_mutex_unlock(&server->lock);
    return is_welcome;
}

static void on_create(struct zerobus_server *server, struct grpc_peer *peer, const void *bytes,
                      size_t length)
{
    size_t index = server->next;

    assert_non_null(grpc_peer_header(peer, "x-databricks-zerobus-table-name"));
    if (!is_let_in(server, peer)) {
        grpc_peer_finish(peer, "16", "who%20are%20you", GRPC_FINISH_RESET);
        return;
    }
    while (index < server->options.count && server->options.steps[index].kind != ZEROBUS_OPEN &&
           server->options.steps[index].kind != ZEROBUS_END &&
           server->options.steps[index].kind != ZEROBUS_SAY)
        index++;
    count_opened(server, bytes, length);
    server->next = index + 1;
    if (index < server->options.count)
        step_take(server, peer, index);
    else if (server->options.goes_on || server->options.count == 0)
        say_opened(server, peer);
}

static int is_poisoned(const struct zerobus_server *server, const struct tow_proto_field *record)
{
    const char *poison = server->options.poison;

    return poison && record->length &&
           memmem(record->bytes, record->length, poison, strlen(poison));
}

/* Takes in the records of a batch. Returns whether one is poisoned. */
static int keep_records(struct zerobus_server *server, struct zerobus_line *line,
                        struct zerobus_seen *seen, const struct tow_proto_field *batch)
{
    struct tow_proto_reader records = tow_proto_reader_of(batch->bytes, batch->length);
    struct tow_proto_field record;
    int is_bad = 0;

    while (tow_proto_next(&records, &record) == 1) {
        size_t shown = record.length < sizeof seen->first ? record.length : sizeof seen->first - 1;

        assert_int_equal(record.number, 1);
        if (seen->records++ == 0)
            memcpy(seen->first, record.bytes, shown);
        is_bad |= is_poisoned(server, &record);
        assert_int_equal(tow_buffer_append(&line->unstored, record.bytes, record.length, NULL), 0);
        assert_int_equal(tow_buffer_append(&line->unstored, "", 1, NULL), 0);
    }
    return is_bad;
}

static int read_batch(struct zerobus_server *server, struct grpc_peer *peer,
                      struct tow_proto_reader batch, struct zerobus_seen *seen)
{
    struct zerobus_line *line = line_of(peer);
    struct tow_proto_field field;
    int is_bad = 0;

    while (tow_proto_next(&batch, &field) == 1)
        if (field.number == 1)
            seen->offset = (int64_t)field.value;
        else
            is_bad = keep_records(server, line, seen, &field);
    assert_int_equal(seen->offset, line->expected);
    line->ends = realloc(line->ends, (size_t)(line->expected + 1) * sizeof *line->ends);
    line->counts = realloc(line->counts, (size_t)(line->expected + 1) * sizeof *line->counts);
    line->ends[line->expected] = line->unstored.size;
    line->counts[line->expected++] = seen->records;
    return is_bad;
}

static void count_request(struct zerobus_server *server, const struct zerobus_seen *seen)
{
    size_t index = server->totals.requests;

    pthread_mutex_lock(&server->lock);
    server->seen = realloc(server->seen, (index + 1) * sizeof *server->seen);
    server->seen[index] = *seen;
    server->totals.requests++;
    server->totals.records += seen->records;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

/* Does the steps that this request sets off. */
static void follow_script(struct zerobus_server *server, struct grpc_peer *peer, int64_t offset)
{
    while (server->next < server->options.count) {
        const struct zerobus_step *step = &server->options.steps[server->next];

        if (step->kind == ZEROBUS_OPEN)
            return;
        if (step->kind == ZEROBUS_ACK && step->value != offset)
            return;
        step_take(server, peer, server->next++);
        if (step->kind != ZEROBUS_ACK)
            return;
        /* What follows an acknowledgement waits for the next request. */
        return;
    }
    if (server->options.goes_on || server->options.count == 0) {
        const struct zerobus_step ack = {.kind = ZEROBUS_ACK, .value = offset};

        step_now(server, peer, &ack);
    }
}

static void on_message(void *context, struct grpc_peer *peer, const void *bytes, size_t length)
{
    struct zerobus_server *server = context;
    struct tow_proto_reader reader = tow_proto_reader_of(bytes, length);
    struct zerobus_seen seen = {.connection = grpc_peer_connection(peer)};
    struct tow_proto_field field;
    int is_bad;

    assert_int_equal(tow_proto_next(&reader, &field), 1);
    if (field.number == 1) {
        on_create(server, peer, bytes, length);
        return;
    }
    assert_int_equal(field.number, 3);
    if (line_of(peer)->is_over)
        return;
    is_bad = read_batch(server, peer, tow_proto_reader_of(field.bytes, field.length), &seen);
    count_request(server, &seen);
    line_of(peer)->is_over = is_bad;
    if (is_bad)
        grpc_peer_finish(peer, "3", "poisoned%20record", GRPC_FINISH_RESET);
    else
        follow_script(server, peer, seen.offset);
}

static void end_of_half_close(void *context, struct grpc_peer *peer)
{
    struct zerobus_server *server = context;
    struct zerobus_line *line = line_of(peer);
    const struct zerobus_step ack = {.kind = ZEROBUS_ACK, .value = line->expected - 1};

    if (server->options.ack_on_half_close && line->expected > line->acked)
        step_now(server, peer, &ack);
    grpc_peer_finish(peer, "0", NULL, 0);
}

static void on_half_close(void *context, struct grpc_peer *peer)
{
    struct zerobus_server *server = context;

    pthread_mutex_lock(&server->lock);
    server->totals.half_closed++;
    pthread_mutex_unlock(&server->lock);
    if (server->options.half_close_delay_ms)
        grpc_peer_later(peer, server->options.half_close_delay_ms, end_of_half_close, server);
    else
        end_of_half_close(server, peer);
}

/* ---- for tests ------------------------------------------------------------------------------- */

struct zerobus_server *zerobus_server_new(const struct zerobus_server_options *options)
{
    struct zerobus_server *server = calloc(1, sizeof *server);
    const struct grpc_server_options grpc = {
        .service = {.message = on_message,
                    .half_close = on_half_close,
                    .closed = line_free,
                    .context = server},
        .certificate = options->certificate,
        .window = 1 << 20,
    };

    assert_non_null(server);
    server->options = *options;
    server->steps = calloc(options->count + 1, sizeof *server->steps + sizeof(struct zerobus_due));
    assert_non_null(server->steps);
    if (options->count)
        memcpy(server->steps, options->steps, options->count * sizeof *options->steps);
    server->options.steps = server->steps;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    if (options->token)
        (void)snprintf(server->token, sizeof server->token, "%s", options->token);
    server->grpc = grpc_server_new(&grpc);
    return server;
}

void zerobus_server_free(struct zerobus_server *server)
{
    if (!server)
        return;
    grpc_server_free(server->grpc);
    pthread_mutex_destroy(&server->lock);
    pthread_cond_destroy(&server->changed);
    tow_buffer_release(&server->stored);
    tow_buffer_release(&server->create);
    free(server->seen);
    free(server->steps);
    free(server);
}

const char *zerobus_server_url(const struct zerobus_server *server)
{
    return grpc_server_url(server->grpc);
}

struct grpc_server *zerobus_server_grpc(struct zerobus_server *server)
{
    return server->grpc;
}

void zerobus_server_want(struct zerobus_server *server, const char *token)
{
    pthread_mutex_lock(&server->lock);
    (void)snprintf(server->token, sizeof server->token, "%s", token);
    pthread_mutex_unlock(&server->lock);
}

struct zerobus_totals zerobus_server_totals(struct zerobus_server *server)
{
    struct zerobus_totals totals;

    pthread_mutex_lock(&server->lock);
    totals = server->totals;
    pthread_mutex_unlock(&server->lock);
    return totals;
}

struct zerobus_seen zerobus_server_seen(struct zerobus_server *server, size_t index)
{
    struct zerobus_seen seen = {0};

    pthread_mutex_lock(&server->lock);
    if (index < server->totals.requests)
        seen = server->seen[index];
    pthread_mutex_unlock(&server->lock);
    assert_int_not_equal(seen.connection, 0);
    return seen;
}

size_t zerobus_server_stored(struct zerobus_server *server, const char *record)
{
    size_t found = 0;

    pthread_mutex_lock(&server->lock);
    for (size_t at = 0; at < server->stored.size; at += strlen(server->stored.data + at) + 1)
        found += strcmp(server->stored.data + at, record) == 0;
    pthread_mutex_unlock(&server->lock);
    return found;
}

char *zerobus_server_create(struct zerobus_server *server, size_t *length)
{
    char *bytes;

    pthread_mutex_lock(&server->lock);
    *length = server->create.size;
    bytes = malloc(*length + 1);
    assert_non_null(bytes);
    memcpy(bytes, server->create.data, *length);
    pthread_mutex_unlock(&server->lock);
    return bytes;
}

void zerobus_server_wait(struct zerobus_server *server, size_t requests)
{
    struct timespec deadline;

    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 10;
    pthread_mutex_lock(&server->lock);
    while (server->totals.requests < requests)
        if (pthread_cond_timedwait(&server->changed, &server->lock, &deadline))
            break;
    if (server->totals.requests < requests) {
        size_t came = server->totals.requests;

        pthread_mutex_unlock(&server->lock);
        fail_msg("%zu requests came, not %zu", came, requests);
    }
    pthread_mutex_unlock(&server->lock);
}
