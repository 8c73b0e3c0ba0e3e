#include "connectors/files/text_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "towpath/rowtext.h"

/* A file of texts: each as its length, four bytes, and its bytes. */
#define SET_MEMORY (4u << 20)
#define SET_BLOCK  (64u << 10)
#define SET_FAN_IN 16 /* runs that are merged at once */
#define SET_RUNS   64 /* that wait; enough for any set, since they are merged by size */
#define SET_LENGTH sizeof(uint32_t)

/* ---- writing -------------------------------------------------------------------------------- */

struct set_writer {
    int fd;
    struct tow_buffer block;
};

static int set_flush(struct set_writer *writer, struct tow_error *err)
{
    const char *p = writer->block.data;
    size_t left = writer->block.size;

    while (left > 0) {
        ssize_t wrote = write(writer->fd, p, left);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return tow_error_errno(err, TOW_E_ENV, errno, "writing a sorted file");
        p += wrote;
        left -= (size_t)wrote;
    }
    writer->block.size = 0;
    return TOW_OK;
}

static int set_put(struct set_writer *writer, const char *text, uint32_t length,
                   struct tow_error *err)
{
    int rc = tow_buffer_append(&writer->block, &length, SET_LENGTH, err);

    if (!rc)
        rc = tow_buffer_append(&writer->block, text, length, err);
    return rc || writer->block.size < SET_BLOCK ? rc : set_flush(writer, err);
}

/* ---- reading -------------------------------------------------------------------------------- */

/* The text at the front of a file; length -1 behind the last one. */
struct set_reader {
    int fd;
    struct tow_buffer block;
    size_t at; /* of what comes behind the front */
    off_t offset;
    const char *text;
    int64_t length;
};

/* Makes `wanted` bytes readable at `at`: 1; 0 at the end of the file; or an error. */
static int set_fill(struct set_reader *reader, size_t wanted, struct tow_error *err)
{
    struct tow_buffer *block = &reader->block;

    if (block->size - reader->at >= wanted)
        return 1;
    if (reader->at > 0)
        memmove(block->data, block->data + reader->at, block->size - reader->at);
    block->size -= reader->at;
    reader->at = 0;
    if (tow_buffer_reserve(block, wanted + SET_BLOCK, err))
        return TOW_E_NOMEM;
    while (block->size < wanted) {
        ssize_t got = pread(reader->fd, block->data + block->size, wanted + SET_BLOCK - block->size,
                            reader->offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return tow_error_errno(err, TOW_E_ENV, errno, "reading a sorted file");
        if (got == 0)
            return block->size == 0 ? 0 : tow_error_set(err, TOW_E_ENV, "a sorted file is cut off");
        block->size += (size_t)got;
        reader->offset += got;
    }
    return 1;
}

static int set_next(struct set_reader *reader, struct tow_error *err)
{
    uint32_t length;
    int rc = reader->fd < 0 ? 0 : set_fill(reader, SET_LENGTH, err);

    if (rc <= 0) {
        reader->length = -1;
        return rc;
    }
    memcpy(&length, reader->block.data + reader->at, SET_LENGTH);
    if (length > TOW_TEXT_SET_MAX)
        return tow_error_set(err, TOW_E_ENV, "a sorted file is damaged");
    rc = set_fill(reader, SET_LENGTH + length, err);
    if (rc < 0)
        return rc;
    reader->text = reader->block.data + reader->at + SET_LENGTH;
    reader->length = length;
    reader->at += SET_LENGTH + length;
    return TOW_OK;
}

static int set_begin(struct set_reader *reader, int fd, struct tow_error *err)
{
    *reader = (struct set_reader){.fd = fd};
    return set_next(reader, err);
}

static int set_order(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

    return order ? order : (a_length > b_length) - (a_length < b_length);
}

/* By the text at the front; what is at its end comes last. */
static int set_order_readers(const struct set_reader *a, const struct set_reader *b)
{
    if (a->length < 0 || b->length < 0)
        return (a->length < 0) - (b->length < 0);
    return set_order(a->text, (size_t)a->length, b->text, (size_t)b->length);
}

/* ---- sorting -------------------------------------------------------------------------------- */

struct set_text {
    const char *text;
    uint32_t length;
};

struct set_run {
    int fd;
    int level; /* 0: sorted in memory; n: merged from runs of level n-1 */
};

struct tow_text_sorter {
    int folder;
    size_t memory;
    struct tow_buffer bytes; /* of the texts that wait, one behind the other */
    uint32_t *lengths;
    size_t count, capacity;
    struct set_run runs[SET_RUNS];
    size_t run_count;
};

struct tow_text_sorter *tow_text_sorter_new(int folder, size_t memory, struct tow_error *err)
{
    struct tow_text_sorter *sorter = calloc(1, sizeof *sorter);

    if (!sorter) {
        tow_error_nomem(err);
        return NULL;
    }
    sorter->folder = folder;
    sorter->memory = memory ? memory : SET_MEMORY;
    return sorter;
}

void tow_text_sorter_free(struct tow_text_sorter *sorter)
{
    if (!sorter)
        return;
    for (size_t i = 0; i < sorter->run_count; i++)
        close(sorter->runs[i].fd);
    tow_buffer_release(&sorter->bytes);
    free(sorter->lengths);
    free(sorter);
}

/* A file without a name, where the file system has such; else one that loses its name at once. */
static int sorter_temporary(const struct tow_text_sorter *sorter, struct tow_error *err)
{
    char name[64];
    int fd = openat(sorter->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL))
        return fd >= 0 ? fd : tow_error_errno(err, TOW_E_ENV, errno, "creating a file to sort in");
    snprintf(name, sizeof name, ".sort-%d-%zu", (int)getpid(), sorter->run_count);
    fd = openat(sorter->folder, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "creating a file to sort in");
    unlinkat(sorter->folder, name, 0);
    return fd;
}

