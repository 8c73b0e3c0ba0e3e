/*
 * A far end for Zerobus streams, native and fast: takes every record, acknowledges every request,
 * and counts. For end-to-end tests and benches.
 *
 *   zerobus_far_end [--tls FILE] [--ids N] [--ack-after MS] [--poison TEXT] [--close-after N]
 *
 * FILE is made, a certificate for clients to trust; ids are what a record of Protocol Buffers has
 * in its first field, 0 to N-1. With --close-after a stream is signalled to close after N requests.
 * Prints its URL, runs until its input ends, and prints what it has counted, as JSON.
 */
#include <getopt.h>
#include <signal.h>
#include <unistd.h>

#include "certificate.h"
#include "connectors/zerobus/proto.h"
#include "grpc_server.h"
#include "unit.h"

struct far_end {
    uint64_t ids;         /* that are counted */
    unsigned char *acked; /* how often each was in a request that was acknowledged */
    unsigned char *taken; /* how often each came */
    int ack_after_ms;
    const char *poison;
    uint64_t close_after;
    struct grpc_server_options options;

    uint64_t streams, requests, records, bytes, refused;
    uint64_t held; /* records that came on streams that are gone, and were not acknowledged */
};

/* One stream. */
struct far_stream {
    struct far_end *end;
    int64_t offset; /* awaited */
    int64_t acked;
    int is_waiting; /* for the time of an acknowledgement */
    int is_over;
    uint64_t *ids; /* of requests that are not acknowledged yet */
    size_t id_count, id_capacity;
};

static struct far_stream *far_stream_of(struct far_end *end, struct grpc_peer *peer)
{
    void **data = grpc_peer_data(peer);
    struct far_stream *stream = *data;

    if (!stream) {
        *data = stream = calloc(1, sizeof *stream);
        assert_non_null(stream);
        stream->end = end;
        stream->acked = -1;
    }
    return stream;
}

/* There are clients that say nothing before they have headers. */
static void far_begin(void *context, struct grpc_peer *peer)
{
    (void)context;
    grpc_peer_accept(peer);
}

static void far_closed(void *context, struct grpc_peer *peer)
{
    struct far_end *end = context;
    struct far_stream *stream = *grpc_peer_data(peer);

    if (!stream)
        return;
    end->held += stream->id_count;
    free(stream->ids);
    free(stream);
}

static void far_count(unsigned char *counts, uint64_t id)
{
    counts[id] += counts[id] < UINT8_MAX;
}

static void far_acknowledge(void *context, struct grpc_peer *peer)
{
    struct far_stream *stream = context;
    struct far_end *end = stream->end;
    char message[32], *p;
    int64_t offset = stream->offset - 1;

    stream->is_waiting = 0;
    if (stream->is_over || offset == stream->acked)
        return;
    p = tow_proto_put_head(message, 2, 1 + tow_proto_varint_size((uint64_t)offset));
    *p++ = 8;
    p = tow_proto_put_varint(p, (uint64_t)offset);
    for (size_t i = 0; i < stream->id_count; i++)
        far_count(end->acked, stream->ids[i]);
    stream->id_count = 0;
    stream->acked = offset;
    grpc_peer_reply(peer, message, (size_t)(p - message));
}

static void far_note_id(struct far_stream *stream, uint64_t id)
{
    struct far_end *end = stream->end;

    if (id >= end->ids)
        return;
    if (stream->id_count == stream->id_capacity) {
        stream->id_capacity = stream->id_capacity ? stream->id_capacity * 2 : 1024;
        stream->ids = reallocarray(stream->ids, stream->id_capacity, sizeof *stream->ids);
        assert_non_null(stream->ids);
    }
    stream->ids[stream->id_count++] = id;
    far_count(end->taken, id);
}

/* Returns 1 where a record is poisoned. */
static int far_take_records(struct far_stream *stream, const struct tow_proto_field *batch)
{
    struct tow_proto_reader records = tow_proto_reader_of(batch->bytes, batch->length);
    struct far_end *end = stream->end;
    struct tow_proto_field record, field;

    if (end->poison && memmem(batch->bytes, batch->length, end->poison, strlen(end->poison)))
        return 1;
    end->bytes += batch->length;
    while (tow_proto_next(&records, &record) == 1) {
        struct tow_proto_reader inside = tow_proto_reader_of(record.bytes, record.length);

        end->records++;
        if (end->ids && tow_proto_next(&inside, &field) == 1 && field.number == 1)
            far_note_id(stream, field.value);
    }
    return 0;
}

static void far_say_close(struct grpc_peer *peer)
{
    static const char message[] = "\x1a\x04\x0a\x02\x08\x01"; /* a second */

    grpc_peer_reply(peer, message, sizeof message - 1);
}

