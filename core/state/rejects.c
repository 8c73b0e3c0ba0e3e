#include "state/rejects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "state/paths.h"

#define REJECTS_BUFFER  ((size_t)64 * 1024)
#define REJECTS_RAW_MAX ((size_t)64 * 1024)

struct tow_rejects {
    char *path;
    int fd;                   /* -1: no line yet */
    struct tow_buffer header; /* the first line; empty once it is in `lines` */
    struct tow_buffer lines;  /* not written yet */
    int64_t written;          /* bytes of the file that count; more may lie behind them after a
                                 write that failed */
    int64_t synced;
    int folder_synced;
};

static int rejects_header_column(struct tow_buffer *out, const struct ArrowSchema *schema,
                                 int64_t index, struct tow_error *err)
{
    char type[TOW_TYPE_TEXT_MAX];
    struct tow_field field;
    int result = tow_schema_field(schema, index, &field, err);

    if (result == TOW_OK)
        result = tow_buffer_printf(out, err, "%s{\"name\":", index ? "," : "");
    if (result == TOW_OK)
        result = tow_buffer_json_string(out, field.name, strlen(field.name), err);
    if (result == TOW_OK)
        result = tow_buffer_printf(out, err, ",\"type\":\"%s\"%s}", tow_type_name(field.type, type),
                                   field.not_null ? ",\"not_null\":true" : "");
    return result;
}

static int rejects_header(struct tow_buffer *out, const char *job, int64_t run,
                          const struct ArrowSchema *schema, struct tow_error *err)
{
    int result = tow_buffer_printf(out, err, "{\"towpath_rejects\":1,\"job\":");

    if (result == TOW_OK)
        result = tow_buffer_json_string(out, job, strlen(job), err);
    if (result == TOW_OK)
        result = tow_buffer_printf(out, err, ",\"run\":%lld,\"columns\":[", (long long)run);
    for (int64_t i = 0; i < schema->n_children && result == TOW_OK; i++)
        result = rejects_header_column(out, schema, i, err);
    if (result == TOW_OK)
        result = tow_buffer_append(out, "]}\n", 3, err);
    return result;
}

struct tow_rejects *tow_rejects_new(const char *path, const char *job, int64_t run,
                                    const struct ArrowSchema *schema, struct tow_error *err)
{
    struct tow_rejects *rejects = calloc(1, sizeof *rejects);

    if (!rejects) {
        tow_error_nomem(err);
        return NULL;
    }
    rejects->fd = -1;
    rejects->path = strdup(path);
    if (!rejects->path)
        tow_error_nomem(err);
    if (rejects->path && rejects_header(&rejects->header, job, run, schema, err) == TOW_OK)
        return rejects;
    tow_rejects_free(rejects);
    return NULL;
}

void tow_rejects_free(struct tow_rejects *rejects)
{
    if (!rejects)
        return;
    if (rejects->fd >= 0)
        close(rejects->fd);
    tow_buffer_release(&rejects->header);
    tow_buffer_release(&rejects->lines);
    free(rejects->path);
    free(rejects);
}

/* A name that exists belongs to another run, which cannot be: numbers are unique in a state file.
 * So it is left alone. */
static int rejects_create(struct tow_rejects *rejects, struct tow_error *err)
{
    char *folder = tow_path_folder(rejects->path);
    int result = folder ? tow_folder_make(folder, err) : tow_error_nomem(err);

    free(folder);
    if (result != TOW_OK)
        return result;
    rejects->fd = open(rejects->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                       S_IRUSR | S_IWUSR);
    if (rejects->fd < 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "reject file %s cannot be made",
                               rejects->path);
    return TOW_OK;
}

/* Writes behind what counts. After a failure nothing more counts, so that the same bytes may come
 * again. */
static int rejects_put(struct tow_rejects *rejects, const char *bytes, size_t length,
                       struct tow_error *err)
{
    size_t done = 0;

    while (done < length) {
        ssize_t n = pwrite(rejects->fd, bytes + done, length - done,
                           (off_t)(rejects->written + (int64_t)done));

        if (n < 0 && errno != EINTR)
            return tow_error_errno(err, TOW_E_ENV, errno,
                                   "reject file %s cannot be written at byte %lld", rejects->path,
                                   (long long)(rejects->written + (int64_t)done));
        if (n > 0)
            done += (size_t)n;
    }
    rejects->written += (int64_t)length;
    return TOW_OK;
}

static int rejects_flush(struct tow_rejects *rejects, struct tow_error *err)
{
    int result = rejects_put(rejects, rejects->lines.data, rejects->lines.size, err);

    if (result == TOW_OK)
        rejects->lines.size = 0;
    return result;
}

static int rejects_start(struct tow_rejects *rejects, struct tow_error *err)
{
    int result = tow_buffer_reserve(&rejects->lines, REJECTS_BUFFER, err);

    if (result == TOW_OK && rejects->fd < 0)
        result = rejects_create(rejects, err);
    if (result == TOW_OK)
        result = rejects_put(rejects, rejects->header.data, rejects->header.size, err);
    if (result == TOW_OK)
        tow_buffer_release(&rejects->header);
    return result;
}

