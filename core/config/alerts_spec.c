#include "config/alerts_spec.h"

#include <string.h>

#include "config/excerpt.h"
#include "config/job_keys.h"
#include "config/job_reader.h"
#include "config/option/bind.h"

#define SECOND   INT64_C(1000) /* in milliseconds */
#define BODY_MAX 16384

struct alert_entry {
    struct tow_strings on;
    const char *url, *body;
    int32_t format;
    int64_t late_ms;
};

const struct tow_option tow_job_alert_options[] = {
    {"on", TOW_OPTION_STRINGS, TOW_OPTION_REQUIRED, offsetof(struct alert_entry, on), NULL, 0, 0,
     NULL, "changes that are told: failure, recovery, rejects, late"},
    {"url", TOW_OPTION_STRING, TOW_OPTION_REQUIRED | TOW_OPTION_SECRET,
     offsetof(struct alert_entry, url), NULL, 1, TOW_ALERT_URL_MAX, NULL,
     "where a POST goes: https, or http on this machine"},
    {"format", TOW_OPTION_CHOICE, 0, offsetof(struct alert_entry, format), "json", 0, 0,
     "json|slack", "form of the body"},
    {"body", TOW_OPTION_STRING, 0, offsetof(struct alert_entry, body), NULL, 1, BODY_MAX, NULL,
     "the body, with {job}, {event}, {text} and others replaced"},
    {"late_after", TOW_OPTION_DURATION, 0, offsetof(struct alert_entry, late_ms), "15m", SECOND,
     7 * 86400 * SECOND, NULL, "how late a slot starts that is told as late"},
    TOW_OPTIONS_END,
};

static const char *const alert_events[] = {"failure", "recovery", "rejects", "late", NULL};

const char *const tow_alert_words[] = {
    "text", "job",  "event", "status",   "error",    "run",      "exit_code", "start", "end",
    "slot", "host", "read",  "accepted", "rejected", "filtered", "pending",   NULL};

uint32_t tow_alert_event(const char *name)
{
    for (int i = 0; alert_events[i]; i++)
        if (strcmp(alert_events[i], name) == 0)
            return 1u << i;
    return 0;
}

const char *tow_alert_event_name(uint32_t event)
{
    return alert_events[event ? __builtin_ctz(event) & 3 : 0];
}

size_t tow_alert_word(const char *text)
{
    size_t length = text[0] == '{' ? strspn(text + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;

    return length > 0 && text[length + 1] == '}' ? length + 2 : 0;
}

/* A word that is not known. */
static void alert_refuse(const struct tow_job_reader *reader, const struct tow_setting *entry,
                         const char *key, const char *shown, const char *near)
{
    const struct tow_setting *at = tow_setting_get(entry, key);

    tow_diags_add(reader->diags, TOW_DIAG_ERROR, at ? at->file : entry->file,
                  at ? at->line : entry->line, "%s: \"%s\" is no word that alerts know%s%s%s", key,
                  shown, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static uint32_t alert_read_on(const struct tow_job_reader *reader, const struct tow_setting *entry,
                              const struct tow_strings *on)
{
    char shown[TOW_EXCERPT_MAX];
    uint32_t bits = 0;

    for (uint32_t i = 0; i < on->count; i++) {
        const char *name = on->items[i];
        uint32_t bit = tow_alert_event(name);

        bits |= bit;
        if (!bit)
            alert_refuse(reader, entry, "on", tow_excerpt(name, strlen(name), shown),
                         tow_nearest(name, alert_events));
    }
    return bits;
}

/* Up to the port or path: a name that is this machine and nothing else. */
static int alert_is_loopback(const char *host)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t length = strlen(names[i]);

        if (strncasecmp(host, names[i], length) == 0 &&
            (!host[length] || strchr(":/?#", host[length])))
            return 1;
    }
    return 0;
}

static const char *alert_url_fault(const char *url)
{
    const char *host = strstr(url, "://");
    size_t length;

    if (strncasecmp(url, "https://", 8) != 0 && strncasecmp(url, "http://", 7) != 0)
        return "must start with https://";
    host += 3;
    length = strcspn(host, "/?#");
    if (length == 0 || host[0] == ':')
        return "names no host";
    if (memchr(host, '@', length))
        return "holds a user name, which is not supported";
    for (const char *p = url; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return "holds a blank or control character";
    if (strncasecmp(url, "http://", 7) == 0 && !alert_is_loopback(host))
        return "is plain http to another machine: use https";
    return NULL;
}

static void alert_check_url(const struct tow_job_reader *reader, const struct tow_setting *entry,
                            const char *url)
{
    const struct tow_setting *at = tow_setting_get(entry, "url");
    const char *fault = url ? alert_url_fault(url) : NULL;

    if (fault && at && at->expanded != TOW_SETTING_UNKNOWN)
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, at->file, at->line, "url: it %s", fault);
}

static void alert_check_body(const struct tow_job_reader *reader, const struct tow_setting *entry,
                             const char *body)
{
    char shown[TOW_EXCERPT_MAX], word[TOW_EXCERPT_MAX];

    for (const char *p = body ? strchr(body, '{') : NULL; p; p = strchr(p + 1, '{')) {
        size_t length = tow_alert_word(p);
        const char *const *known = tow_alert_words;

        if (!length)
            continue;
        while (*known && (strlen(*known) != length - 2 || memcmp(*known, p + 1, length - 2) != 0))
            known++;
        if (!*known)
            alert_refuse(reader, entry, "body", tow_excerpt(p + 1, length - 2, shown),
                         tow_nearest(tow_excerpt(p + 1, length - 2, word), tow_alert_words));
    }
}

static int alert_read(struct tow_job_reader *reader, const struct tow_setting *entry,
                      struct tow_alert_spec *spec)
{
    struct alert_entry read = {0};
    struct tow_binding binding = {
        .options = tow_job_alert_options,
        .owner = "an alert",
        .self = &read,
        .target = {&reader->content->pool, reader->job->dir},
        .diags = reader->diags,
    };

    if (!tow_job_expect_kind(reader, entry, TOW_SETTING_GROUP))
        return TOW_OK;
    int rc = tow_bind(&binding, entry, reader->err);
    if (rc)
        return rc;
    *spec = (struct tow_alert_spec){.on = alert_read_on(reader, entry, &read.on),
                                    .url = read.url,
                                    .body = read.body,
                                    .format = read.format,
                                    .late_ms = read.late_ms};
    alert_check_url(reader, entry, read.url);
    alert_check_body(reader, entry, read.body);
    return TOW_OK;
}

int tow_job_read_alerts(struct tow_job_reader *reader)
{
    const struct tow_setting *list = tow_setting_get(&reader->content->group, "alerts");
    struct tow_job *job = reader->job;
    int rc = TOW_OK;

    if (!list || !tow_job_expect_kind(reader, list, TOW_SETTING_LIST))
        return TOW_OK;
    if (list->count > TOW_ALERTS_MAX) {
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, list->file, list->line,
                      "alerts: %zu entries; at most %d are possible", list->count, TOW_ALERTS_MAX);
        return TOW_OK;
    }
    job->alerts = tow_pool_alloc(&reader->content->pool, (list->count + 1) * sizeof *job->alerts);
    if (!job->alerts)
        return tow_error_nomem(reader->err);
    job->alert_count = list->count;
    for (size_t i = 0; !rc && i < list->count; i++)
        rc = alert_read(reader, &list->items[i], &job->alerts[i]);
    return rc;
}
