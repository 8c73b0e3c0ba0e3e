/* An object, read piece by piece: what libcurl has is held until it is asked for. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/s3/s3_priv.h"

#define OBJECT_HELD_MAX (256u << 10) /* bytes: more than libcurl hands over at once */
#define OBJECT_WAIT_MS  1000

struct tow_s3_object {
    struct tow_s3 *s3;
    char *key, *etag;
    struct tow_buffer url;
    struct tow_http_call *call; /* NULL: none is under way */
    struct tow_buffer held;     /* bytes [at, size) were not handed out yet */
    size_t at;
    int64_t size;   /* as listed */
    int64_t offset; /* of the byte behind those that came */
    int is_ended;
    /* What the call borrows. */
    struct tow_http_sigv4 sigv4;
    struct tow_http_header headers[2];
    struct tow_http_request request;
    char range[40];
};

struct tow_s3_object *tow_s3_object_new(struct tow_s3 *s3, const char *key, const char *etag,
                                        int64_t size, struct tow_error *err)
{
    struct tow_s3_object *object = calloc(1, sizeof *object);

    if (!object) {
        tow_error_nomem(err);
        return NULL;
    }
    object->s3 = s3;
    object->size = size;
    object->key = strdup(key);
    object->etag = strdup(etag);
    if (object->key && object->etag && s3_url(s3, key, &object->url, err) == TOW_OK &&
        tow_buffer_reserve(&object->held, OBJECT_HELD_MAX, err) == TOW_OK)
        return object;
    if (!object->key || !object->etag)
        tow_error_nomem(err);
    tow_s3_object_free(object);
    return NULL;
}

static void object_drop_call(struct tow_s3_object *object)
{
    if (object->call)
        (void)tow_http_finish(object->call, NULL, NULL);
    object->call = NULL;
}

void tow_s3_object_free(struct tow_s3_object *object)
{
    if (!object)
        return;
    object_drop_call(object);
    tow_buffer_release(&object->url);
    tow_buffer_release(&object->held);
    free(object->key);
    free(object->etag);
    free(object);
}

/* What a piece of the body is for: a part that was asked for comes as 206. */
static int object_take(void *context, const struct tow_http_call *call, const void *bytes,
                       size_t length, struct tow_error *err)
{
    struct tow_s3_object *object = context;
    int code;

    if (object->offset > 0 && object->request.header_count == 2 && tow_http_status(call) != 206)
        return tow_error_set(
            err, TOW_E_ENV, "s3://%s/%.*s: asked for the bytes from %s on, the store sent all",
            object->s3->place.bucket, s3_shown(object->key), object->key, object->range);
    if ((int64_t)length > object->size - object->offset)
        return tow_error_set(
            err, TOW_E_ENV, "s3://%s/%.*s has more than the %" PRId64 " bytes that were listed",
            object->s3->place.bucket, s3_shown(object->key), object->key, object->size);
    if (object->held.size > 0 && length > OBJECT_HELD_MAX - object->held.size)
        return TOW_END;
    code = tow_buffer_append(&object->held, bytes, length, err);
    if (code == TOW_OK)
        object->offset += (int64_t)length;
    /* tow_http_run would wait for the end. */
    tow_http_wake(object->s3->http);
    return code;
}

static int object_begin(struct tow_s3_object *object, struct tow_error *err)
{
    object->sigv4 = s3_keys(object->s3);
    object->headers[0] = (struct tow_http_header){"If-Match", object->etag};
    object->headers[1] = (struct tow_http_header){"Range", object->range};
    snprintf(object->range, sizeof object->range, "bytes=%" PRId64 "-", object->offset);
    object->request = (struct tow_http_request){
        .method = "GET",
        .url = object->url.data,
        .headers = object->headers,
        .header_count = object->offset > 0 ? 2 : 1,
        .sigv4 = &object->sigv4,
        .take = object_take,
        .context = object,
    };
    object->call = tow_http_start(object->s3->http, &object->request, err);
    return object->call ? TOW_OK : err->code;
}

/* The exchange is over: by its end, or not. */
static int object_finish(struct tow_s3_object *object, struct tow_error *err)
{
    struct tow_http_response response;
    char what[S3_SHOWN_MAX + 300];
    int code = tow_http_finish(object->call, &response, err);

    object->call = NULL;
    if (code == TOW_OK && response.status / 100 == 2 && object->offset == object->size) {
        object->is_ended = 1;
    } else if (code == TOW_OK && response.status / 100 == 2) {
        /* An answer that was made shorter, and says so of itself, looks whole, and so may its
         * lines: the next reading asks for the rest. */
        code = tow_error_set(err, TOW_E_TRANSIENT,
                             "s3://%s/%.*s: the answer ends after %" PRId64 " of %" PRId64
                             " bytes that were listed",
                             object->s3->place.bucket, s3_shown(object->key), object->key,
                             object->offset, object->size);
    } else if (code == TOW_OK && response.status == 412) {
        code = tow_error_set(err, TOW_E_ENV, "s3://%s/%.*s is no longer the object that was listed",
                             object->s3->place.bucket, s3_shown(object->key), object->key);
    } else if (code == TOW_OK) {
        snprintf(what, sizeof what, "GET s3://%s/%.*s", object->s3->place.bucket,
                 s3_shown(object->key), object->key);
        code = s3_refused(&response, what, err);
    }
    tow_http_response_release(&response);
    return code;
}

/* Waits until something is held, or the object ends. */
static int object_fill(struct tow_s3_object *object, struct tow_error *err)
{
    int code = TOW_OK;

    object->at = object->held.size = 0;
    /* All has come, and the exchange failed behind it: there is no byte left to ask for. */
    if (!object->call && object->offset > 0 && object->offset == object->size) {
        object->is_ended = 1;
        return TOW_OK;
    }
    if (!object->call)
        code = object_begin(object, err);
    else
        tow_http_resume(object->call);
    while (code == TOW_OK && object->held.size == 0 && !tow_http_ended(object->call))
        code = tow_http_run(object->s3->http, OBJECT_WAIT_MS, err);
    if (code == TOW_OK && object->held.size == 0)
        return object_finish(object, err);
    /* What came before a failure is handed out first; the next call meets it again. */
    return code;
}

int tow_s3_object_read(struct tow_s3_object *object, void *into, size_t capacity, size_t *length,
                       struct tow_error *err)
{
    int code = TOW_OK;

    *length = 0;
    if (object->at == object->held.size && !object->is_ended)
        code = object_fill(object, err);
    if (code != TOW_OK)
        return code;
    *length = object->held.size - object->at;
    if (*length > capacity)
        *length = capacity;
    memcpy(into, object->held.data + object->at, *length);
    object->at += *length;
    return TOW_OK;
}
