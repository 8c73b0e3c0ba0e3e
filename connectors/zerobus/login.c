#include "connectors/zerobus/login.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/databricks/secret.h"
#include "connectors/grpc/clock.h"
#include "connectors/zerobus/command.h"
#include "connectors/zerobus/token.h"
#include "towpath/clock.h"

#define LOGIN_REFRESH_MS 300000
#define LOGIN_AGAIN_MS   30000 /* between two attempts to renew a token that still lasts */

struct tow_zerobus_account {
    char *table, *workspace_id;
    struct tow_databricks_config workspace; /* url NULL: no OAuth */
    char **headers;                         /* "name: value"; header_count of them */
    size_t header_count;
    char **command;
    size_t command_count;
    int64_t refresh_ms;
    int cancel_fd;

    pthread_mutex_t lock; /* held while a token is fetched: the others wait for it */
    struct tow_http *http;
    struct tow_oauth_token token;
    int64_t renew_ms; /* when to fetch another one ... */
    int64_t end_ms;   /* ... and when this one is of no more use */
};

/* ---- names ----------------------------------------------------------------------------------- */

int tow_zerobus_check_table(const char *table, struct tow_error *err)
{
    size_t parts = 1;
    int is_empty = *table == '\0';

    for (const char *p = table; *p; p++) {
        parts += *p == '.';
        is_empty |= *p == '.' && (p == table || p[1] == '.' || p[1] == '\0');
        is_empty |= *p == '`' || *p <= ' ';
    }
    if (parts == 3 && !is_empty)
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG,
                         "\"%s\" is no table of Unity Catalog; it is written as "
                         "catalog.schema.table",
                         table);
}

char *tow_zerobus_workspace_id(const char *endpoint)
{
    const char *host = strstr(endpoint, "://");

    host = host ? host + 3 : endpoint;
    return strndup(host, strcspn(host, ".:/"));
}

/* ---- headers of the user's own ----------------------------------------------------------------
 */

static int login_is_secret(const char *name)
{
    return strcasecmp(name, TOW_ZEROBUS_TABLE_HEADER) != 0;
}

/* Adds a line "name: value" of `length` bytes. Empty lines count for nothing. */
static int login_add_line(struct tow_zerobus_headers *headers, const char *line, size_t length,
                          struct tow_error *err)
{
    char *text = strndup(line, length), *colon, *value;
    int code;

    if (!text)
        return tow_error_nomem(err);
    length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    colon = strchr(text, ':');
    value = colon ? colon + 1 + strspn(colon + 1, " \t") : NULL;
    if (length == 0) {
        code = TOW_OK;
    } else if (!value || !*value || colon == text) {
        code = tow_error_set(err, TOW_E_CONFIG,
                             "a header is written as \"name: value\"; one of them is not");
    } else {
        *colon = '\0';
        for (char *p = text; *p; p++)
            *p = (char)tolower((unsigned char)*p);
        code = tow_zerobus_headers_add(headers, text, value, login_is_secret(text), err);
    }
    tow_secret_free(text);
    return code;
}

static int login_add_lines(struct tow_zerobus_headers *headers, const struct tow_buffer *lines,
                           struct tow_error *err)
{
    size_t at = 0;
    int code = TOW_OK;

    while (at < lines->size && code == TOW_OK) {
        const char *end = memchr(lines->data + at, '\n', lines->size - at);
        size_t length = end ? (size_t)(end - lines->data) - at : lines->size - at;

        code = login_add_line(headers, lines->data + at, length, err);
        at += length + 1;
    }
    return code;
}

/* The table's header is what this connector knows best. */
static int login_add_table(const struct tow_zerobus_account *account,
                           struct tow_zerobus_headers *headers, struct tow_error *err)
{
    const char *table = tow_zerobus_headers_find(headers, TOW_ZEROBUS_TABLE_HEADER);

    if (!table)
        return tow_zerobus_headers_add(headers, TOW_ZEROBUS_TABLE_HEADER, account->table, 0, err);
    if (strcmp(table, account->table) == 0)
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG,
                         "the header " TOW_ZEROBUS_TABLE_HEADER " names another table than %s",
                         account->table);
}

static int login_run_command(struct tow_zerobus_account *account, int64_t timeout_ms,
                             struct tow_zerobus_headers *headers, struct tow_error *err)
{
    struct tow_buffer lines = {0};
    int code = tow_buffer_reserve(&lines, 2 * TOW_ZEROBUS_COMMAND_OUTPUT_MAX, err);

