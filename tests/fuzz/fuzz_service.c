/*
 * Answers of services, a sequence of them, to clients that ask: volumes ('v') and tables ('t') of
 * Databricks behind an OAuth login, S3 ('s'), Lytics ('l'), Zerobus' tokens ('z') and its records
 * by REST ('r'). 'u' is a URL and a text for one. The first byte chooses the client; between
 * answers stands a line "----". An answer is its status and content type on the first line, and its
 * body; status 0 is a connection that broke.
 */
#include <curl/curl.h>
#include <stdint.h>
#include <unistd.h>

#include "connectors/databricks/volume.h"
#include "connectors/grpc/address.h"
#include "connectors/http/http.h"
#include "connectors/lytics/catalog.h"
#include "connectors/lytics/upload.h"
#include "connectors/s3/s3.h"
#include "connectors/zerobus/catalog.h"
#include "connectors/zerobus/rest.h"
#include "connectors/zerobus/token.h"
#include "fuzz_demand.h"

#define SECRET  "qzqzq"
#define PARTING "\n----\n"
#define RECORDS 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- in place of connectors/http: --wrap ------------------------------------------------------
 */

static struct {
    const char *at, *end; /* of the answers to come */
    int echoes;           /* 1: the secret stands in them */
} far;

struct tow_http *__wrap_tow_http_new(const struct tow_http_settings *settings,
                                     struct tow_error *err);
void __wrap_tow_http_free(struct tow_http *http);
int __wrap_tow_http_was_unsent(const struct tow_http *http);
int __wrap_tow_http_perform(struct tow_http *http, const struct tow_http_request *request,
                            struct tow_http_response *response, struct tow_error *err);

struct tow_http *__wrap_tow_http_new(const struct tow_http_settings *settings,
                                     struct tow_error *err)
{
    struct tow_http *http = malloc(1); /* so that a leak is seen */

    (void)settings;
    if (!http)
        tow_error_nomem(err);
    return http;
}

void __wrap_tow_http_free(struct tow_http *http)
{
    free(http);
}

int __wrap_tow_http_was_unsent(const struct tow_http *http)
{
    (void)http;
    return 0;
}

static void demand_request(const struct tow_http_request *request)
{
    struct tow_error err = TOW_ERROR_INIT;

    demand(tow_http_check_url(request->url, &err) == TOW_OK, "a URL that can be asked for");
    demand(far.echoes || !strstr(request->url, SECRET), "a URL without a secret");
    for (size_t i = 0; i < request->header_count; i++)
        for (const char *p = request->headers[i].value; *p; p++)
            demand((unsigned char)*p >= ' ' && *p != 0x7f, "a header of one line");
}

static int take_answer(struct tow_http_response *response, size_t limit, struct tow_error *err)
{
    size_t left = (size_t)(far.end - far.at);
    const char *next = memmem(far.at, left, PARTING, strlen(PARTING));
    const char *end = next ? next : far.end, *line = memchr(far.at, '\n', (size_t)(end - far.at));
    char head[160];

    snprintf(head, sizeof head, "%.*s", (int)((line ? line : end) - far.at), far.at);
    response->status = atoi(head) % 1000;
    if (strchr(head, ' '))
        snprintf(response->content_type, sizeof response->content_type, "%s",
                 strchr(head, ' ') + 1);
    far.at = next ? next + strlen(PARTING) : far.end;
    if (response->status < 100) {
        response->status = 0;
        return tow_error_set(err, TOW_E_TRANSIENT, "the connection broke");
    }
    if (line && (size_t)(end - line - 1) > limit && response->status < 300)
        return tow_error_set(err, TOW_E_ENV, "answer longer than %zu bytes", limit);
    demand(tow_buffer_append(&response->body, line ? line + 1 : end,
                             line ? (size_t)(end - line - 1) : 0, err) == TOW_OK &&
               tow_buffer_append(&response->body, "", 1, err) == TOW_OK,
           "memory");
    response->body.size--;
    return TOW_OK;
}

int __wrap_tow_http_perform(struct tow_http *http, const struct tow_http_request *request,
                            struct tow_http_response *response, struct tow_error *err)
{
    (void)http;
    demand_request(request);
    *response = (struct tow_http_response){.content_length = -1, .retry_after_ms = -1};
    if (far.at == far.end)
        return tow_error_set(err, TOW_E_CANCELLED, "nobody answers any more");
    return take_answer(response, request->limit ? request->limit : (size_t)16 << 20, err);
}

