/*
 * lake - a Databricks workspace for benches, as little of one as the source needs: each SELECT
 * gives the same result of CHUNKS chunks behind links, LZ4 frames of Arrow, and each answer is
 * ready when it is asked for.
 *
 *   lake PORT-FILE [CHUNKS]
 *
 * Writes its port to PORT-FILE (renamed into place). At the end of its input it prints rows, bytes
 * of buffers and compressed bytes of a result, and ends.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/chunk.h"
#include "tests/unit/flat_writer.h"

#define REQUEST_MAX 65536
#define ANSWER_MAX  65536

static struct chunk chunk;
static struct tow_buffer body; /* of each chunk */
static int chunks = 64, port;

static const char columns[] =
    "\"schema\":{\"column_count\":7,\"columns\":["
    "{\"name\":\"id\",\"type_name\":\"LONG\",\"type_text\":\"BIGINT\"},"
    "{\"name\":\"ts\",\"type_name\":\"TIMESTAMP\",\"type_text\":\"TIMESTAMP\"},"
    "{\"name\":\"score\",\"type_name\":\"DOUBLE\",\"type_text\":\"DOUBLE\"},"
    "{\"name\":\"amount\",\"type_name\":\"DECIMAL\",\"type_text\":\"DECIMAL(18,2)\"},"
    "{\"name\":\"uid\",\"type_name\":\"STRING\",\"type_text\":\"STRING\"},"
    "{\"name\":\"segment\",\"type_name\":\"STRING\",\"type_text\":\"STRING\"},"
    "{\"name\":\"note\",\"type_name\":\"STRING\",\"type_text\":\"STRING\"}]}";

/* ---- answers -------------------------------------------------------------------------------- */

static int put_links(char *out, size_t size, int index)
{
    return snprintf(out, size,
                    "{\"external_links\":[{\"chunk_index\":%d,\"row_offset\":%d,\"row_count\":%d,"
                    "\"byte_count\":%zu,\"external_link\":\"http://127.0.0.1:%d/storage/%d\","
                    "\"expiration\":\"2099-01-01T00:00:00.000Z\"}]}",
                    index, index * CHUNK_ROWS, CHUNK_ROWS, body.size, port, index);
}

static int put_chunks(char *out, size_t size)
{
    int length = snprintf(out, size, "\"chunks\":[");

    for (int i = 0; i < chunks; i++)
        length += snprintf(out + length, size - (size_t)length,
                           "%s{\"chunk_index\":%d,\"row_offset\":%d,\"row_count\":%d}",
                           i ? "," : "", i, i * CHUNK_ROWS, CHUNK_ROWS);
    return length + snprintf(out + length, size - (size_t)length, "]");
}

static int put_statement(char *out, size_t size, int is_empty)
{
    char list[ANSWER_MAX / 2], links[1024];

    put_chunks(list, sizeof list);
    put_links(links, sizeof links, 0);
    return snprintf(out, size,
                    "{\"statement_id\":\"bench\",\"status\":{\"state\":\"SUCCEEDED\"},"
                    "\"manifest\":{\"format\":\"ARROW_STREAM\",%s,\"total_chunk_count\":%d,%s,"
                    "\"total_row_count\":%lld,\"truncated\":false,"
                    "\"result_compression\":\"LZ4_FRAME\"},\"result\":%s}",
                    columns, is_empty ? 0 : chunks, is_empty ? "\"chunks\":[]" : list,
                    is_empty ? 0LL : (long long)chunks * CHUNK_ROWS, is_empty ? "{}" : links);
}

static int send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

        if (sent <= 0)
            return 0;
        bytes += sent;
        length -= (size_t)sent;
    }
    return 1;
}

static int send_head(int fd, const char *type, size_t length)
{
    char head[256];

    snprintf(head, sizeof head,
             "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", type, length);
    return send_all(fd, head, strlen(head));
}

static int answer(int fd, const char *request)
{
    const char *link = strstr(request, "/result/chunks/");
    char text[ANSWER_MAX] = "{}";

    if (strncmp(request, "GET /storage/", 13) == 0)
        return send_head(fd, "binary/octet-stream", body.size) &&
               send_all(fd, body.data, body.size);
    if (strncmp(request, "POST ", 5) == 0)
        put_statement(text, sizeof text, strstr(request, "LIMIT 0") != NULL);
    else if (link)
        put_links(text, sizeof text, atoi(link + strlen("/result/chunks/")));
    return send_head(fd, "application/json", strlen(text)) && send_all(fd, text, strlen(text));
}

/* ---- connections ---------------------------------------------------------------------------- */

/* One request with its body, and nothing behind it: clients wait for the answer. */
static int read_request(int fd, char *request)
{
    size_t used = 0;

    for (;;) {
        ssize_t got = read(fd, request + used, REQUEST_MAX - used);
        const char *end, *length;

        if (got <= 0)
            return 0;
        used += (size_t)got;
        request[used] = '\0';
        end = strstr(request, "\r\n\r\n");
        length = strcasestr(request, "\r\ncontent-length:");
        if (end && (!length || length > end ||
                    used >= (size_t)(end + 4 - request) + (size_t)atoll(length + 17)))
            return 1;
    }
}

static void *serve(void *context)
{
    char *request = malloc(REQUEST_MAX + 1);
    int fd = (int)(intptr_t)context;

    flat_require(request != NULL);
    while (read_request(fd, request) && answer(fd, request))
        continue;
    free(request);
    close(fd);
    return NULL;
}

static void *accept_all(void *context)
{
    int fd, one = 1;

    while ((fd = accept(*(int *)context, NULL, NULL)) >= 0) {
        pthread_t thread;

        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        flat_require(pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0);
        pthread_detach(thread);
    }
    return NULL;
}

static int listen_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    flat_require(fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0 &&
                 listen(fd, 64) == 0 && getsockname(fd, (struct sockaddr *)&address, &length) == 0);
    port = ntohs(address.sin_port);
    return fd;
}

static void say_port(const char *path)
{
    char before[4096];
    FILE *to;

    snprintf(before, sizeof before, "%s.new", path);
    to = fopen(before, "w");
    flat_require(to && fprintf(to, "%d\n", port) > 0 && fclose(to) == 0 &&
                 rename(before, path) == 0);
}

int main(int argc, char **argv)
{
    const LZ4F_preferences_t frames = {
        .frameInfo = {.blockSizeID = LZ4F_max4MB, .blockMode = LZ4F_blockIndependent}};
    pthread_t thread;
    int fd;

    if (argc < 2) {
        fprintf(stderr, "usage: lake PORT-FILE [CHUNKS]\n");
        return 2;
    }
    if (argc > 2)
        chunks = atoi(argv[2]);
    chunk_make(&chunk);
    chunk_compress_messages(&body, &chunk, &frames);
    fd = listen_somewhere();
    flat_require(pthread_create(&thread, NULL, accept_all, &fd) == 0);
    say_port(argv[1]);
    while (getchar() != EOF)
        continue;
    printf("%lld %lld %lld\n", (long long)chunks * CHUNK_ROWS,
           (long long)chunks * (long long)chunk.buffers, (long long)chunks * (long long)body.size);
    return fflush(stdout) ? 3 : 0;
}
