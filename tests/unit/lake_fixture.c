#include "lake_fixture.h"
#include "towpath/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the far end ----------------------------------------------------------------------------- */

/* The next event of a chunk, where it is one of storage, or one of the workspace. */
static struct lake_event lake_next_event(struct lake_chunk *chunk, int of_storage)
{
    struct lake_event event = {.fault = LAKE_NONE};

    if (chunk->event_at == chunk->event_count)
        return event;
    event = chunk->events[chunk->event_at];
    if ((event.fault < LAKE_RESOLVE) != of_storage)
        return (struct lake_event){.fault = LAKE_NONE};
    chunk->event_at++;
    return event;
}

static void lake_resolve(struct lake *lake, int64_t index, struct http_reply *reply)
{
    struct lake_chunk *chunk = &lake->chunks[index];
    struct lake_event event = lake_next_event(chunk, 0);
    char base[128], *text = NULL;

    chunk->resolved++;
    *reply = (struct http_reply){.status = 200};
    if (event.fault == LAKE_RESOLVE) {
        *reply = (struct http_reply){
            .status = event.status, .headers = event.headers, .body = event.text};
        return;
    }
    if (event.fault == LAKE_ANSWER) {
        reply->body = event.text;
        return;
    }
    snprintf(base, sizeof base, "http://127.0.0.1:%d",
             event.fault == LAKE_UNREACHABLE ? lake->dead_port
                                             : http_server_port(lake->workspace->server));
    if (asprintf(&text,
                 "{\"external_links\":[{\"chunk_index\":%lld,\"row_count\":%lld,\"byte_count\":%zu,"
                 "\"external_link\":\"%s/storage/%lld?sig=hush%d\",\"http_headers\":{\"x-extra\":"
                 "\"hush\"},\"expiration\":\"2999-01-01T00:00:00.000Z\"}]}",
                 (long long)index, (long long)index * 10, chunk->length, base, (long long)index,
                 chunk->resolved) < 0)
        abort();
    lake->answers[lake->answer_count++] = text;
    reply->body = text;
}

static void lake_load(struct lake *lake, const struct http_seen *seen, int64_t index,
                      struct http_reply *reply)
{
    struct lake_chunk *chunk = &lake->chunks[index];
    struct lake_event event = lake_next_event(chunk, 1);
    char *login = http_seen_header(seen, "Authorization");
    char *extra = http_seen_header(seen, "x-extra"), *range = http_seen_header(seen, "Range");
    size_t from = 0;

    chunk->loaded++;
    lake->authorized += login != NULL;
    lake->without_extra += !extra || strcmp(extra, "hush") != 0;
    if (range && event.fault != LAKE_WHOLE)
        from = strtoul(range + strlen("bytes="), NULL, 10);
    *reply = (struct http_reply){.status = range && event.fault != LAKE_WHOLE ? 206 : 200,
                                 .body = chunk->bytes + from,
                                 .length = chunk->length - from};
    if (event.fault == LAKE_CUT || event.fault == LAKE_STALL) {
        reply->how = event.fault == LAKE_CUT ? HTTP_REPLY_CUT : HTTP_REPLY_STALL;
        reply->cut = event.at;
    } else if (event.fault == LAKE_OTHER) {
        reply->length++; /* there is one byte more */
    } else if (event.fault == LAKE_STATUS) {
        *reply = (struct http_reply){
            .status = event.status, .headers = event.headers, .body = event.text};
    }
    if (reply->length == 0 && reply->status < 300)
        reply->body = NULL;
    free(login);
    free(extra);
    free(range);
}

static void lake_handle(void *context, const struct http_seen *seen, struct http_reply *reply)
{
    struct lake *lake = ((struct workspace *)context)->lake;
    const char *path = seen->target, *index;

    *reply = (struct http_reply){.status = 500};
    if (strcmp(path, "/oidc/v1/token") == 0) {
        *reply = (struct http_reply){.body = "{\"access_token\":\"oauth-hush\"}"};
        return;
    }
    index = strrchr(path, '/') + 1;
    if (strncmp(path, "/storage/", 9) == 0)
        lake_load(lake, seen, strtoll(index, NULL, 10), reply);
    else if (strncmp(path, "/api/2.0/sql/statements/s1/result/chunks/", 41) == 0)
        lake_resolve(lake, strtoll(index, NULL, 10), reply);
}