/* ---- what every call keeps --------------------------------------------------------------------
 */

/* One class or TOW_OK, with a message that tells no secret. */
static void demand_outcome(int code, struct tow_error *err)
{
    demand(code <= TOW_OK && code >= TOW_E_ENV, "a class");
    demand(code != TOW_E_BUG, "no broken promise");
    if (code != TOW_OK) {
        demand(err->code == code, "the class that is returned");
        demand_message(err);
        demand(far.echoes || !strstr(err->message, SECRET), "a message without a secret");
    }
    *err = (struct tow_error)TOW_ERROR_INIT;
}

static void demand_text(const char *text)
{
    demand(text && strlen(text) < 100000, "a text that ends");
}

/* ---- Databricks -------------------------------------------------------------------------------
 */

static const struct tow_databricks_config config = {.url = (char[]){"https://host.example"},
                                                    .login = TOW_DATABRICKS_CLIENT,
                                                    .client_id = (char[]){"me"},
                                                    .client_secret = (char[]){SECRET}};

static int see_file(void *context, const struct tow_volume_entry *entry, struct tow_error *err)
{
    int *count = context;

    (void)err;
    demand_text(entry->name);
    demand(*entry->name && !strchr(entry->name, '/'), "a name without a folder");
    return ++*count < 1000 ? TOW_OK : TOW_END;
}

static void try_volume(struct tow_databricks *databricks)
{
    struct tow_error err = TOW_ERROR_INIT;
    int count = 0, code;

    code = tow_volume_each(databricks, "/Volumes/a/b/c/d e", see_file, &count, &err);
    if (code != TOW_END)
        demand_outcome(code, &err);
    demand_outcome(tow_volume_remove(databricks, "/Volumes/a/b/c/d", &err), &err);
    demand_outcome(tow_volume_remove_folder(databricks, "/Volumes/a/b/c/d", &err), &err);
    demand_outcome(tow_volume_put(databricks, "/Volumes/a/b/c/d", -1, 0, &err), &err);
}

/* What is read of a table can be written as a descriptor. */
static void try_table(struct tow_databricks *databricks)
{
    struct tow_zerobus_message message;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};
    int code = tow_zerobus_catalog_read(databricks, "a.b.c", &message, &err);

    demand_outcome(code, &err);
    if (code != TOW_OK)
        return;
    demand(message.count > 0, "columns");
    demand(tow_zerobus_put_descriptor(&out, &message, &err) == TOW_OK, "a descriptor");
    demand(tow_zerobus_put_proto_file(&out, &message, "fuzz", &err) == TOW_OK, "a file");
    tow_zerobus_schema_release(&message);
    tow_buffer_release(&out);
}

static void try_databricks(void (*try)(struct tow_databricks *databricks))
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_databricks *databricks = tow_databricks_new(&config, -1, &err);

    demand(databricks != NULL, "a client");
    try(databricks);
    tow_databricks_free(databricks);
}

/* ---- Zerobus ----------------------------------------------------------------------------------
 */

static void try_token(void)
{
    struct token_request request = {
        .workspace = &config, .workspace_id = "123", .table = "a.b.c", .timeout_ms = 1000};
    struct tow_oauth_token token;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_http *http = __wrap_tow_http_new(NULL, &err);
    int code = token_fetch(http, &request, &token, &err);

    demand_outcome(code, &err);
    if (code == TOW_OK) {
        demand(strncmp(token.bearer, "Bearer ", 7) == 0 && token.bearer[7], "a token");
        for (const char *p = token.bearer; *p; p++)
            demand((unsigned char)*p >= ' ' && *p != 0x7f, "a token fit for a header");
        demand(token.life_ms >= 0 && token.life_ms <= 86400000, "a life of a day at most");
    } else {
        demand(!token.bearer, "no token");
    }
    tow_oauth_token_release(&token);
    __wrap_tow_http_free(http);
}

static int give_headers(void *context, int64_t timeout_ms, struct tow_zerobus_headers *headers,
                        struct tow_error *err)
{
    (void)context, (void)timeout_ms;
    return tow_zerobus_headers_add(headers, "authorization", "Bearer " SECRET, 1, err);
}