static int sorter_compare(const void *a, const void *b)
{
    const struct set_text *one = a, *other = b;

    return set_order(one->text, one->length, other->text, other->length);
}

/* What waits, sorted and each once, to the file. */
static int sorter_write(struct tow_text_sorter *sorter, int fd, struct tow_error *err)
{
    struct set_text *texts = calloc(sorter->count + 1, sizeof *texts);
    struct set_writer writer = {.fd = fd};
    const char *p = sorter->bytes.data;
    int rc = texts ? TOW_OK : tow_error_nomem(err);

    for (size_t i = 0; !rc && i < sorter->count; p += sorter->lengths[i++])
        texts[i] = (struct set_text){p, sorter->lengths[i]};
    if (!rc)
        qsort(texts, sorter->count, sizeof *texts, sorter_compare);
    for (size_t i = 0; !rc && i < sorter->count; i++)
        if (i == 0 || sorter_compare(&texts[i - 1], &texts[i]) != 0)
            rc = set_put(&writer, texts[i].text, texts[i].length, err);
    if (!rc)
        rc = set_flush(&writer, err);
    tow_buffer_release(&writer.block);
    free(texts);
    sorter->count = sorter->bytes.size = 0;
    return rc;
}

static struct set_reader *merge_least(struct set_reader *readers, size_t count)
{
    struct set_reader *least = &readers[0];

    for (size_t i = 1; i < count; i++)
        if (set_order_readers(&readers[i], least) < 0)
            least = &readers[i];
    return least->length < 0 ? NULL : least;
}

/* The last `count` runs into one file; they are gone afterwards. */
static int sorter_merge(struct tow_text_sorter *sorter, size_t count, int fd, struct tow_error *err)
{
    struct set_run *runs = &sorter->runs[sorter->run_count - count];
    struct set_reader *readers = calloc(count + 1, sizeof *readers), *least;
    struct set_writer writer = {.fd = fd};
    struct tow_buffer last = {0};
    int rc = readers ? TOW_OK : tow_error_nomem(err), any = 0;

    for (size_t i = 0; !rc && i < count; i++)
        rc = set_begin(&readers[i], runs[i].fd, err);
    while (!rc && (least = merge_least(readers, count))) {
        if (!any || set_order(least->text, (size_t)least->length, last.data, last.size) != 0) {
            any = 1;
            last.size = 0;
            rc = tow_buffer_append(&last, least->text, (size_t)least->length, err);
            if (!rc)
                rc = set_put(&writer, least->text, (uint32_t)least->length, err);
        }
        if (!rc)
            rc = set_next(least, err);
    }
    if (!rc)
        rc = set_flush(&writer, err);
    for (size_t i = 0; i < count; i++) {
        if (readers)
            tow_buffer_release(&readers[i].block);
        close(runs[i].fd);
    }
    sorter->run_count -= count;
    tow_buffer_release(&writer.block);
    tow_buffer_release(&last);
    free(readers);
    return rc;
}

