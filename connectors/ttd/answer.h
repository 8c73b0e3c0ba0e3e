/*
 * What the Data API says became of a request's items (TTD Data API), however it is put:
 * {"FailedLines": [...]}, a JSON string, {"message": ...}, plain text, a page, nothing.
 */
#ifndef CONNECTORS_TTD_ANSWER_H
#define CONNECTORS_TTD_ANSWER_H

#include <stdint.h>

#include "connectors/http/http.h"

/* Why an item was refused. Several lines about one item are one failure: the code is that of the
 * last line, the message has what each of them says. */
struct tow_ttd_failure {
    size_t code, message; /* offsets of NUL-terminated texts in `text`, neither of them empty */
    unsigned lines;       /* of the answer; 0: no failure */
};

/* Zero-initialized is empty and valid; used again for each answer. */
struct tow_ttd_answer {
    struct tow_ttd_failure *failures; /* by item, from 1; [0]: said of no item, or of one that there
                                         is not */
    int64_t capacity;
    int64_t named;    /* items with a failure */
    int is_general;   /* 1: there is one at [0] */
    int is_too_large; /* 1: the request has too many bytes */
    int is_dirty;     /* 1: failures are to be cleared before the next answer */
    struct tow_buffer text;
    struct tow_buffer scratch;
};

void tow_ttd_answer_release(struct tow_ttd_answer *answer);

/*
 * Reads the answer to a request of `items` items, at least one. TOW_OK: the request was taken; an
 * item without a failure is accepted, or where is_general, refused with the failure at [0].
 * Otherwise nothing was taken; items with a failure of their own are refused for good all the same,
 * and the class says what is to become of the rest:
 * TOW_E_TRANSIENT and TOW_E_RATE, also for a 400 that names items: send it again;
 * TOW_E_AUTH: 401 and 403; TOW_E_DATA with is_too_large: 413; TOW_E_CONFIG: what no repetition
 * mends, redirects among it; TOW_E_ENV: what is no answer of the Data API; TOW_E_NOMEM.
 * No text holds `secret`, should the far end have repeated it.
 */
int tow_ttd_answer_read(struct tow_ttd_answer *answer, const struct tow_http_response *response,
                        int64_t items, const char *secret, struct tow_error *err);

/* What is to be said of item `item`: NULL where it is accepted. */
static inline const struct tow_ttd_failure *tow_ttd_answer_failure(
    const struct tow_ttd_answer *answer, int64_t item)
{
    if (answer->named == 0 && !answer->is_general)
        return NULL;
    if (answer->failures[item].lines)
        return &answer->failures[item];
    return answer->is_general ? &answer->failures[0] : NULL;
}

static inline const char *tow_ttd_failure_code(const struct tow_ttd_answer *answer,
                                               const struct tow_ttd_failure *failure)
{
    return answer->text.data + failure->code;
}

static inline const char *tow_ttd_failure_message(const struct tow_ttd_answer *answer,
                                                  const struct tow_ttd_failure *failure)
{
    return answer->text.data + failure->message;
}

#endif