static void renew(void *context, const struct tow_zerobus_headers *headers)
{
    (void)headers;
    ++*(int *)context;
}

static int take_outcome(void *context, const struct tow_zerobus_outcome *outcome,
                        struct tow_error *err)
{
    int *seen = context;

    (void)err;
    demand(outcome->count > 0 && outcome->first + outcome->count <= RECORDS, "records that are");
    demand(!outcome->is_refused || (outcome->count == 1 && outcome->message[0]), "why it is not");
    for (size_t i = outcome->first; i < outcome->first + outcome->count; i++)
        demand(++seen[i] == 1, "one outcome for a record");
    return TOW_OK;
}

/* Each record has one outcome, or where the insertion fails, at most one. */
static void try_records(void)
{
    int seen[RECORDS] = {0}, renewals = 0, code;
    const struct tow_zerobus_rest_settings settings = {.endpoint = "https://host.example",
                                                       .table = "a.b.c",
                                                       .login = {give_headers, renew, &renewals},
                                                       .timeout_ms = 1000,
                                                       .cancel_fd = -1};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_zerobus_rest *rest = tow_zerobus_rest_new(&settings, &err);
    struct tow_buffer body = {0};

    demand(rest != NULL, "a client");
    for (int i = 0; i < RECORDS; i++) {
        char head[TOW_ZEROBUS_RECORD_HEAD_MAX], text[16];
        int length = snprintf(text, sizeof text, "{\"a\":%d}", i);
        char *end = tow_zerobus_put_record_head(head, (size_t)length);

        demand(tow_buffer_append(&body, head, (size_t)(end - head), &err) == TOW_OK &&
                   tow_buffer_append(&body, text, (size_t)length, &err) == TOW_OK,
               "memory");
    }
    code = tow_zerobus_rest_insert(rest, &body, RECORDS, take_outcome, seen, &err);
    demand_outcome(code, &err);
    for (int i = 0; i < RECORDS && code == TOW_OK; i++)
        demand(seen[i] == 1, "an outcome for each record");
    tow_buffer_release(&body);
    tow_zerobus_rest_free(rest);
}

/* ---- S3 ---------------------------------------------------------------------------------------
 */

static int see_object(void *context, const struct tow_s3_entry *entry, struct tow_error *err)
{
    int *count = context;

    (void)err;
    demand_text(entry->key);
    demand(*entry->key, "a key");
    if (!entry->is_common) {
        demand(entry->size >= 0, "a size");
        demand_text(entry->etag);
    }
    return ++*count < 1000 ? TOW_OK : TOW_END;
}

static void try_s3(void)
{
    const struct tow_s3_settings settings = {.bucket = "bucket",
                                             .region = "us-east-1",
                                             .endpoint = "https://host.example/base",
                                             .access_key = "AKIA",
                                             .secret_key = SECRET};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_s3 *s3 = tow_s3_new(&settings, -1, &err);
    int count = 0, is_there = 5, code;

    demand(s3 != NULL, "a client");
    code = tow_s3_each(s3, "pre fix/", '/', see_object, &count, &err);
    if (code != TOW_END)
        demand_outcome(code, &err);
    err = (struct tow_error)TOW_ERROR_INIT;
    code = tow_s3_exists(s3, "key", &is_there, &err);
    demand_outcome(code, &err);
    demand(code != TOW_OK || is_there == 0 || is_there == 1, "a yes or a no");
    demand_outcome(tow_s3_remove(s3, "key", &err), &err);
    tow_s3_free(s3);
}

/* ---- Lytics -----------------------------------------------------------------------------------
 */

static int see_segment(void *context, const struct tow_lytics_segment *segment,
                       struct tow_error *err)
{
    (void)context, (void)err;
    demand(segment->id[0] != '\0' && strlen(segment->id) < TOW_LYTICS_NAME_MAX, "an id");
    demand(strlen(segment->slug) < TOW_LYTICS_NAME_MAX && segment->size >= -1, "an audience");
    return TOW_OK;
}

static int see_field(void *context, const struct tow_lytics_field *field, struct tow_error *err)
{
    (void)context, (void)err;
    demand(*field->name && field->type, "a name and a type");
    demand(field->kind >= TOW_LYTICS_TEXT && field->kind <= TOW_LYTICS_OTHER, "a kind");
    return TOW_OK;
}