/* A port that was free a moment ago, and is kept from others by being bound without listening. */
static int lake_dead_port(int *fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;

    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(*fd >= 0);
    assert_int_equal(bind(*fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(*fd, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

/* ---- the near end ---------------------------------------------------------------------------- */

struct lake *lake_new(int as_client, int64_t count, const size_t *lengths, size_t length_count)
{
    struct lake *lake = calloc(1, sizeof *lake);

    assert_non_null(lake);
    assert_true(count <= LAKE_CHUNKS);
    for (int64_t i = 0; i < count; i++) {
        struct lake_chunk *chunk = &lake->chunks[i];

        chunk->length = lengths[(size_t)i % length_count];
        chunk->bytes = malloc(chunk->length + 1);
        assert_non_null(chunk->bytes);
        for (size_t j = 0; j <= chunk->length; j++)
            chunk->bytes[j] = (char)(j * 31 + j / 251 + (size_t)i * 17);
    }
    lake->workspace = workspace_new(as_client, lake_handle);
    lake->workspace->lake = lake;
    lake->dead_port = lake_dead_port(&lake->dead_fd);
    lake->err = (struct tow_error)TOW_ERROR_INIT;
    strcpy(lake->statement.id, "s1");
    lake->statement.chunks = count;
    lake->statement.succeeded_ms = tow_monotonic_ms();
    return lake;
}

void lake_free(struct lake *lake)
{
    tow_fetch_free(lake->fetch);
    workspace_free(lake->workspace);
    tow_statement_release(&lake->statement);
    close(lake->dead_fd);
    for (size_t i = 0; i < LAKE_CHUNKS; i++)
        free(lake->chunks[i].bytes);
    for (size_t i = 0; i < lake->answer_count; i++)
        free(lake->answers[i]);
    free(lake);
}

void lake_event(struct lake *lake, int64_t chunk, struct lake_event event)
{
    struct lake_chunk *at = &lake->chunks[chunk];

    assert_true(at->event_count < LAKE_FAULTS);
    at->events[at->event_count++] = event;
}

void lake_open(struct lake *lake, const struct tow_fetch_settings *settings)
{
    const struct tow_fetch_settings usual = {.parallel = 0};

    lake->fetch = tow_fetch_new(&lake->workspace->config, lake->workspace->cancel, &lake->statement,
                                settings ? settings : &usual, &lake->err);
    if (!lake->fetch)
        fail_msg("%s", lake->err.message);
}

int lake_read(struct lake *lake, int64_t chunk, size_t *at, size_t most)
{
    const struct lake_chunk *expected = &lake->chunks[chunk];
    size_t end = most > 0 ? *at + most : SIZE_MAX;

    while (*at < end) {
        const void *bytes;
        size_t length;
        int code = tow_fetch_next(lake->fetch, chunk, &bytes, &length, &lake->err);

        if (code != TOW_OK)
            return code;
        assert_true(length > 0);
        if (length > expected->length - *at)
            fail_msg("chunk %lld has more than %zu bytes", (long long)chunk, expected->length);
        assert_memory_equal(bytes, expected->bytes + *at, length);
        *at += length;
    }
    return TOW_OK;
}

void assert_lake(struct lake *lake, int64_t first)
{
    for (int64_t chunk = first; chunk < lake->statement.chunks; chunk++) {
        size_t at = 0;
        int code = lake_read(lake, chunk, &at, 0);

        if (code != TOW_END)
            fail_msg("chunk %lld: %s: %s", (long long)chunk, tow_error_name(code),
                     lake->err.message);
        assert_int_equal(at, lake->chunks[chunk].length);
    }
}
