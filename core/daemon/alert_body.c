#include "daemon/alert_body.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "towpath/value.h"

/* The values of tow_alert_words, and the order in which the JSON form has them. */
struct body_values {
    char text[TOW_ALERT_TEXT_MAX];
    char numbers[16][TOW_INT64_TEXT_MAX + 1];
    char start[TOW_TIMESTAMP_TEXT_MAX + 1], end[TOW_TIMESTAMP_TEXT_MAX + 1];
    char slot[TOW_TIMESTAMP_TEXT_MAX + 1];
    const char *values[16]; /* in the order of tow_alert_words */
};

enum body_word {
    BODY_TEXT,
    BODY_JOB,
    BODY_EVENT,
    BODY_STATUS,
    BODY_ERROR,
    BODY_RUN,
    BODY_EXIT_CODE,
    BODY_START,
    BODY_END,
    BODY_SLOT,
    BODY_HOST,
    BODY_READ,
    BODY_ACCEPTED,
    BODY_REJECTED,
    BODY_FILTERED,
    BODY_PENDING
};

static const char *body_moment(int64_t us, char text[TOW_TIMESTAMP_TEXT_MAX + 1])
{
    text[0] = '\0';
    if (us)
        *tow_put_timestamp(text, us, 1) = '\0';
    return text;
}

/* One sentence for people. run: NULL where there is none. */
static void alert_text(const struct tow_alert *alert, const struct tow_run *run, const char *host,
                       char text[TOW_ALERT_TEXT_MAX])
{
    char slot[TOW_TIMESTAMP_TEXT_MAX + 1];
    uint32_t event = tow_alert_event(alert->event);

    if (event == TOW_ALERT_LATE)
        snprintf(text, TOW_ALERT_TEXT_MAX, "Job %s on %s is late: its slot %s has not started.",
                 alert->job, host, body_moment(alert->slot_us, slot));
    else if (!run)
        snprintf(text, TOW_ALERT_TEXT_MAX, "Job %s on %s: %s.", alert->job, host, alert->event);
    else if (event == TOW_ALERT_FAILURE)
        snprintf(text, TOW_ALERT_TEXT_MAX, "Job %s on %s failed: run %" PRId64 ", exit code %d: %s",
                 alert->job, host, run->id, (int)run->exit_code, run->error);
    else if (event == TOW_ALERT_RECOVERY)
        snprintf(text, TOW_ALERT_TEXT_MAX,
                 "Job %s on %s works again: run %" PRId64 ", %" PRId64 " rows accepted.",
                 alert->job, host, run->id, run->counts.accepted);
    else
        snprintf(text, TOW_ALERT_TEXT_MAX,
                 "Job %s on %s has rejected rows: run %" PRId64 ", %" PRId64 " of %" PRId64
                 ". `towpath rejects %" PRId64 "` shows them.",
                 alert->job, host, run->id, run->counts.rejected, run->counts.read, run->id);
}

static void body_number(struct body_values *values, enum body_word word, int64_t number)
{
    *tow_put_int64(values->numbers[word], number) = '\0';
    values->values[word] = values->numbers[word];
}

static void body_fill(struct body_values *values, const struct tow_alert *alert,
                      const struct tow_run *run, const char *host)
{
    alert_text(alert, run, host, values->text);
    for (int i = 0; i < 16; i++)
        values->values[i] = "";
    values->values[BODY_TEXT] = values->text;
    values->values[BODY_JOB] = alert->job;
    values->values[BODY_EVENT] = alert->event;
    values->values[BODY_HOST] = host;
    values->values[BODY_SLOT] = body_moment(alert->slot_us, values->slot);
    if (!run)
        return;
    values->values[BODY_STATUS] = run->status;
    values->values[BODY_ERROR] = run->error;
    values->values[BODY_START] = body_moment(run->start_us, values->start);
    values->values[BODY_END] = body_moment(run->end_us, values->end);
    body_number(values, BODY_RUN, run->id);
    body_number(values, BODY_EXIT_CODE, run->exit_code);
    body_number(values, BODY_READ, run->counts.read);
    body_number(values, BODY_ACCEPTED, run->counts.accepted);
    body_number(values, BODY_REJECTED, run->counts.rejected);
    body_number(values, BODY_FILTERED, run->counts.filtered);
    body_number(values, BODY_PENDING, run->counts.pending);
}

static int body_append(struct tow_buffer *out, const char *text, struct tow_error *err)
{
    return tow_buffer_append(out, text, strlen(text), err);
}

/* Numbers as numbers, what is not known as null. */
static int body_json(const struct body_values *values, struct tow_buffer *out,
                     struct tow_error *err)
{
    int rc = body_append(out, "{", err);

    for (int i = 0; !rc && tow_alert_words[i]; i++) {
        const char *value = values->values[i];

        rc = tow_buffer_printf(out, err, "%s\"%s\":", i ? "," : "", tow_alert_words[i]);
        if (rc)
            return rc;
        if (value == values->numbers[i])
            rc = body_append(out, value, err);
        else if (value[0])
            rc = tow_buffer_json_string(out, value, strlen(value), err);
        else
            rc = body_append(out, "null", err);
    }
    return rc ? rc : body_append(out, "}", err);
}

static int body_slack(const struct body_values *values, struct tow_buffer *out,
                      struct tow_error *err)
{
    int rc = body_append(out, "{\"text\":", err);

    if (!rc)
        rc = tow_buffer_json_string(out, values->text, strlen(values->text), err);
    return rc ? rc : body_append(out, "}", err);
}

/* A value inside of a string of the template: without the quotes. */
static int body_value(const struct body_values *values, const char *word, size_t length,
                      struct tow_buffer *out, struct tow_error *err)
{
    struct tow_buffer quoted = {0};
    int i = 0, rc;

    while (tow_alert_words[i] &&
           (strlen(tow_alert_words[i]) != length || memcmp(tow_alert_words[i], word, length) != 0))
        i++;
    if (!tow_alert_words[i])
        return TOW_OK;
    rc = tow_buffer_json_string(&quoted, values->values[i], strlen(values->values[i]), err);
    if (!rc)
        rc = tow_buffer_append(out, quoted.data + 1, quoted.size - 2, err);
    tow_buffer_release(&quoted);
    return rc;
}

static int body_template(const struct body_values *values, const char *text, struct tow_buffer *out,
                         struct tow_error *err)
{
    int rc = TOW_OK;

    while (!rc && *text) {
        size_t plain = strcspn(text, "{"), word;

        rc = tow_buffer_append(out, text, plain, err);
        text += plain;
        word = rc ? 0 : tow_alert_word(text);
        if (word)
            rc = body_value(values, text + 1, word - 2, out, err);
        else if (!rc && *text)
            rc = tow_buffer_append(out, text, 1, err);
        text += word ? word : *text != '\0';
    }
    return rc;
}

int tow_alert_body(const struct tow_alert_spec *spec, const struct tow_alert *alert,
                   const struct tow_run *run, const char *host, struct tow_buffer *out,
                   struct tow_error *err)
{
    struct body_values values = {.values = {NULL}};

    body_fill(&values, alert, run, host);
    if (spec->body)
        return body_template(&values, spec->body, out, err);
    return spec->format == TOW_ALERT_SLACK ? body_slack(&values, out, err)
                                           : body_json(&values, out, err);
}
