/*
 * towpath-alert: sends one message to a webhook. Standard input brings the URL, a line end, and the
 * JSON body; exit code 0 says that the far end took it (2xx). What goes wrong is said on standard
 * output, without the URL, which is as good as a password.
 *
 * TLS is verified, with the system's certificates or those of $SSL_CERT_FILE; plain http goes to
 * this machine only, past any proxy; redirects are not followed.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hide.h"

#define LETTER_MAX  (256u << 10)
#define ANSWER_MAX  (64u << 10)
#define CONNECT_MS  5000L
#define EXCHANGE_MS 20000L

static int alert_fail(const char *what)
{
    printf("%s\n", what);
    return 1;
}

/* What the far end says back is of no use; but it is taken, up to a limit, so that it can end. */
static size_t alert_take(char *bytes, size_t size, size_t count, void *context)
{
    size_t *taken = context;

    (void)bytes;
    *taken += size * count;
    return *taken <= ANSWER_MAX ? size * count : 0;
}

static int alert_set(CURL *curl, const char *url, const char *body, struct curl_slist *headers,
                     size_t *taken)
{
    int plain = strncasecmp(url, "http://", 7) == 0;
    const char *authorities = getenv("SSL_CERT_FILE");
    CURLcode rc = curl_easy_setopt(curl, CURLOPT_URL, url);

#define SET(option, value) rc = rc ? rc : curl_easy_setopt(curl, option, value)
    SET(CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
    SET(CURLOPT_POSTFIELDS, body);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_USERAGENT, "towpath-alert");
    SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    SET(CURLOPT_TIMEOUT_MS, EXCHANGE_MS);
    SET(CURLOPT_WRITEFUNCTION, alert_take);
    SET(CURLOPT_WRITEDATA, taken);
    if (plain)
        SET(CURLOPT_NOPROXY, "*");
    if (authorities && *authorities)
        SET(CURLOPT_CAINFO, authorities);
#undef SET
    return rc ? alert_fail(curl_easy_strerror(rc)) : 0;
}

static int alert_perform(CURL *curl)
{
    long status = 0;
    char text[64];
    CURLcode rc = curl_easy_perform(curl);

    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    /* An answer that is too long comes with a status all the same. */
    if (rc && !(rc == CURLE_WRITE_ERROR && status))
        return alert_fail(curl_easy_strerror(rc));
    if (status >= 200 && status < 300)
        return 0;
    snprintf(text, sizeof text, "the far end answered with HTTP status %ld", status);
    return alert_fail(text);
}

static int alert_send(const char *url, const char *body)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    size_t taken = 0;
    int failed = 1;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        CURL *curl = curl_easy_init();

        if (curl && headers)
            failed = alert_set(curl, url, body, headers, &taken) || alert_perform(curl);
        else
            alert_fail("out of memory");
        curl_easy_cleanup(curl);
        curl_global_cleanup();
    }
    curl_slist_free_all(headers);
    return failed;
}

int main(void)
{
    tow_process_hide();
    char *letter = malloc(LETTER_MAX + 1);
    size_t length = letter ? fread(letter, 1, LETTER_MAX, stdin) : 0;
    char *end = letter ? memchr(letter, '\n', length) : NULL;
    int failed;

    if (!end || !feof(stdin)) {
        free(letter);
        return alert_fail("standard input must bring a URL and a body");
    }
    letter[length] = '\0';
    *end = '\0';
    failed = alert_send(letter, end + 1);
    explicit_bzero(letter, length);
    free(letter);
    return failed;
}