    if (code == TOW_OK)
        code =
            tow_zerobus_run_command((const char *const *)account->command, account->command_count,
                                    timeout_ms, account->cancel_fd, &lines, err);
    if (code == TOW_OK)
        code = login_add_lines(headers, &lines, err);
    tow_secret_buffer_release(&lines);
    return code;
}

static int login_own_headers(struct tow_zerobus_account *account, int64_t timeout_ms,
                             struct tow_zerobus_headers *headers, struct tow_error *err)
{
    int code = TOW_OK;

    for (size_t i = 0; i < account->header_count && code == TOW_OK; i++)
        code = login_add_line(headers, account->headers[i], strlen(account->headers[i]), err);
    if (code == TOW_OK && account->command_count)
        code = login_run_command(account, timeout_ms, headers, err);
    if (code == TOW_OK && !tow_zerobus_headers_find(headers, "authorization"))
        code = tow_error_set(err, TOW_E_CONFIG,
                             "the headers for Zerobus lack one: \"authorization: Bearer ...\"");
    return code == TOW_OK ? login_add_table(account, headers, err) : code;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static void login_keep(struct tow_zerobus_account *account, struct tow_oauth_token *token,
                       int64_t began_ms)
{
    int64_t lead_ms = account->refresh_ms;

    tow_oauth_token_release(&account->token);
    account->token = *token;
    account->renew_ms = account->end_ms = began_ms; /* one whose life nobody knows is used once */
    if (token->life_ms == 0)
        return;
    if (lead_ms > token->life_ms / 2)
        lead_ms = token->life_ms / 2;
    account->end_ms = began_ms + token->life_ms;
    account->renew_ms = account->end_ms - lead_ms;
}

static int login_fetch(struct tow_zerobus_account *account, int64_t timeout_ms,
                       struct tow_error *err)
{
    struct token_request request = {&account->workspace, account->workspace_id, account->table,
                                    timeout_ms};
    int64_t began_ms = tow_monotonic_ms();
    struct tow_oauth_token token;
    int code = token_fetch(account->http, &request, &token, err);

    if (code == TOW_OK) {
        login_keep(account, &token, began_ms);
        return TOW_OK;
    }
    if (account->token.bearer && tow_monotonic_ms() < account->end_ms && code != TOW_E_CANCELLED) {
        account->renew_ms = tow_monotonic_ms() + LOGIN_AGAIN_MS;
        if (account->renew_ms > account->end_ms)
            account->renew_ms = account->end_ms;
        return TOW_OK;
    }
    return code;
}

/* Renewing a token that lasts is not worth the whole time of whoever waits for it. */
static int login_have_token(struct tow_zerobus_account *account, int64_t timeout_ms,
                            struct tow_error *err)
{
    int64_t now_ms = tow_monotonic_ms();

    if (account->token.bearer && now_ms < account->renew_ms)
        return TOW_OK;
    if (account->token.bearer && now_ms < account->end_ms)
        timeout_ms /= 2;
    return login_fetch(account, timeout_ms > 0 ? timeout_ms : 1, err);
}

int tow_zerobus_account_bearer(struct tow_zerobus_account *account, int64_t timeout_ms,
                               struct tow_buffer *bearer, struct tow_error *err)
{
    int code;

    pthread_mutex_lock(&account->lock);
    code = login_have_token(account, timeout_ms, err);
    if (code == TOW_OK)
        code = tow_buffer_append(bearer, account->token.bearer, strlen(account->token.bearer) + 1,
                                 err);
    pthread_mutex_unlock(&account->lock);
    return code;
}

void tow_zerobus_account_forget(struct tow_zerobus_account *account, const char *bearer)
{
    pthread_mutex_lock(&account->lock);
    if (account->token.bearer && strcmp(account->token.bearer, bearer) == 0)
        tow_oauth_token_release(&account->token);
    pthread_mutex_unlock(&account->lock);
}

/* ---- for streams ----------------------------------------------------------------------------- */

static int login_headers(void *context, int64_t timeout_ms, struct tow_zerobus_headers *headers,
                         struct tow_error *err)
{
    struct tow_zerobus_account *account = context;
    struct tow_buffer bearer = {0};
    int code;