/* SET_FAN_IN runs of a level become one of the next, so that each text is written few times. */
static int sorter_merge_levels(struct tow_text_sorter *sorter, struct tow_error *err)
{
    int rc = TOW_OK;

    while (!rc && sorter->run_count >= SET_FAN_IN) {
        int level = sorter->runs[sorter->run_count - 1].level;

        if (sorter->runs[sorter->run_count - SET_FAN_IN].level != level)
            break;
        int fd = sorter_temporary(sorter, err);
        if (fd < 0)
            return fd;
        rc = sorter_merge(sorter, SET_FAN_IN, fd, err);
        sorter->runs[sorter->run_count++] = (struct set_run){fd, level + 1};
    }
    return rc;
}

static int sorter_end_run(struct tow_text_sorter *sorter, struct tow_error *err)
{
    if (sorter->run_count == SET_RUNS)
        return tow_error_set(err, TOW_E_ENV, "a set that is too large to be sorted");
    int fd = sorter_temporary(sorter, err);
    if (fd < 0)
        return fd;
    sorter->runs[sorter->run_count++] = (struct set_run){fd, 0};
    int rc = sorter_write(sorter, fd, err);
    return rc ? rc : sorter_merge_levels(sorter, err);
}

int tow_text_sorter_add(struct tow_text_sorter *sorter, const char *text, size_t length,
                        struct tow_error *err)
{
    int rc = TOW_OK;

    if (length > TOW_TEXT_SET_MAX)
        return tow_error_set(err, TOW_E_DATA, "a text of %zu bytes; at most %u can be sorted",
                             length, TOW_TEXT_SET_MAX);
    if (sorter->count > 0 &&
        sorter->bytes.size + sorter->count * sizeof(struct set_text) + length > sorter->memory)
        rc = sorter_end_run(sorter, err);
    if (!rc && sorter->count == sorter->capacity) {
        size_t capacity = sorter->capacity ? sorter->capacity * 2 : 1024;
        uint32_t *lengths = reallocarray(sorter->lengths, capacity, sizeof *lengths);

        if (!lengths)
            return tow_error_nomem(err);
        sorter->lengths = lengths;
        sorter->capacity = capacity;
    }
    if (!rc)
        rc = tow_buffer_append(&sorter->bytes, text, length, err);
    if (!rc)
        sorter->lengths[sorter->count++] = (uint32_t)length;
    return rc;
}

int tow_text_sorter_finish(struct tow_text_sorter *sorter, int fd, struct tow_error *err)
{
    int rc = TOW_OK;

    if (sorter->run_count == 0)
        return sorter_write(sorter, fd, err);
    if (sorter->count > 0)
        rc = sorter_end_run(sorter, err);
    return rc ? rc : sorter_merge(sorter, sorter->run_count, fd, err);
}

/* ---- comparing ------------------------------------------------------------------------------ */

int tow_text_set_compare(int before, int now, tow_text_set_visit *visit, void *context,
                         struct tow_error *err)
{
    struct set_reader old = {0}, new = {0};
    int rc = set_begin(&old, before, err);

    if (!rc)
        rc = set_begin(&new, now, err);
    while (!rc && (old.length >= 0 || new.length >= 0)) {
        int order = set_order_readers(&old, &new);

        if (order < 0)
            rc = visit(context, old.text, (size_t)old.length, 0, err);
        else if (order > 0)
            rc = visit(context, new.text, (size_t) new.length, 1, err);
        if (!rc && order <= 0)
            rc = set_next(&old, err);
        if (!rc && order >= 0)
            rc = set_next(&new, err);
    }
    tow_buffer_release(&old.block);
    tow_buffer_release(&new.block);
    return rc;
}
