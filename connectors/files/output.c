#include "connectors/files/output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/files/hidden.h"
#include "connectors/files/place.h"

#define OUTPUT_MODE       0666
#define OUTPUT_MODE_OWNER 0600 /* needed to go on with it */
#define OUTPUT_WRITE_MAX  ((size_t)1 << 30)
#define OUTPUT_FLAGS      (O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY)

struct tow_output {
    struct tow_place place; /* standard output has none */
    char *hidden;           /* name in place's folder */
    int fd;
    int is_stdout;
    int waits; /* not a regular file: a reader at the far end may be slow */
    int cancel_fd;
    int name_is_durable;
    int failed;
    uint64_t length; /* of the file so far */
    struct tow_gzip_writer *gzip;
};

/* ---- writing -------------------------------------------------------------------------------- */

static int output_fail(struct tow_output *output, const char *what, struct tow_error *err)
{
    int errnum = errno;

    output->failed = 1;
    if (output->is_stdout)
        return tow_error_errno(err, TOW_E_ENV, errnum, "%s standard output", what);
    return tow_error_errno(err, TOW_E_ENV, errnum,
                           "%s \"%s\" (nothing was published; %" PRIu64 " bytes are kept in "
                           "\"%s/%s\")",
                           what, output->place.path, output->length, output->place.folder_path,
                           output->hidden);
}

/* Until the far end takes bytes; they go out even when the run is being stopped, as long as it
 * does. */
static int output_wait(struct tow_output *output, struct tow_error *err)
{
    struct pollfd fds[2] = {{.fd = output->fd, .events = POLLOUT},
                            {.fd = output->cancel_fd, .events = POLLIN}};

    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR && errno != EAGAIN)
            return output_fail(output, "wait for", err);
    if (fds[0].revents)
        return TOW_OK;
    output->failed = 1;
    return tow_error_set(err, TOW_E_CANCELLED, "stopped while the reader of standard output waits");
}

static int output_put(void *context, const void *bytes, size_t length, struct tow_error *err)
{
    struct tow_output *output = context;
    /* As much as a pipe that polls writable takes without blocking. */
    const size_t most = output->waits ? PIPE_BUF : OUTPUT_WRITE_MAX;
    const char *p = bytes;

    while (length > 0) {
        int code = output->waits ? output_wait(output, err) : TOW_OK;
        ssize_t written;

        if (code != TOW_OK)
            return code;
        written = write(output->fd, p, length < most ? length : most);
        if (written < 0 && errno != EINTR && errno != EAGAIN)
            return output_fail(output, "write", err);
        if (written > 0) {
            p += written;
            length -= (size_t)written;
            output->length += (uint64_t)written;
        }
    }
    return TOW_OK;
}

static int output_usable(const struct tow_output *output, struct tow_error *err)
{
    if (!output->failed)
        return TOW_OK;
    return tow_error_set(err, TOW_E_BUG, "output is used after a write to it failed");
}

int tow_output_write(struct tow_output *output, const void *bytes, size_t length,
                     struct tow_error *err)
{
    int code = output_usable(output, err);

    if (code == TOW_OK)
        code = output->gzip ? tow_gzip_writer_write(output->gzip, bytes, length, err)
                            : output_put(output, bytes, length, err);
    if (code != TOW_OK)
        output->failed = 1;
    return code;
}

int tow_output_take(struct tow_output *output, struct tow_buffer *text, struct tow_error *err)
{
    int code;

    if (!output->gzip) {
        code = tow_output_write(output, text->data, text->size, err);
        text->size = 0;
        return code;
    }
    code = output_usable(output, err);
    if (code == TOW_OK)
        code = tow_gzip_writer_take(output->gzip, text, err);
    if (code != TOW_OK)
        output->failed = 1;
    return code;
}

/* The name itself needs to be durable but once. */
static int output_sync_name(struct tow_output *output, struct tow_error *err)
{
    int code;

    if (output->name_is_durable || output->is_stdout)
        return TOW_OK;
    code = tow_place_sync(&output->place, err);
    output->name_is_durable = code == TOW_OK;
    return code;
}

int tow_output_sync(struct tow_output *output, uint64_t *length, struct tow_error *err)
{
    int code = output_usable(output, err);

    if (code != TOW_OK)
        return code;
    if (output->gzip && (tow_gzip_writer_is_open(output->gzip) || output->length == 0))
        code = tow_gzip_writer_end_member(output->gzip, err);
    /* After a failed sync the system may have dropped the pages: trying again would prove nothing.
     */
    if (code == TOW_OK && !output->waits && fdatasync(output->fd) != 0)
        code = output_fail(output, "sync", err);
    if (code == TOW_OK)
        code = output_sync_name(output, err);
    if (code != TOW_OK)
        output->failed = 1;
    *length = output->length;
    return code;
}

/* ---- opening and closing -------------------------------------------------------------------- */

