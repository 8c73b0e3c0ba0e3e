/* The entries of a job's `alerts`: which changes are told, and where to. */
#ifndef CORE_CONFIG_ALERTS_SPEC_H
#define CORE_CONFIG_ALERTS_SPEC_H

#include <stddef.h>
#include <stdint.h>

/* Bits of `on`. */
#define TOW_ALERT_FAILURE  1u
#define TOW_ALERT_RECOVERY 2u
#define TOW_ALERT_REJECTS  4u
#define TOW_ALERT_LATE     8u

/* Forms of the body. */
#define TOW_ALERT_JSON  0
#define TOW_ALERT_SLACK 1

#define TOW_ALERTS_MAX    16
#define TOW_ALERT_URL_MAX 2048

/* Strings belong to the job. The URL of a webhook is its password: it is in no message. */
struct tow_alert_spec {
    uint32_t on;
    const char *url;  /* https, or http on this machine */
    const char *body; /* a template; NULL: by format */
    int32_t format;
    int64_t late_ms; /* a slot that has not started so long after its time is late */
};

/* The bit of a word of `on`, 0 where it is none; and the word of a bit. */
uint32_t tow_alert_event(const char *name);
const char *tow_alert_event_name(uint32_t event);

/* Words that a template may hold in braces, ended by NULL. */
extern const char *const tow_alert_words[];
/* The length of "{word}" at the start of the text, 0 where there is no such thing: braces of the
 * JSON around it are not meant. */
size_t tow_alert_word(const char *text);

#endif
