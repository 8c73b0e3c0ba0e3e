/* Answers of The Trade Desk: the first byte chooses the status, the rest is the body. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/ttd/answer.h"
#include "towpath/value.h"

#define ITEMS  5
#define SECRET "qzq"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

static void check_text(const char *text)
{
    check(text[0] != '\0');
    check(tow_utf8_valid(text, strlen(text)));
    check(!strstr(text, SECRET));
    check(!strpbrk(text, "\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 202, 302, 400, 401, 413, 429, 500};
    struct tow_http_response response = {.retry_after_ms = -1, .content_length = -1};
    struct tow_ttd_answer answer = {.named = 0};
    struct tow_error err = TOW_ERROR_INIT;
    char *body;
    int64_t named = 0;
    int rc;

    if (size == 0)
        return 0;
    body = malloc(size);
    check(body != NULL);
    memcpy(body, data + 1, size - 1);
    body[size - 1] = '\0';
    response.status = statuses[data[0] % (sizeof statuses / sizeof *statuses)];
    response.body = (struct tow_buffer){.data = body, .size = size - 1};
    rc = tow_ttd_answer_read(&answer, &response, ITEMS, SECRET, &err);
    for (int64_t item = 1; item <= ITEMS; item++) {
        const struct tow_ttd_failure *failure = tow_ttd_answer_failure(&answer, item);

        if (failure) {
            check_text(tow_ttd_failure_code(&answer, failure));
            check_text(tow_ttd_failure_message(&answer, failure));
        }
        named += failure && failure != &answer.failures[0];
    }
    check(named == answer.named);
    check(rc == TOW_OK || err.message[0]);
    check(!strstr(err.message, SECRET));
    check(rc != TOW_OK || response.status < 300);
    tow_ttd_answer_release(&answer);
    free(body);
    return 0;
}
