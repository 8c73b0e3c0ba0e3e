#include "daemon/reading.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/job.h"
#include "config/job_folder.h"
#include "config/source/source_text.h"
#include "daemon/text_file.h"

#define READING_BATCH      64
#define READING_FILES_MAX  100000
#define READING_ANSWER_MAX (64u << 20)
#define READING_CHECK_MS   60000 /* a check that takes longer has hung */

/* ---- the folder ----------------------------------------------------------------------------- */

static int reading_text(const char *path, struct tow_reading_file *file, struct tow_error *err)
{
    struct tow_source source = {0};
    struct tow_pool names = {0};
    struct tow_diags diags = {0};
    int rc = tow_source_read(&source, path, &names, &diags, err);

    if (!rc) {
        file->length = source.text.length;
        file->text = malloc(file->length + 1);
        if (file->text && file->length)
            memcpy(file->text, source.text.bytes, file->length);
        if (file->text)
            file->text[file->length] = '\0';
        else
            rc = tow_error_nomem(err);
    }
    tow_diags_release(&diags);
    tow_source_release(&source);
    tow_pool_release(&names);
    return rc;
}

int tow_reading_is_stale(const struct tow_reading *reading)
{
    for (size_t i = 0; i < reading->count; i++) {
        const struct tow_reading_file *file = &reading->files[i];
        struct tow_error err = TOW_ERROR_INIT;
        struct tow_reading_file now = {.path = NULL};
        int rc = reading_text(file->path, &now, &err);
        int differs = rc != TOW_OK || now.length != file->length ||
                      memcmp(now.text, file->text, file->length) != 0;

        free(now.text);
        if (differs)
            return 1;
    }
    return 0;
}

static int reading_visit(void *context, const char *path, int is_job, struct tow_error *err)
{
    struct tow_reading *reading = context;

    if (!is_job)
        return TOW_OK;
    if (reading->count >= READING_FILES_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "%s: there are more than %d job files", path,
                             READING_FILES_MAX);
    if (reading->count == reading->capacity) {
        size_t capacity = reading->capacity ? 2 * reading->capacity : 64;
        struct tow_reading_file *files = reallocarray(reading->files, capacity, sizeof *files);

        if (!files)
            return tow_error_nomem(err);
        reading->files = files;
        reading->capacity = capacity;
    }
    struct tow_reading_file *file = &reading->files[reading->count];
    *file = (struct tow_reading_file){.path = strdup(path)};
    if (!file->path)
        return tow_error_nomem(err);
    reading->count++;
    return reading_text(path, file, err);
}

int tow_reading_start(struct tow_reading *reading, const char *folder, struct tow_error *err)
{
    int rc = tow_job_folder_each(folder, reading_visit, reading, err);

    reading->active = rc == TOW_OK;
    if (rc)
        tow_reading_release(reading);
    return rc;
}

static void reading_end_check(struct tow_reading *reading)
{
    int exit_code, signal_number;

    if (reading->child.pid > 0) {
        tow_child_stop(&reading->child, 0, 0);
        tow_child_tick(&reading->child, INT64_MAX / 2);
        tow_child_reap(&reading->child, &exit_code, &signal_number);
    }
    if (reading->out >= 0)
        close(reading->out);
    reading->out = -1;
    tow_buffer_release(&reading->answer);
}

void tow_reading_release(struct tow_reading *reading)
{
    const char *const *command = reading->command;

    reading_end_check(reading);
    for (size_t i = 0; i < reading->count; i++) {
        free(reading->files[i].path);
        free(reading->files[i].text);
        free(reading->files[i].said);
    }
    free(reading->files);
    *reading = (struct tow_reading)TOW_READING_NONE;
    reading->command = command;
}

/* ---- a check -------------------------------------------------------------------------------- */

