#include "connectors/files/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int raw_open(struct tow_raw *raw, const char *path, struct tow_error *err)
{
    struct stat st;

    if (strcmp(path, "-") == 0) {
        raw->fd = STDIN_FILENO;
    } else {
        /* Without O_NONBLOCK, opening a FIFO would wait for its writer where nothing can cancel. */
        raw->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        raw->own_fd = raw->fd >= 0;
    }
    if (raw->fd < 0 || fstat(raw->fd, &st) != 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "%s cannot be opened", raw->path);
    if (S_ISDIR(st.st_mode))
        return tow_error_set(err, TOW_E_ENV, "%s is a folder where a file is needed", raw->path);
    /* Standard input may stand anywhere in a file that others read too: no seeking there. */
    raw->regular = raw->own_fd && S_ISREG(st.st_mode);
    if (raw->regular)
        (void)posix_fadvise(raw->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return TOW_OK;
}

int tow_raw_init(struct tow_raw *raw, const char *path, int cancel_fd, size_t buffer_size,
                 struct tow_error *err)
{
    int code;

    *raw = (struct tow_raw){.fd = -1, .cancel_fd = cancel_fd, .buffer_size = buffer_size};
    raw->path = strdup(strcmp(path, "-") == 0 ? "standard input" : path);
    if (!raw->path)
        return tow_error_nomem(err);
    code = raw_open(raw, path, err);
    if (code == TOW_OK) {
        raw->buffer = malloc(buffer_size);
        if (!raw->buffer)
            code = tow_error_nomem(err);
    }
    if (code != TOW_OK)
        tow_raw_release(raw);
    return code;
}

int tow_raw_init_reader(struct tow_raw *raw, const char *name, const struct tow_reader *reader,
                        size_t buffer_size, struct tow_error *err)
{
    *raw =
        (struct tow_raw){.fd = -1, .cancel_fd = -1, .reader = *reader, .buffer_size = buffer_size};
    raw->path = strdup(name);
    raw->buffer = malloc(buffer_size);
    if (raw->path && raw->buffer)
        return TOW_OK;
    tow_raw_release(raw);
    return tow_error_nomem(err);
}

void tow_raw_release(struct tow_raw *raw)
{
    if (raw->reader.read)
        raw->reader.free(raw->reader.context);
    if (raw->own_fd)
        close(raw->fd);
    free(raw->buffer);
    free(raw->path);
    *raw = (struct tow_raw){.fd = -1};
}

static int raw_read_reader(struct tow_raw *raw, void *into, size_t capacity, size_t *length,
                           struct tow_error *err)
{
    int code;

    if (raw->at_end)
        return TOW_OK;
    code = raw->reader.read(raw->reader.context, into, capacity, length, err);
    raw->offset += (int64_t)*length;
    raw->at_end = code == TOW_OK && *length == 0;
    return code;
}

/* Waits until there is something to read, or the end of it, or the run is being stopped. */
static int raw_wait(const struct tow_raw *raw, struct tow_error *err)
{
    struct pollfd fds[2] = {{.fd = raw->fd, .events = POLLIN},
                            {.fd = raw->cancel_fd, .events = POLLIN}};

    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR)
            return tow_error_errno(err, TOW_E_ENV, errno, "%s cannot be waited for", raw->path);
    if (fds[1].revents)
        return tow_error_set(err, TOW_E_CANCELLED, "reading %s was cancelled", raw->path);
    return TOW_OK;
}

int tow_raw_read(struct tow_raw *raw, void *into, size_t capacity, size_t *length,
                 struct tow_error *err)
{
    *length = 0;
    if (raw->reader.read)
        return raw_read_reader(raw, into, capacity, length, err);
    while (!raw->at_end) {
        ssize_t got;
        int code = raw_wait(raw, err);

        if (code != TOW_OK)
            return code;
        got = read(raw->fd, into, capacity);
        if (got > 0) {
            raw->offset += got;
            *length = (size_t)got;
            return TOW_OK;
        }
        if (got == 0)
            raw->at_end = 1;
        else if (errno != EINTR && errno != EAGAIN)
            return tow_error_errno(err, TOW_E_ENV, errno, "%s, offset %" PRId64, raw->path,
                                   raw->offset);
    }
    return TOW_OK;
}

int tow_raw_fill(struct tow_raw *raw, struct tow_error *err)
{
    size_t length;
    int code;

    if (raw->at > 0) {
        memmove(raw->buffer, raw->buffer + raw->at, raw->filled - raw->at);
        raw->filled -= raw->at;
        raw->at = 0;
    }
    if (raw->filled == raw->buffer_size)
        return tow_error_set(err, TOW_E_BUG, "%s: a buffer of %zu bytes is full", raw->path,
                             raw->buffer_size);
    code =
        tow_raw_read(raw, raw->buffer + raw->filled, raw->buffer_size - raw->filled, &length, err);
    raw->filled += length;
    return code;
}
