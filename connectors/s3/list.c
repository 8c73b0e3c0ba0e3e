/* ListObjectsV2: what keys there are, a page of at most 1,000 at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/s3/s3_priv.h"
#include "towpath/value.h"

#define LIST_PAGE_MAX ((size_t)16 << 20) /* bytes of an answer */

/* A part of the answer. */
struct part {
    const char *text;
    size_t length;
};

struct list {
    struct tow_s3 *s3;
    const char *prefix;
    char delimiter;
    struct tow_buffer url;
    struct tow_buffer token; /* of the next page, as it came; no NUL */
    struct tow_buffer key, etag;
    int (*visit)(void *context, const struct tow_s3_entry *entry, struct tow_error *err);
    void *context;
};

/* ---- XML ------------------------------------------------------------------------------------ */

/* The content of the first element of that name, at or behind *at, which moves behind it. */
static int list_element(const struct part *in, size_t *at, const char *name, struct part *out)
{
    char open[40], close[40];
    int open_length = snprintf(open, sizeof open, "<%s>", name);
    int close_length = snprintf(close, sizeof close, "</%s>", name);
    const char *from = in->text + *at, *end = in->text + in->length;
    const char *start = memmem(from, (size_t)(end - from), open, (size_t)open_length), *stop;

    if (!start)
        return 0;
    start += open_length;
    stop = memmem(start, (size_t)(end - start), close, (size_t)close_length);
    if (!stop)
        return 0;
    *out = (struct part){start, (size_t)(stop - start)};
    *at = (size_t)(stop + close_length - in->text);
    return 1;
}

static int list_first(const struct part *in, const char *name, struct part *out)
{
    size_t at = 0;

    return list_element(in, &at, name, out);
}

/* Puts a text that has entities into `to`, with a NUL that is not counted. Those that are not known
 * stay. */
static int list_take_text(struct tow_buffer *to, struct part part, struct tow_error *err)
{
    static const struct {
        const char *entity;
        char byte;
    } known[] = {{"&quot;", '"'}, {"&#34;", '"'},   {"&amp;", '&'}, {"&lt;", '<'},
                 {"&gt;", '>'},   {"&apos;", '\''}, {"&#39;", '\''}};
    size_t i = 0;
    int code = tow_buffer_reserve(to, part.length + 1, err);

    to->size = 0;
    if (code != TOW_OK)
        return code;
    while (i < part.length) {
        size_t k = 0, count = sizeof known / sizeof *known;

        while (k < count && (part.length - i < strlen(known[k].entity) ||
                             memcmp(part.text + i, known[k].entity, strlen(known[k].entity)) != 0))
            k++;
        to->data[to->size++] = k < count ? known[k].byte : part.text[i];
        i += k < count ? strlen(known[k].entity) : 1;
    }
    to->data[to->size] = '\0';
    return TOW_OK;
}

