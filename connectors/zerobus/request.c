#include "connectors/zerobus/request.h"

#include <stdlib.h>

struct request *request_new(uint64_t ticket, struct tow_buffer *body, size_t count)
{
    struct request *request = calloc(1, sizeof *request);
    struct request_body *owned = calloc(1, sizeof *owned);

    if (!request || !owned) {
        free(request);
        free(owned);
        return NULL;
    }
    owned->bytes = *body;
    owned->references = 1;
    *body = (struct tow_buffer){0};
    *request =
        (struct request){.body = owned, .end = owned->bytes.size, .ticket = ticket, .count = count};
    return request;
}

static void pool_put(struct request_pool *pool, struct tow_buffer *buffer)
{
    if (pool->count == REQUEST_SPARE_MAX || buffer->capacity > REQUEST_SPARE_BYTES - pool->bytes) {
        tow_buffer_release(buffer);
        return;
    }
    buffer->size = 0;
    pool->bytes += buffer->capacity;
    pool->spare[pool->count++] = *buffer;
}

void request_settle(struct request *request, struct request_pool *pool)
{
    struct request_body *body = request->body;

    request->body = NULL;
    if (!body || --body->references > 0)
        return;
    pool_put(pool, &body->bytes);
    free(body);
}

void request_free(struct request *request, struct request_pool *pool)
{
    request_settle(request, pool);
    free(request->message);
    free(request);
}

void request_list_append(struct request_list *list, struct request *request)
{
    request->next = NULL;
    if (list->newest)
        list->newest->next = request;
    else
        list->oldest = request;
    list->newest = request;
    list->requests++;
    list->records += request->count;
    list->bytes += request->end - request->begin;
}

struct request *request_list_take(struct request_list *list)
{
    struct request *request = list->oldest;

    list->oldest = request->next;
    if (!list->oldest)
        list->newest = NULL;
    list->requests--;
    list->records -= request->count;
    list->bytes -= request->end - request->begin;
    request->next = NULL;
    return request;
}

void request_list_release(struct request_list *list, struct request_pool *pool)
{
    while (list->oldest)
        request_free(request_list_take(list), pool);
}

/* Where the first `count` records of a request end in its body. */
static size_t request_middle(const struct request *request, size_t count)
{
    const char *bytes = request->body->bytes.data;
    size_t at = request->begin;

    while (count-- > 0)
        at += tow_zerobus_record_size(bytes + at, request->end - at);
    return at;
}

int request_list_split(struct request_list *list)
{
    struct request *first = list->oldest, *second = malloc(sizeof *second);

    if (!second)
        return -1;
    *second = *first;
    first->count /= 2;
    first->end = second->begin = request_middle(first, first->count);
    second->first += first->count;
    second->count -= first->count;
    second->sent_ms = first->sent_ms = 0;
    second->body->references++;
    first->next = second;
    if (list->newest == first)
        list->newest = second;
    list->requests++;
    return 0;
}

struct tow_buffer request_pool_take(struct request_pool *pool)
{
    struct tow_buffer buffer = {0};

    if (pool->count > 0)
        buffer = pool->spare[--pool->count];
    pool->bytes -= buffer.capacity;
    return buffer;
}

void request_pool_release(struct request_pool *pool)
{
    while (pool->count > 0)
        tow_buffer_release(&pool->spare[--pool->count]);
}