    if (!account->workspace.url)
        return login_own_headers(account, timeout_ms, headers, err);
    code = tow_zerobus_account_bearer(account, timeout_ms, &bearer, err);
    if (code == TOW_OK)
        code = tow_zerobus_headers_add(headers, "authorization", bearer.data, 1, err);
    if (code == TOW_OK)
        code = login_add_table(account, headers, err);
    tow_secret_buffer_release(&bearer);
    return code;
}

static void login_refused(void *context, const struct tow_zerobus_headers *headers)
{
    const char *bearer = tow_zerobus_headers_find(headers, "authorization");

    if (bearer)
        tow_zerobus_account_forget(context, bearer);
}

struct tow_zerobus_login tow_zerobus_account_login(struct tow_zerobus_account *account)
{
    /* Headers that are written down are the same the next time. */
    int can_renew = account->workspace.url || account->command_count;

    return (struct tow_zerobus_login){login_headers, can_renew ? login_refused : NULL, account};
}

/* ---- life ------------------------------------------------------------------------------------ */

static int login_copy_texts(char ***to, size_t *to_count, const char *const *from, size_t count)
{
    *to = calloc(count + 1, sizeof **to);
    if (!*to)
        return 0;
    for (*to_count = 0; *to_count < count; (*to_count)++) {
        (*to)[*to_count] = strdup(from[*to_count]);
        if (!(*to)[*to_count])
            return 0;
    }
    return 1;
}

static int login_copy(struct tow_zerobus_account *account,
                      const struct tow_zerobus_login_settings *settings)
{
    account->refresh_ms = settings->refresh_ms ? settings->refresh_ms : LOGIN_REFRESH_MS;
    account->cancel_fd = settings->cancel_fd;
    account->table = strdup(settings->table);
    account->workspace_id = strdup(settings->workspace_id ? settings->workspace_id : "");
    return account->table && account->workspace_id &&
           login_copy_texts(&account->headers, &account->header_count, settings->headers,
                            settings->header_count) &&
           login_copy_texts(&account->command, &account->command_count, settings->command,
                            settings->command_count) &&
           (!settings->workspace ||
            tow_databricks_config_copy(&account->workspace, settings->workspace, NULL) == TOW_OK);
}

/* Headers that are written down are known to be right or wrong now. */
static int login_check(struct tow_zerobus_account *account, struct tow_error *err)
{
    struct tow_zerobus_headers headers = {.count = 0};
    int code = tow_zerobus_check_table(account->table, err);

    if (code == TOW_OK && !account->workspace.url && !account->command_count)
        code = login_own_headers(account, 0, &headers, err);
    tow_zerobus_headers_release(&headers);
    return code;
}

struct tow_zerobus_account *tow_zerobus_account_new(
    const struct tow_zerobus_login_settings *settings, struct tow_error *err)
{
    struct tow_zerobus_account *account = calloc(1, sizeof *account);
    int code = TOW_OK;

    if (!account) {
        tow_error_nomem(err);
        return NULL;
    }
    pthread_mutex_init(&account->lock, NULL);
    if (!login_copy(account, settings))
        code = tow_error_nomem(err);
    if (code == TOW_OK)
        code = login_check(account, err);
    if (code == TOW_OK && account->workspace.url) {
        const struct tow_http_settings http = {.ca_file = account->workspace.ca_file,
                                               .identity = account->workspace.identity,
                                               .proxy = account->workspace.proxy,
                                               .cancel_fd = settings->cancel_fd};

        account->http = tow_http_new(&http, err);
        code = account->http ? TOW_OK : TOW_E_NOMEM;
    }
    if (code == TOW_OK)
        return account;
    tow_zerobus_account_free(account);
    return NULL;
}

static void login_free_texts(char **texts, size_t count)
{
    for (size_t i = 0; texts && i < count; i++)
        tow_secret_free(texts[i]);
    free(texts);
}

void tow_zerobus_account_free(struct tow_zerobus_account *account)
{
    if (!account)
        return;
    if (account->http)
        tow_http_free(account->http);
    tow_oauth_token_release(&account->token);
    tow_databricks_config_release(&account->workspace);
    login_free_texts(account->headers, account->header_count);
    login_free_texts(account->command, account->command_count);
    free(account->table);
    free(account->workspace_id);
    pthread_mutex_destroy(&account->lock);
    free(account);
}