static void far_take_batch(struct far_end *end, struct grpc_peer *peer,
                           struct tow_proto_reader batch)
{
    struct far_stream *stream = far_stream_of(end, peer);
    struct tow_proto_field field;
    int is_bad = 0;

    if (stream->is_over)
        return;
    end->requests++;
    while (tow_proto_next(&batch, &field) == 1)
        if (field.number == 1)
            is_bad |= (int64_t)field.value != stream->offset;
        else
            is_bad |= far_take_records(stream, &field);
    if (is_bad) {
        end->refused++;
        stream->is_over = 1;
        grpc_peer_finish(peer, "3", "refused", GRPC_FINISH_RESET);
        return;
    }
    stream->offset++;
    if (end->close_after && (uint64_t)stream->offset == end->close_after)
        far_say_close(peer);
    if (end->ack_after_ms == 0) {
        far_acknowledge(stream, peer);
    } else if (!stream->is_waiting) {
        stream->is_waiting = 1;
        grpc_peer_later(peer, end->ack_after_ms, far_acknowledge, stream);
    }
}

static void far_message(void *context, struct grpc_peer *peer, const void *bytes, size_t length)
{
    struct tow_proto_reader reader = tow_proto_reader_of(bytes, length);
    struct far_end *end = context;
    struct tow_proto_field field;

    if (tow_proto_next(&reader, &field) != 1)
        return;
    if (field.number == 3) {
        far_take_batch(end, peer, tow_proto_reader_of(field.bytes, field.length));
        return;
    }
    end->streams++;
    grpc_peer_reply(peer,
                    "\x0a\x08\x0a\x06"
                    "stream",
                    10);
}

static void far_half_close(void *context, struct grpc_peer *peer)
{
    far_acknowledge(far_stream_of(context, peer), peer);
    grpc_peer_finish(peer, "0", NULL, 0);
}

static void far_report(const struct far_end *end)
{
    uint64_t missing = 0, twice = 0, again = 0;

    for (uint64_t id = 0; id < end->ids; id++) {
        missing += end->acked[id] == 0;
        twice += end->taken[id] > 1;
        again += end->acked[id] > 1 ? (uint64_t)end->acked[id] - 1 : 0;
    }
    printf("{\"streams\": %llu, \"requests\": %llu, \"records\": %llu, \"bytes\": %llu, "
           "\"refused\": %llu, \"missing\": %llu, \"sent_again\": %llu, \"unacked\": %llu, "
           "\"acked_again\": %llu}\n",
           (unsigned long long)end->streams, (unsigned long long)end->requests,
           (unsigned long long)end->records, (unsigned long long)end->bytes,
           (unsigned long long)end->refused, (unsigned long long)missing, (unsigned long long)twice,
           (unsigned long long)end->held, (unsigned long long)again);
}

static int far_options(struct far_end *end, int argc, char **argv)
{
    static const struct option options[] = {{"tls", 1, NULL, 't'},         {"ids", 1, NULL, 'i'},
                                            {"ack-after", 1, NULL, 'a'},   {"poison", 1, NULL, 'p'},
                                            {"close-after", 1, NULL, 'c'}, {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 't')
            end->options.certificate = optarg;
        else if (option == 'i')
            end->ids = strtoull(optarg, NULL, 10);
        else if (option == 'a')
            end->ack_after_ms = atoi(optarg);
        else if (option == 'p')
            end->poison = optarg;
        else if (option == 'c')
            end->close_after = strtoull(optarg, NULL, 10);
        else
            return 2;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct far_end end = {.options = {.window = 4 << 20, .frame_max = 1 << 20}};
    struct grpc_server *server;
    char byte, own[4096];

    if (far_options(&end, argc, argv))
        return 2;
    signal(SIGPIPE, SIG_IGN);
    if (end.options.certificate) {
        (void)snprintf(own, sizeof own, "%s.server", end.options.certificate);
        certificate_write_signed(own, end.options.certificate, "DNS:localhost,IP:127.0.0.1");
        end.options.certificate = own;
    }
    end.acked = calloc(end.ids + 1, 1);
    end.taken = calloc(end.ids + 1, 1);
    if (!end.acked || !end.taken)
        return 1;
    end.options.service = (struct grpc_service){.begin = far_begin,
                                                .message = far_message,
                                                .half_close = far_half_close,
                                                .closed = far_closed,
                                                .context = &end};
    server = grpc_server_new(&end.options);
    printf("%s\n", grpc_server_url(server));
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    grpc_server_free(server);
    far_report(&end);
    free(end.acked);
    free(end.taken);
    return 0;
}
