#include "daemon/courier.h"

#include <string.h>
#include <unistd.h>

#include "config/job.h"
#include "daemon/alert_body.h"
#include "daemon/text_file.h"
#include "log.h"

#define SECOND INT64_C(1000000)

#define COURIER_FIRST_US (10 * SECOND)
#define COURIER_LONGEST  (3600 * SECOND)
#define COURIER_GIVE_UP  (3 * 86400 * SECOND)
#define COURIER_LEASE_US (60 * SECOND) /* nobody else takes it meanwhile; longer than a try */
#define COURIER_TRY_MS   30000         /* the program's own limit lies below */
#define COURIER_LOOK_US  (60 * SECOND) /* another daemon on the state may leave some */

void tow_courier_init(struct tow_courier *courier, const char *program, const char *host)
{
    *courier = (struct tow_courier){.program = program, .host = host};
    for (int i = 0; i < TOW_COURIERS; i++)
        courier->deliveries[i] = (struct tow_delivery){.child = TOW_CHILD_NONE, .said = -1};
    courier->seed = (uint64_t)getpid() * UINT64_C(0x9E3779B97F4A7C15) + 1;
}

void tow_courier_wake(struct tow_courier *courier)
{
    courier->wake_us = 0;
}

/* One line; said may be NULL, with room 0. */
static void courier_take_said(struct tow_delivery *delivery, char *said, size_t room)
{
    ssize_t length = room && delivery->said >= 0 ? pread(delivery->said, said, room - 1, 0) : 0;

    if (room) {
        said[length > 0 ? length : 0] = '\0';
        said[strcspn(said, "\n")] = '\0';
    }
    if (delivery->said >= 0)
        close(delivery->said);
    delivery->said = -1;
}

void tow_courier_stop(struct tow_courier *courier)
{
    int exit_code, signal_number;

    for (int i = 0; i < TOW_COURIERS; i++) {
        struct tow_child *child = &courier->deliveries[i].child;

        if (child->pid <= 0)
            continue;
        tow_child_stop(child, 0, 0);
        tow_child_tick(child, INT64_MAX / 2);
        tow_child_reap(child, &exit_code, &signal_number);
        courier_take_said(&courier->deliveries[i], NULL, 0);
    }
}

/* Between half and all of what the doubling says. */
static int64_t courier_wait(struct tow_courier *courier, int64_t tries)
{
    int64_t wait = COURIER_FIRST_US;

    while (tries-- > 1 && wait < COURIER_LONGEST)
        wait *= 2;
    if (wait > COURIER_LONGEST)
        wait = COURIER_LONGEST;
    courier->seed = courier->seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return wait / 2 + (int64_t)((courier->seed >> 33) % (uint64_t)(wait / 2));
}

/* The URL, a line end, the body: what towpath-alert reads. */
static int courier_letter(const struct tow_courier *courier, struct tow_supervisor *supervisor,
                          const struct tow_alert *alert, const struct tow_alert_spec *spec,
                          struct tow_buffer *letter, struct tow_error *err)
{
    struct tow_run run;
    int rc = alert->run ? tow_state_run(supervisor->state, alert->run, &run, err) : TOW_END;

    if (rc < TOW_OK)
        return rc;
    int known = rc == TOW_OK;
    rc = tow_buffer_append(letter, spec->url, strlen(spec->url), err);
    if (!rc)
        rc = tow_buffer_append(letter, "\n", 1, err);
    return rc ? rc : tow_alert_body(spec, alert, known ? &run : NULL, courier->host, letter, err);
}

/* Reads the job anew, since the daemon keeps no secret: TOW_END where the entry is no more. */
static int courier_write(const struct tow_courier *courier, struct tow_supervisor *supervisor,
                         const struct tow_daemon_job *job, const struct tow_alert *alert,
                         struct tow_buffer *letter, struct tow_error *err)
{
    struct tow_diags diags = {0};
    struct tow_job loaded = {0};
    char text[64];
    int fd = tow_text_file(job->plan.text, job->plan.length, err), rc;