/* `towpath check --json FILE...`; the caller frees the list, whose items are borrowed. */
static char **reading_command(const struct tow_reading *reading)
{
    size_t given = 0, n = 0;

    while (reading->command[given])
        given++;
    char **argv = calloc(given + reading->batch + 4, sizeof *argv);
    if (!argv)
        return NULL;
    for (size_t i = 0; i < given; i++)
        argv[n++] = (char *)(uintptr_t)reading->command[i];
    argv[n++] = (char *)(uintptr_t) "check";
    argv[n++] = (char *)(uintptr_t) "--json";
    argv[n++] = (char *)(uintptr_t) "--";
    for (size_t i = 0; i < reading->batch; i++)
        argv[n++] = reading->files[reading->first + i].path;
    return argv;
}

/* The next files that are not judged yet; several at once, but for those that are to stand alone.
 */
static int reading_next_batch(struct tow_reading *reading)
{
    while (reading->first < reading->count && reading->files[reading->first].checked)
        reading->first++;
    reading->batch = 0;
    for (size_t i = reading->first; i < reading->count && reading->batch < READING_BATCH; i++) {
        if (reading->files[i].checked || (reading->files[i].single && reading->batch > 0))
            break;
        reading->batch++;
        if (reading->files[i].single)
            break;
    }
    return reading->batch > 0;
}

static int reading_start_check(struct tow_reading *reading, int64_t now_ms, struct tow_error *err)
{
    struct tow_child_files files = {.in = -1, .text = -1, .why = -1};
    char **argv = reading_command(reading);
    int ends[2], rc;

    if (!argv)
        return tow_error_nomem(err);
    if (pipe2(ends, O_CLOEXEC) != 0) {
        free(argv);
        return tow_error_errno(err, TOW_E_ENV, errno, "a pipe for a check");
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    files.out = ends[1];
    rc = tow_child_start(&reading->child, argv, &files, err);
    free(argv);
    close(ends[1]);
    if (rc) {
        close(ends[0]);
        return rc;
    }
    reading->out = ends[0];
    reading->deadline_ms = now_ms + READING_CHECK_MS;
    return TOW_OK;
}

/* 1 once all is read. */
static int reading_take_answer(struct tow_reading *reading)
{
    char bytes[16384];

    for (;;) {
        ssize_t n = read(reading->out, bytes, sizeof bytes);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n <= 0 || reading->answer.size + (size_t)n > READING_ANSWER_MAX ||
            tow_buffer_append(&reading->answer, bytes, (size_t)n, NULL))
            break;
    }
    close(reading->out);
    reading->out = -1;
    return 1;
}

/* ---- what the check said -------------------------------------------------------------------- */

static char *reading_said(const json_t *findings)
{
    const json_t *finding;
    size_t i;
    char *said = NULL;

    json_array_foreach(findings, i, finding)
    {
        const char *severity = json_string_value(json_object_get(finding, "severity"));
        const char *file = json_string_value(json_object_get(finding, "file"));
        const char *text = json_string_value(json_object_get(finding, "text"));
        long long line = json_integer_value(json_object_get(finding, "line"));

        if (!severity || strcmp(severity, "error") != 0 || !text)
            continue;
        if (asprintf(&said, file && line ? "%s:%lld: %s" : "%s%.0lld%s", file && line ? file : "",
                     file && line ? line : 0LL, text) < 0)
            return NULL;
        return said;
    }
    return NULL;
}

static void reading_judge(struct tow_reading_file *file, const json_t *entry)
{
    int ok = json_is_true(json_object_get(entry, "ok"));

    file->checked = 1;
    /* What lies outside of the file (an input that is not there yet) is for the run to see. */
    file->sound = ok || json_is_true(json_object_get(entry, "outside"));
    file->said = ok ? NULL : reading_said(json_object_get(entry, "findings"));
}

/* 1 where the answer is one about the files of the batch. */
static int reading_parse(struct tow_reading *reading)
{
    json_t *answer = json_loadb(reading->answer.data, reading->answer.size, 0, NULL);
    const json_t *files = json_object_get(answer, "files");
    int whole = json_array_size(files) == reading->batch;

    for (size_t i = 0; whole && i < reading->batch; i++) {
        const char *path = json_string_value(json_object_get(json_array_get(files, i), "file"));

        whole = path && strcmp(path, reading->files[reading->first + i].path) == 0;
    }
    for (size_t i = 0; whole && i < reading->batch; i++)
        reading_judge(&reading->files[reading->first + i], json_array_get(files, i));
    json_decref(answer);
    return whole;
}