static int see_id(void *context, const char *id, struct tow_error *err)
{
    (void)context, (void)err;
    demand_text(id);
    return TOW_OK;
}

static void try_lytics(int what)
{
    const struct tow_lytics_settings settings = {.token = SECRET, .cancel_fd = -1};
    struct tow_lytics_upload upload = {
        .stream = "s", .is_json = 1, .body = "[]", .length = 2, .filename = "f"};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_lytics *lytics = tow_lytics_new(&settings, &err);
    struct tow_lytics_account account;
    struct tow_lytics_segment segment;
    struct tow_lytics_receipt receipt;
    int code;

    demand(lytics != NULL, "a client");
    if (what == 0) {
        code = tow_lytics_account(lytics, &account, &err);
        demand(code != TOW_OK || (account.aid >= 0 && strlen(account.name) < sizeof account.name),
               "an account");
    } else if (what == 1) {
        code = tow_lytics_segment(lytics, "x", &segment, &err);
        if (code == TOW_OK)
            see_segment(NULL, &segment, &err);
    } else if (what == 2) {
        code = tow_lytics_ids(lytics, "segment", see_id, NULL, &err);
    } else if (what == 3) {
        code = tow_lytics_fields(lytics, "user", see_field, NULL, &err);
    } else if (what == 4) {
        code = tow_lytics_ids(lytics, "stream", see_id, NULL, &err);
    } else if (what == 5) {
        code = tow_lytics_ids(lytics, "works", see_id, NULL, &err);
    } else {
        code = tow_lytics_upload(lytics, &upload, &receipt, &err);
        demand(code != TOW_OK || (receipt.message_count >= -1 && receipt.rejected_count >= -1),
               "a receipt");
    }
    demand_outcome(code, &err);
    tow_lytics_free(lytics);
}

/* ---- URLs -------------------------------------------------------------------------------------
 */

/* 1 where the text may stand for this machine. */
static int is_local(const char *url)
{
    return strcasestr(url, "localhost") || strstr(url, "127.") || strchr(url, '[') ||
           strcasestr(url, "0x7f") || strstr(url, "0177") || strstr(url, "21307");
}

static void try_endpoint(const char *url)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct grpc_address address;

    if (tow_http_check_url(url, &err) == TOW_OK) {
        demand(strncasecmp(url, "https:", 6) == 0 || is_local(url), "https, or this machine");
        for (const char *p = url; *p; p++)
            demand(*p > ' ' && *p < 0x7f, "a URL without blanks");
    } else {
        demand(err.code == TOW_E_CONFIG, "a refusal");
        demand_message(&err);
    }
    err = (struct tow_error)TOW_ERROR_INIT;
    if (grpc_address_init(&address, url, "", &err) == TOW_OK) {
        demand(*address.host && !strchr(address.host, '/'), "a host");
        demand(strncmp(address.url, "http://", 7) == 0 &&
                   strcmp(address.url + 7, address.authority) == 0,
               "its own authority");
        demand(address.is_secure || is_local(url), "TLS, or this machine");
    } else {
        demand_message(&err);
    }
    grpc_address_release(&address);
}

static void try_url(const char *text, size_t size)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};
    char *url = strndup(text, size), *back;
    int length = 0;

    demand(url != NULL, "memory");
    try_endpoint(url);
    demand(tow_http_encode(&out, text, size, size & 1, &err) == TOW_OK, "memory");
    demand(tow_buffer_append(&out, "", 1, &err) == TOW_OK, "memory");
    back = curl_easy_unescape(NULL, out.data, (int)out.size - 1, &length);
    demand(back && (size_t)length == size && memcmp(back, text, size) == 0, "the same text");
    curl_free(back);
    tow_buffer_release(&out);
    free(url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    far.at = (const char *)data + 2;
    far.end = (const char *)data + size;
    far.echoes = memmem(data, size, SECRET, strlen(SECRET)) != NULL;
    if (data[0] == 'v')
        try_databricks(try_volume);
    else if (data[0] == 't')
        try_databricks(try_table);
    else if (data[0] == 's')
        try_s3();
    else if (data[0] == 'z')
        try_token();
    else if (data[0] == 'r')
        try_records();
    else if (data[0] == 'u')
        try_url(far.at, size - 2);
    else
        try_lytics(data[1] % 7);
    return 0;
}