    if (fd < 0)
        return err->code;
    snprintf(text, sizeof text, "/proc/self/fd/%d", fd);
    rc = tow_job_load_text(job->plan.path, text, NULL, 0, &loaded, &diags, err);
    if (!rc)
        rc = tow_diags_error(&diags, err);
    if (!rc && (alert->channel < 0 || (uint64_t)alert->channel >= loaded.alert_count ||
                !(loaded.alerts[alert->channel].on & tow_alert_event(alert->event))))
        rc = TOW_END;
    else if (!rc)
        rc =
            courier_letter(courier, supervisor, alert, &loaded.alerts[alert->channel], letter, err);
    tow_job_release(&loaded);
    tow_diags_release(&diags);
    close(fd);
    return rc;
}

static int courier_spawn(const struct tow_courier *courier, struct tow_delivery *delivery,
                         const struct tow_buffer *letter, struct tow_error *err)
{
    char *argv[] = {(char *)(uintptr_t)courier->program, NULL};
    int fd = tow_text_file(letter->data, letter->size, err), rc;

    delivery->said = fd < 0 ? -1 : tow_text_file("", 0, err);
    const struct tow_child_files files = {.in = fd, .out = delivery->said, .text = -1, .why = -1};
    rc = delivery->said < 0 ? err->code : tow_child_start(&delivery->child, argv, &files, err);
    if (fd >= 0)
        close(fd);
    if (rc)
        courier_take_said(delivery, NULL, 0);
    return rc;
}

static void courier_fail(struct tow_courier *courier, struct tow_supervisor *supervisor,
                         const struct tow_alert *alert, const char *why, int64_t now_us)
{
    struct tow_error err = TOW_ERROR_INIT;
    int64_t wait = courier_wait(courier, alert->tries + 1);
    int rc;

    if (now_us - alert->created_us > COURIER_GIVE_UP) {
        tow_log_line(TOW_LOG_ERROR, "alerts", "%s: \"%s\" is given up after %lld tries: %s",
                     alert->job, alert->event, (long long)alert->tries + 1, why);
        rc = tow_state_alert_remove(supervisor->state, alert->id, &err);
    } else {
        tow_log_line(TOW_LOG_WARN, "alerts", "%s: \"%s\" was not delivered, again in %lld s: %s",
                     alert->job, alert->event, (long long)(wait / SECOND), why);
        rc = tow_state_alert_delay(supervisor->state, alert->id, alert->tries + 1, now_us + wait,
                                   &err);
    }
    if (rc)
        tow_supervisor_state_failed(supervisor, &err, now_us);
}

/* Its job's file is broken, or another daemon's on this state: as long as it might come back, or be
 * looked for by that one, the alert is kept. */
static void courier_put_off(struct tow_supervisor *supervisor, const struct tow_alert *alert,
                            int64_t now_us)
{
    struct tow_error err = TOW_ERROR_INIT;

    tow_log_line(TOW_LOG_INFO, "alerts", "%s: \"%s\" waits: there is no such job here", alert->job,
                 alert->event);
    if (tow_state_alert_delay(supervisor->state, alert->id, alert->tries, now_us + COURIER_LONGEST,
                              &err))
        tow_supervisor_state_failed(supervisor, &err, now_us);
}

static void courier_start(struct tow_courier *courier, struct tow_supervisor *supervisor,
                          struct tow_delivery *delivery, int64_t now_us, int64_t now_ms)
{
    const struct tow_alert *alert = &delivery->alert;
    const struct tow_daemon_job *job = tow_supervisor_find(supervisor, alert->job);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer letter = {0};
    int rc = job ? courier_write(courier, supervisor, job, alert, &letter, &err) : TOW_END;