static void reading_blame(struct tow_reading *reading, int exit_code, int signal_number, int hung)
{
    struct tow_reading_file *file = &reading->files[reading->first];

    if (reading->batch > 1) {
        for (size_t i = 0; i < reading->batch; i++)
            file[i].single = 1;
        return;
    }
    file->checked = 1;
    if (hung)
        file->said = strdup("its check did not come to an end");
    else if (asprintf(&file->said, "its check was ended by %s %d",
                      signal_number ? "signal" : "exit code",
                      signal_number ? signal_number : exit_code) < 0)
        file->said = NULL;
}

static void reading_finish_check(struct tow_reading *reading, int hung)
{
    int exit_code, signal_number;

    if (hung)
        tow_child_stop(&reading->child, 0, 0);
    if (hung)
        tow_child_tick(&reading->child, INT64_MAX / 2);
    tow_child_reap(&reading->child, &exit_code, &signal_number);
    if (hung || signal_number || reading->answer.size == 0 || !reading_parse(reading))
        reading_blame(reading, exit_code, signal_number, hung);
    if (reading->out >= 0)
        close(reading->out);
    reading->out = -1;
    tow_buffer_release(&reading->answer);
}

int tow_reading_advance(struct tow_reading *reading, int64_t now_ms, struct tow_error *err)
{
    if (reading->child.pid > 0) {
        int hung = now_ms >= reading->deadline_ms;

        if (!hung && reading->out >= 0 && !reading_take_answer(reading))
            return TOW_OK;
        reading_finish_check(reading, hung);
    }
    if (!reading_next_batch(reading))
        return TOW_END;
    return reading_start_check(reading, now_ms, err);
}

/* ---- the plan of a file --------------------------------------------------------------------- */

static int reading_channels(const struct tow_job *job, struct tow_job_plan *plan,
                            struct tow_error *err)
{
    plan->channels = calloc(job->alert_count + 1, sizeof *plan->channels);
    if (!plan->channels)
        return tow_error_nomem(err);
    plan->channel_count = job->alert_count;
    for (size_t i = 0; i < job->alert_count; i++)
        plan->channels[i] = (struct tow_channel){job->alerts[i].on, job->alerts[i].late_ms * 1000};
    return TOW_OK;
}

/* The schedule's own references are the plan's from here on. */
static int reading_take_job(struct tow_job *job, struct tow_job_plan *plan, struct tow_error *err)
{
    int rc = reading_channels(job, plan, err);

    if (rc)
        return rc;
    snprintf(plan->name, sizeof plan->name, "%s", job->name);
    plan->has_schedule = job->has_schedule;
    plan->schedule = job->schedule;
    job->schedule = (struct tow_schedule){0};
    return TOW_OK;
}

int tow_reading_plan(const struct tow_reading_file *file, struct tow_job_plan *plan,
                     struct tow_error *err)
{
    struct tow_diags diags = {0};
    struct tow_job job = {0};
    char text[64];
    int fd = tow_text_file(file->text, file->length, err);
    int rc = fd < 0 ? err->code : TOW_OK;

    *plan = (struct tow_job_plan){.path = strdup(file->path), .text = malloc(file->length + 1)};
    if (!rc && (!plan->path || !plan->text))
        rc = tow_error_nomem(err);
    snprintf(text, sizeof text, "/proc/self/fd/%d", fd);
    if (!rc)
        rc = tow_job_load_text(file->path, text, NULL, 0, &job, &diags, err);
    if (!rc)
        rc = tow_diags_error(&diags, err);
    if (!rc) {
        memcpy(plan->text, file->text, file->length + 1);
        plan->length = file->length;
        rc = reading_take_job(&job, plan, err);
    }
    tow_job_release(&job);
    tow_diags_release(&diags);
    if (fd >= 0)
        close(fd);
    if (rc)
        tow_job_plan_release(plan);
    return rc;
}