int tow_rejects_write(struct tow_rejects *rejects, const char *lines, size_t length,
                      struct tow_error *err)
{
    int result = TOW_OK;

    if (length == 0)
        return TOW_OK;
    if (lines[length - 1] != '\n')
        return tow_error_set(err, TOW_E_BUG, "reject file %s: a line without an end",
                             rejects->path);
    if (rejects->header.size > 0)
        result = rejects_start(rejects, err);
    if (result == TOW_OK && rejects->lines.size + length > REJECTS_BUFFER)
        result = rejects_flush(rejects, err);
    if (result != TOW_OK)
        return result;
    if (length > REJECTS_BUFFER)
        return rejects_put(rejects, lines, length, err);
    return tow_buffer_append(&rejects->lines, lines, length, err);
}

static int rejects_sync_folder(struct tow_rejects *rejects, struct tow_error *err)
{
    char *folder = tow_path_folder(rejects->path);
    int result = folder ? tow_folder_sync(folder, err) : tow_error_nomem(err);

    free(folder);
    rejects->folder_synced = result == TOW_OK;
    return result;
}

int tow_rejects_sync(struct tow_rejects *rejects, int64_t *length, struct tow_error *err)
{
    int result = rejects_flush(rejects, err);

    *length = rejects->synced;
    if (result != TOW_OK || rejects->written == rejects->synced)
        return result;
    if (fsync(rejects->fd) != 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "reject file %s cannot be made durable",
                               rejects->path);
    if (!rejects->folder_synced)
        result = rejects_sync_folder(rejects, err);
    if (result == TOW_OK)
        *length = rejects->synced = rejects->written;
    return result;
}

static int line_text(struct tow_buffer *out, const char *label, const char *text,
                     struct tow_error *err)
{
    int result = tow_buffer_append(out, label, strlen(label), err);

    return result == TOW_OK ? tow_buffer_json_string(out, text, strlen(text), err) : result;
}

/* What every line starts with. */
static int line_reason(struct tow_buffer *out, const struct tow_reject_row *reject,
                       struct tow_error *err)
{
    int result = line_text(out, "{\"code\":", reject->code, err);

    if (result == TOW_OK)
        result = line_text(out, ",\"message\":", reject->message, err);
    if (result == TOW_OK)
        result = line_text(out, ",\"stage\":", reject->stage, err);
    if (result == TOW_OK && reject->origin)
        result = line_text(out, ",\"origin\":", reject->origin, err);
    if (result == TOW_OK && reject->line > 0)
        result = tow_buffer_printf(out, err, ",\"line\":%lld", (long long)reject->line);
    return result;
}

int tow_reject_line(struct tow_buffer *out, struct tow_json_writer *writer,
                    const struct tow_reject_row *reject, struct tow_error *err)
{
    size_t start = out->size;
    int result = line_reason(out, reject, err);

    if (result == TOW_OK)
        result = tow_buffer_append(out, ",\"row\":", 7, err);
    if (result == TOW_OK)
        result = tow_json_writer_object(writer, reject->array, reject->row, out, err);
    if (result == TOW_OK)
        result = tow_buffer_append(out, "}\n", 2, err);
    if (result != TOW_OK)
        out->size = start;
    return result;
}

/* Cuts between two characters where the bytes are UTF-8. */
static size_t line_raw_length(const char *raw, size_t length)
{
    size_t cut = REJECTS_RAW_MAX;

    if (length <= cut)
        return length;
    while (cut > REJECTS_RAW_MAX - 3 && ((unsigned char)raw[cut] & 0xc0) == 0x80)
        cut--;
    return cut;
}

static int line_raw(struct tow_buffer *out, const struct tow_source_reject *reject,
                    struct tow_error *err)
{
    size_t length = line_raw_length(reject->raw, reject->raw_length);
    int result = tow_buffer_append(out, ",\"raw\":", 7, err);

    if (result == TOW_OK)
        result = tow_buffer_json_string(out, reject->raw, length, err);
    if (result == TOW_OK && length < reject->raw_length)
        result = tow_buffer_printf(out, err, ",\"raw_truncated\":true");
    return result;
}

int tow_reject_raw_line(struct tow_buffer *out, const struct tow_source_reject *reject,
                        struct tow_error *err)
{
    const struct tow_reject_row reason = {.code = reject->code ? reject->code : "",
                                          .message = reject->message ? reject->message : "",
                                          .stage = "source",
                                          .origin = reject->origin,
                                          .line = reject->line};
    size_t start = out->size;
    int result = line_reason(out, &reason, err);

    if (result == TOW_OK && reject->offset >= 0)
        result = tow_buffer_printf(out, err, ",\"offset\":%lld", (long long)reject->offset);
    if (result == TOW_OK && reject->raw)
        result = line_raw(out, reject, err);
    if (result == TOW_OK)
        result = tow_buffer_append(out, "}\n", 2, err);
    if (result != TOW_OK)
        out->size = start;
    return result;
}