void tow_output_close(struct tow_output *output)
{
    if (!output)
        return;
    if (output->fd >= 0 && !output->is_stdout)
        close(output->fd);
    tow_gzip_writer_free(output->gzip);
    free(output->hidden);
    tow_place_release(&output->place);
    free(output);
}

/* All but the file itself. */
static int output_init(struct tow_output *output, const struct tow_output_spec *spec,
                       struct tow_error *err)
{
    struct tow_gzip_drain drain = {output_put, output};
    int code = TOW_OK;

    output->fd = -1;
    output->place.folder = -1;
    output->cancel_fd = spec->cancel_fd;
    output->is_stdout = strcmp(spec->path, TOW_OUTPUT_STDOUT) == 0;
    if (spec->gzip) {
        output->gzip = tow_gzip_writer_new(spec->level, drain, err);
        if (!output->gzip)
            return err ? err->code : TOW_E_NOMEM;
        if (spec->use_helpers)
            tow_gzip_writer_use_helpers(output->gzip);
    }
    if (output->is_stdout)
        return TOW_OK;
    code = tow_place_init(&output->place, spec->path, err);
    if (code != TOW_OK)
        return code;
    output->hidden = tow_place_hidden_name(&output->place, TOW_HIDDEN_SUFFIX, err);
    return output->hidden ? TOW_OK : TOW_E_NOMEM;
}

static struct tow_output *output_new(const struct tow_output_spec *spec, struct tow_error *err)
{
    struct tow_output *output = calloc(1, sizeof *output);

    if (!output) {
        tow_error_nomem(err);
        return NULL;
    }
    if (output_init(output, spec, err) == TOW_OK)
        return output;
    tow_output_close(output);
    return NULL;
}

static int output_file_error(const struct tow_output *output, const char *what,
                             struct tow_error *err)
{
    return tow_error_errno(err, TOW_E_ENV, errno, "%s \"%s/%s\"", what, output->place.folder_path,
                           output->hidden);
}

/* O_EXCL: never a file that somebody else put there, nor through a link of that name. */
static int output_create_file(struct tow_output *output, struct tow_error *err)
{
    const int folder = output->place.folder;
    uint32_t mode = OUTPUT_MODE;
    int64_t replaced;
    int code = tow_place_look(&output->place, output->place.name, &replaced, &mode, err);

    if (code != TOW_OK)
        return code;
    mode |= OUTPUT_MODE_OWNER;
    if (unlinkat(folder, output->hidden, 0) != 0 && errno != ENOENT)
        return output_file_error(output, "remove", err);
    output->fd = openat(folder, output->hidden, OUTPUT_FLAGS | O_CREAT | O_EXCL, mode);
    if (output->fd < 0 || (replaced >= 0 && fchmod(output->fd, mode) != 0))
        return output_file_error(output, "create", err);
    return TOW_OK;
}

static int output_use_stdout(struct tow_output *output, struct tow_error *err)
{
    struct stat st;

    output->fd = STDOUT_FILENO;
    if (fstat(output->fd, &st) != 0)
        return output_fail(output, "use", err);
    output->waits = !S_ISREG(st.st_mode);
    return TOW_OK;
}

struct tow_output *tow_output_create(const struct tow_output_spec *spec, struct tow_error *err)
{
    struct tow_output *output = output_new(spec, err);
    int code;

    if (!output)
        return NULL;
    code = output->is_stdout ? output_use_stdout(output, err) : output_create_file(output, err);
    if (code == TOW_OK)
        return output;
    tow_output_close(output);
    return NULL;
}

static int output_continue_file(struct tow_output *output, uint64_t length, struct tow_error *err)
{
    int64_t size;
    int code = tow_place_look(&output->place, output->hidden, &size, NULL, err);

    if (code != TOW_OK)
        return code;
    if (size < 0)
        return tow_error_set(err, TOW_E_ENV, "\"%s/%s\", to be continued, is not there",
                             output->place.folder_path, output->hidden);
    if ((uint64_t)size < length)
        return tow_error_set(err, TOW_E_ENV,
                             "\"%s/%s\" cannot be continued at %" PRIu64
                             " bytes: it holds only %" PRId64,
                             output->place.folder_path, output->hidden, length, size);
    output->fd = openat(output->place.folder, output->hidden, OUTPUT_FLAGS);
    if (output->fd < 0)
        return output_file_error(output, "open", err);
    if (ftruncate(output->fd, (off_t)length) != 0)
        return output_file_error(output, "cut", err);
    if (lseek(output->fd, (off_t)length, SEEK_SET) < 0)
        return output_file_error(output, "seek in", err);
    output->length = length;
    output->name_is_durable = 1;
    return TOW_OK;
}

struct tow_output *tow_output_continue(const struct tow_output_spec *spec, uint64_t length,
                                       struct tow_error *err)
{
    struct tow_output *output = output_new(spec, err);

    if (!output)
        return NULL;
    if (output->is_stdout)
        tow_error_set(err, TOW_E_BUG, "standard output cannot be continued");
    else if (output_continue_file(output, length, err) == TOW_OK)
        return output;
    tow_output_close(output);
    return NULL;
}