    if (!job && now_us - alert->created_us <= COURIER_GIVE_UP) {
        courier_put_off(supervisor, alert, now_us);
    } else if (rc == TOW_END) {
        tow_log_line(TOW_LOG_INFO, "alerts", "%s: \"%s\" is dropped, nobody wants it any more",
                     alert->job, alert->event);
        if (tow_state_alert_remove(supervisor->state, alert->id, &err))
            tow_supervisor_state_failed(supervisor, &err, now_us);
    } else {
        if (!rc)
            rc = courier_spawn(courier, delivery, &letter, &err);
        if (rc)
            courier_fail(courier, supervisor, alert, err.message, now_us);
        else
            tow_child_expect(&delivery->child, now_ms + COURIER_TRY_MS);
    }
    if (letter.data)
        explicit_bzero(letter.data, letter.size);
    tow_buffer_release(&letter);
}

void tow_courier_ended(struct tow_courier *courier, struct tow_supervisor *supervisor,
                       struct tow_delivery *delivery, int exit_code, int signal_number,
                       int64_t now_us)
{
    struct tow_error err = TOW_ERROR_INIT;
    char why[256];

    courier_take_said(delivery, why, sizeof why);
    tow_courier_wake(courier);
    if (!supervisor->state)
        return;
    if (exit_code == 0 && signal_number == 0) {
        tow_log_line(TOW_LOG_INFO, "alerts", "%s: \"%s\" is delivered", delivery->alert.job,
                     delivery->alert.event);
        if (tow_state_alert_remove(supervisor->state, delivery->alert.id, &err))
            tow_supervisor_state_failed(supervisor, &err, now_us);
        return;
    }
    if (signal_number)
        snprintf(why, sizeof why, "the delivery was ended by signal %d", signal_number);
    else if (!why[0])
        snprintf(why, sizeof why, "the delivery ended with exit code %d", exit_code);
    courier_fail(courier, supervisor, &delivery->alert, why, now_us);
}

static int64_t courier_tick(struct tow_courier *courier, int64_t now_us, int64_t now_ms,
                            struct tow_delivery **idle)
{
    int64_t wake = INT64_MAX;

    *idle = NULL;
    for (int i = 0; i < TOW_COURIERS; i++) {
        struct tow_delivery *delivery = &courier->deliveries[i];

        if (delivery->child.pid <= 0) {
            *idle = delivery;
            continue;
        }
        int64_t due_ms = tow_child_tick(&delivery->child, now_ms);
        if (due_ms < INT64_MAX && now_us + (due_ms - now_ms) * 1000 < wake)
            wake = now_us + (due_ms - now_ms) * 1000;
    }
    return wake;
}

int64_t tow_courier_step(struct tow_courier *courier, struct tow_supervisor *supervisor,
                         int64_t now_us, int64_t now_ms)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_delivery *idle;
    int64_t wake = courier_tick(courier, now_us, now_ms, &idle);
    int rc;

    while (idle && supervisor->state && !supervisor->state_failed && !supervisor->draining &&
           (now_us >= courier->wake_us || courier->wake_us > now_us + COURIER_LOOK_US)) {
        struct tow_alert *alert = &idle->alert;

        rc = tow_state_alert_next(supervisor->state, alert, &err);
        if (rc == TOW_OK && alert->due_us <= now_us) {
            rc = tow_state_alert_delay(supervisor->state, alert->id, alert->tries,
                                       now_us + COURIER_LEASE_US, &err);
            if (!rc)
                courier_start(courier, supervisor, idle, now_us, now_ms);
        } else if (rc >= TOW_OK) {
            int64_t due = rc == TOW_OK ? alert->due_us : INT64_MAX;

            courier->wake_us = due < now_us + COURIER_LOOK_US ? due : now_us + COURIER_LOOK_US;
        }
        if (rc < TOW_OK) {
            tow_supervisor_state_failed(supervisor, &err, now_us);
            break;
        }
        courier_tick(courier, now_us, now_ms, &idle);
    }
    if (idle && supervisor->state && !supervisor->draining && courier->wake_us < wake)
        wake = courier->wake_us;
    return wake;
}
