#include "state/reject_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READER_BUFFER   ((size_t)64 * 1024)
#define READER_LINE_MAX ((size_t)64 * 1024 * 1024)

static int reader_open(struct tow_reject_reader *reader, struct tow_error *err)
{
    struct stat st;

    reader->fd = open(reader->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (reader->fd < 0 || fstat(reader->fd, &st) != 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "reject file %s cannot be opened",
                               reader->path);
    if (!S_ISREG(st.st_mode))
        return tow_error_set(err, TOW_E_ENV, "reject file %s is not a regular file", reader->path);
    if (st.st_size < reader->valid)
        return tow_error_set(err, TOW_E_ENV,
                             "reject file %s is damaged: it has %lld bytes, the state says %lld",
                             reader->path, (long long)st.st_size, (long long)reader->valid);
    return TOW_OK;
}

/* Makes room behind the bytes in hand. */
static int reader_make_room(struct tow_reject_reader *reader, struct tow_error *err)
{
    size_t held = reader->end - reader->start;
    size_t capacity = reader->capacity ? reader->capacity * 2 : READER_BUFFER;
    char *grown;

    if (reader->start > 0) {
        memmove(reader->data, reader->data + reader->start, held);
        reader->start = 0;
        reader->end = held;
    }
    if (held < reader->capacity)
        return TOW_OK;
    if (held > READER_LINE_MAX)
        return tow_error_set(err, TOW_E_DATA, "reject file %s: line %lld is longer than %zu bytes",
                             reader->path, (long long)reader->line_number + 1, READER_LINE_MAX);
    /* One more byte for the line's end. */
    if (capacity > READER_LINE_MAX)
        capacity = READER_LINE_MAX + 1;
    grown = realloc(reader->data, capacity);
    if (!grown)
        return tow_error_nomem(err);
    reader->capacity = capacity;
    reader->data = grown;
    return TOW_OK;
}

/* Reads on: TOW_OK with more bytes, TOW_END where all that count are read. */
static int reader_fill(struct tow_reject_reader *reader, struct tow_error *err)
{
    size_t room;
    ssize_t n;
    int result;

    if (reader->taken == reader->valid)
        return TOW_END;
    result = reader_make_room(reader, err);
    if (result != TOW_OK)
        return result;
    room = reader->capacity - reader->end;
    if ((int64_t)room > reader->valid - reader->taken)
        room = (size_t)(reader->valid - reader->taken);
    do
        n = read(reader->fd, reader->data + reader->end, room);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "reject file %s cannot be read",
                               reader->path);
    if (n == 0)
        return tow_error_set(err, TOW_E_ENV,
                             "reject file %s is damaged: it ends at byte %lld, the state says %lld",
                             reader->path, (long long)reader->taken, (long long)reader->valid);
    reader->end += (size_t)n;
    reader->taken += n;
    return TOW_OK;
}

int tow_reject_reader_next(struct tow_reject_reader *reader, const char **line, size_t *length,
                           struct tow_error *err)
{
    size_t searched = 0;

    for (;;) {
        size_t held = reader->end - reader->start;
        const char *from = held > 0 ? reader->data + reader->start : NULL;
        const char *found = held > searched ? memchr(from + searched, '\n', held - searched) : NULL;
        int result;

        if (found) {
            *line = from;
            *length = (size_t)(found - from);
            reader->start += *length + 1;
            reader->line_number++;
            return TOW_OK;
        }
        searched = held;
        result = reader_fill(reader, err);
        if (result == TOW_END && held > 0)
            return tow_error_set(err, TOW_E_DATA,
                                 "reject file %s is damaged: line %lld has no end within the %lld "
                                 "bytes that the state says",
                                 reader->path, (long long)reader->line_number + 1,
                                 (long long)reader->valid);
        if (result != TOW_OK)
            return result;
    }
}

static int reader_header(struct tow_reject_reader *reader, struct tow_error *err)
{
    const char *line = "";
    size_t length = 0;
    int result = tow_reject_reader_next(reader, &line, &length, err);

    if (result < TOW_OK)
        return result;
    return tow_reject_header_parse(reader, line, length, err);
}

struct tow_reject_reader *tow_reject_reader_new(const char *path, int64_t valid,
                                                struct tow_error *err)
{
    struct tow_reject_reader *reader = calloc(1, sizeof *reader);

    if (!reader) {
        tow_error_nomem(err);
        return NULL;
    }
    reader->fd = -1;
    reader->valid = valid;
    reader->path = strdup(path);
    reader->scratch = calloc(1, sizeof *reader->scratch);
    if (!reader->path || !reader->scratch)
        tow_error_nomem(err);
    else if (reader_open(reader, err) == TOW_OK && reader_header(reader, err) == TOW_OK)
        return reader;
    tow_reject_reader_free(reader);
    return NULL;
}

void tow_reject_reader_free(struct tow_reject_reader *reader)
{
    if (!reader)
        return;
    if (reader->fd >= 0)
        close(reader->fd);
    if (reader->schema.release)
        reader->schema.release(&reader->schema);
    if (reader->scratch) {
        tow_buffer_release(&reader->scratch->key);
        tow_buffer_release(&reader->scratch->value);
        free(reader->scratch->seen);
        free(reader->scratch);
    }
    free(reader->fields);
    free(reader->data);
    free(reader->path);
    free(reader);
}

const struct ArrowSchema *tow_reject_reader_schema(const struct tow_reject_reader *reader)
{
    return &reader->schema;
}