static int list_hex(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit = (char)(digit | 0x20);
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Keys come encoded as in URLs, since XML cannot hold all that a key may. In place. */
static int list_take_key(struct tow_buffer *to, struct part part, struct tow_error *err)
{
    char *out;
    int code = list_take_text(to, part, err);

    if (code != TOW_OK)
        return code;
    out = to->data;
    for (const char *p = to->data; *p; p++) {
        int high = *p == '%' ? list_hex(p[1]) : -1;
        int low = high >= 0 ? list_hex(p[2]) : -1;

        *out++ = low >= 0 ? (char)(high * 16 + low) : *p == '+' ? ' ' : *p;
        p += low >= 0 ? 2 : 0;
    }
    *out = '\0';
    if (strlen(to->data) != (size_t)(out - to->data) || out == to->data)
        return tow_error_set(err, TOW_E_UNSUPPORTED, "a key in the list is empty or has a NUL");
    return TOW_OK;
}

/* ---- entries -------------------------------------------------------------------------------- */

static int list_bad(const struct list *list, const char *what, struct tow_error *err)
{
    return tow_error_set(err, TOW_E_ENV, "the list of s3://%s/%.*s cannot be read: %s",
                         list->s3->place.bucket, s3_shown(list->prefix), list->prefix, what);
}

static int list_visit_object(struct list *list, const struct part *contents, struct tow_error *err)
{
    struct tow_s3_entry entry = {.is_common = 0};
    struct part key, size, modified, etag;
    int zone, code;

    if (!list_first(contents, "Key", &key) || !list_first(contents, "Size", &size) ||
        !list_first(contents, "LastModified", &modified) || !list_first(contents, "ETag", &etag))
        return list_bad(list, "an object lacks Key, Size, LastModified or ETag", err);
    if (tow_parse_int64(size.text, size.length, &entry.size) != TOW_PARSE_OK || entry.size < 0 ||
        tow_parse_timestamp(modified.text, modified.length, &entry.modified_us, &zone) !=
            TOW_PARSE_OK)
        return list_bad(list, "Size or LastModified of an object is none", err);
    code = list_take_key(&list->key, key, err);
    if (code == TOW_OK)
        code = list_take_text(&list->etag, etag, err);
    if (code != TOW_OK)
        return code;
    entry.key = list->key.data;
    entry.etag = list->etag.data;
    return list->visit(list->context, &entry, err);
}

static int list_visit_common(struct list *list, const struct part *common, struct tow_error *err)
{
    struct tow_s3_entry entry = {.is_common = 1};
    struct part prefix;
    int code;

    if (!list_first(common, "Prefix", &prefix))
        return list_bad(list, "CommonPrefixes without a Prefix", err);
    code = list_take_key(&list->key, prefix, err);
    if (code != TOW_OK)
        return code;
    entry.key = list->key.data;
    return list->visit(list->context, &entry, err);
}

static int list_visit_all(struct list *list, const struct part *body, const char *name,
                          int (*visit)(struct list *list, const struct part *part,
                                       struct tow_error *err),
                          struct tow_error *err)
{
    struct part element;
    size_t at = 0;
    int code = TOW_OK;

    while (code == TOW_OK && list_element(body, &at, name, &element))
        code = visit(list, &element, err);
    return code;
}

/* ---- pages ---------------------------------------------------------------------------------- */

static int list_page_url(struct list *list, struct tow_error *err)
{
    struct tow_buffer *url = &list->url;
    int code;

    url->size = 0;
    code = tow_buffer_printf(url, err,
                             "%s?encoding-type=url&list-type=2&prefix=", list->s3->place.base);
    if (code == TOW_OK)
        code = tow_http_encode(url, list->prefix, strlen(list->prefix), 0, err);
    if (code == TOW_OK && list->delimiter)
        code = tow_buffer_append(url, "&delimiter=", 11, err);
    if (code == TOW_OK && list->delimiter)
        code = tow_http_encode(url, &list->delimiter, 1, 0, err);
    if (code == TOW_OK && list->token.size > 0)
        code = tow_buffer_append(url, "&continuation-token=", 20, err);
    if (code == TOW_OK && list->token.size > 0)
        code = tow_http_encode(url, list->token.data, list->token.size, 0, err);
    return code == TOW_OK ? tow_buffer_append(url, "", 1, err) : code;
}

/* The token of the page behind this one; none where it is the last. */
static int list_take_token(struct list *list, const struct part *body, struct tow_error *err)
{
    struct part truncated, token;
    struct tow_buffer before = list->token;
    int code;

    list->token = (struct tow_buffer){NULL, 0, 0};
    if (!list_first(body, "IsTruncated", &truncated) || truncated.length != 4 ||
        memcmp(truncated.text, "true", 4) != 0) {
        tow_buffer_release(&before);
        return TOW_OK;
    }
    if (!list_first(body, "NextContinuationToken", &token) || token.length == 0)
        code = list_bad(list, "a page that is not the last has no NextContinuationToken", err);
    else
        code = list_take_text(&list->token, token, err);
    if (code == TOW_OK && before.size == list->token.size && before.size > 0 &&
        memcmp(before.data, list->token.data, before.size) == 0)
        code = list_bad(list, "the same page comes again and again", err);
    tow_buffer_release(&before);
    return code;
}

static int list_read_page(struct list *list, const struct tow_http_response *response,
                          struct tow_error *err)
{
    const struct part answer = {response->body.data, response->body.size};
    struct part body;
    int code;

    if (!answer.text || !memmem(answer.text, answer.length, "<ListBucketResult", 17) ||
        !memmem(answer.text, answer.length, "</ListBucketResult>", 19))
        return list_bad(list, "the answer is no ListBucketResult", err);
    body = answer;
    code = list_visit_all(list, &body, "Contents", list_visit_object, err);
    if (code == TOW_OK)
        code = list_visit_all(list, &body, "CommonPrefixes", list_visit_common, err);
    return code == TOW_OK ? list_take_token(list, &body, err) : code;
}

static int list_page(struct list *list, struct tow_error *err)
{
    const struct tow_http_sigv4 sigv4 = s3_keys(list->s3);
    struct tow_http_request request = {.method = "GET", .sigv4 = &sigv4, .limit = LIST_PAGE_MAX};
    struct tow_http_response response;
    char what[S3_SHOWN_MAX + 300];
    int code = list_page_url(list, err);

    if (code != TOW_OK)
        return code;
    request.url = list->url.data;
    code = tow_http_perform(list->s3->http, &request, &response, err);
    if (code == TOW_OK && response.status / 100 != 2) {
        snprintf(what, sizeof what, "list of s3://%s/%.*s", list->s3->place.bucket,
                 s3_shown(list->prefix), list->prefix);
        code = s3_refused(&response, what, err);
    }
    if (code == TOW_OK)
        code = list_read_page(list, &response, err);
    tow_http_response_release(&response);
    return code;
}

int tow_s3_each(struct tow_s3 *s3, const char *prefix, char delimiter,
                int (*visit)(void *context, const struct tow_s3_entry *entry,
                             struct tow_error *err),
                void *context, struct tow_error *err)
{
    struct list list = {
        .s3 = s3, .prefix = prefix, .delimiter = delimiter, .visit = visit, .context = context};
    int code;

    do
        code = list_page(&list, err);
    while (code == TOW_OK && list.token.size > 0);
    tow_buffer_release(&list.url);
    tow_buffer_release(&list.token);
    tow_buffer_release(&list.key);
    tow_buffer_release(&list.etag);
    return code;
}
