#include "plugins/databricks_copy/part.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connectors/files/gzip_writer.h"
#include "plugins/databricks_copy/ordinal.h"
#include "towpath/batch.h"
#include "towpath/rowtext.h"

#define PART_TEXT_FULL  TOW_GZIP_CHUNK /* text is compressed from here */
#define PART_SLICE_TEXT (32 << 10)     /* and made in slices of about as much */
#define PART_SLICE_ROWS 1024
#define PART_FIRST_ROWS 64
#define PART_NAME_MAX   24 /* of a column in the text */

struct tow_copy_part {
    int fd;
    char *spool;
    struct tow_gzip_writer *gzip;
    struct tow_csv_writer *csv; /* one of the two */
    struct tow_json_writer *json;
    struct tow_buffer text;           /* not compressed yet */
    struct tow_buffer header;         /* of CSV; empty: none */
    struct tow_copy_ordinal *ordinal; /* NULL: without */
    int64_t slice;                    /* rows to make into text at once */
    int64_t rows, text_bytes, bytes;
    int is_sealed;
};

/* ---- the file ------------------------------------------------------------------------------- */

const char *tow_copy_spool_folder(const char *option)
{
    const char *folder = getenv("TMPDIR");

    if (option)
        return option;
    return folder && *folder ? folder : "/var/tmp";
}

/* A file that nobody else can see; where the file system has none of these, one that loses its
 * name at once. */
static int part_open_file(const char *folder, struct tow_error *err)
{
    char *path = NULL;
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0)
        return fd;
    if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL) {
        if (asprintf(&path, "%s/towpath-XXXXXX", folder) < 0) {
            tow_error_nomem(err);
            return -1;
        }
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0)
            unlink(path);
        free(path);
    }
    if (fd < 0)
        tow_error_errno(err, TOW_E_ENV, errno, "make a file in the spool folder \"%s\"", folder);
    return fd;
}

int tow_copy_spool_check(const char *folder, struct tow_error *err)
{
    int fd = part_open_file(folder, err);

    if (fd < 0)
        return err ? err->code : TOW_E_ENV;
    close(fd);
    return TOW_OK;
}

static int part_put(void *context, const void *bytes, size_t length, struct tow_error *err)
{
    struct tow_copy_part *part = context;
    const char *p = bytes;

    while (length > 0) {
        ssize_t written = write(part->fd, p, length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return tow_error_errno(err, TOW_E_ENV, errno,
                                   "write a part to the spool folder \"%s\" (make room there, or "
                                   "name another one in `spool`)",
                                   part->spool);
        p += written;
        length -= (size_t)written;
        part->bytes += written;
    }
    return TOW_OK;
}

/* ---- making one ----------------------------------------------------------------------------- */

/* The columns as they are named in the text: "c0" ..., whatever their names are in the table; or by
 * these, for a table that takes them from there. */
static int part_schema(const struct tow_copy_part_spec *spec, struct ArrowSchema *out,
                       struct tow_error *err)
{
    const size_t count = (size_t)spec->schema->n_children + (spec->has_ordinal ? 1 : 0);
    struct tow_field *fields = calloc(count, sizeof *fields);
    char(*names)[PART_NAME_MAX] = calloc(count, sizeof *names);
    int code = fields && names ? TOW_OK : tow_error_nomem(err);

    for (size_t i = 0; i < count && code == TOW_OK; i++) {
        fields[i].type = (struct tow_type){TOW_TYPE_INT64, 0, 0};
        if ((int64_t)i < spec->schema->n_children)
            code = tow_schema_field(spec->schema, (int64_t)i, &fields[i], err);
        snprintf(names[i], sizeof names[i], "c%zu", i);
        if (!spec->has_header)
            fields[i].name = names[i];
    }
    if (code == TOW_OK)
        code = tow_schema_make(out, fields, count, err);
    free(fields);
    free(names);
    return code;
}

/* A header is text, and no row. */
static int part_put_header(struct tow_copy_part *part, struct tow_error *err)
{
    return part->header.size > 0
               ? tow_buffer_append(&part->text, part->header.data, part->header.size, err)
               : TOW_OK;
}

static int part_open_writer(struct tow_copy_part *part, const struct tow_copy_part_spec *spec,
                            struct tow_error *err)
{
    const struct tow_csv_format format = {.null_text = spec->null_text, .quote_all = TOW_CSV_QUOTE_TEXT};
    struct ArrowSchema schema;
    int code = part_schema(spec, &schema, err);

    if (code != TOW_OK)
        return code;
    if (spec->is_json)
        part->json = tow_json_writer_new(&schema, TOW_JSON_STRINGS, err);
    else
        part->csv = tow_csv_writer_new(&schema, &format, err);
    schema.release(&schema);
    if (!part->json && !part->csv)
        return err->code;
    if (spec->has_header)
        code = tow_csv_writer_header(part->csv, &part->header, err);
    return code == TOW_OK ? part_put_header(part, err) : code;
}

static int part_init(struct tow_copy_part *part, const struct tow_copy_part_spec *spec,
                     struct tow_error *err)
{
    const struct tow_gzip_drain drain = {part_put, part};
    int code;

    part->slice = PART_FIRST_ROWS;
    part->spool = strdup(spec->spool);
    if (!part->spool)
        return tow_error_nomem(err);
    if (spec->has_ordinal) {
        part->ordinal = tow_copy_ordinal_new(spec->schema->n_children, err);
        if (!part->ordinal)
            return err->code;
    }
    code = part_open_writer(part, spec, err);
    if (code != TOW_OK)
        return code;
    part->gzip = tow_gzip_writer_new(spec->level, drain, err);
    if (!part->gzip)
        return err->code;
    part->fd = part_open_file(spec->spool, err);
    return part->fd >= 0 ? TOW_OK : err->code;
}

struct tow_copy_part *tow_copy_part_new(const struct tow_copy_part_spec *spec,
                                        struct tow_error *err)
{
    struct tow_copy_part *part = calloc(1, sizeof *part);

    if (!part) {
        tow_error_nomem(err);
        return NULL;
    }
    part->fd = -1;
    if (part_init(part, spec, err) == TOW_OK)
        return part;
    tow_copy_part_free(part);
    return NULL;
}

void tow_copy_part_free(struct tow_copy_part *part)
{
    if (!part)
        return;
    if (part->fd >= 0)
        close(part->fd);
    tow_gzip_writer_free(part->gzip);
    tow_csv_writer_free(part->csv);
    tow_json_writer_free(part->json);
    tow_copy_ordinal_free(part->ordinal);
    tow_buffer_release(&part->text);
    tow_buffer_release(&part->header);
    free(part->spool);
    free(part);
}

/* ---- rows ----------------------------------------------------------------------------------- */

static int part_hand_on(struct tow_copy_part *part, struct tow_error *err)
{
    return part->text.size > 0 ? tow_gzip_writer_take(part->gzip, &part->text, err) : TOW_OK;
}

static int part_put_slice(struct tow_copy_part *part, const struct ArrowArray *array, int64_t first,
                          int64_t count, struct tow_error *err)
{
    const size_t before = part->text.size;
    int64_t added;
    int code = part->csv ? tow_csv_writer_rows(part->csv, array, first, count, &part->text, err)
                         : tow_json_writer_rows(part->json, array, first, count, &part->text, err);

    if (code != TOW_OK)
        return code;
    added = (int64_t)(part->text.size - before);
    part->rows += count;
    part->text_bytes += added;
    part->slice = PART_SLICE_TEXT * count / (added + 1) + 1;
    if (part->slice > PART_SLICE_ROWS)
        part->slice = PART_SLICE_ROWS;
    return part->text.size < PART_TEXT_FULL ? TOW_OK : part_hand_on(part, err);
}

int tow_copy_part_add(struct tow_copy_part *part, const struct ArrowArray *array, uint64_t seq,
                      int64_t first, int64_t count, struct tow_error *err)
{
    const int64_t end = first + count;
    int code = TOW_OK;

    if (part->is_sealed)
        return tow_error_set(err, TOW_E_BUG, "rows for a part that is complete");
    if (part->ordinal) {
        code = tow_copy_ordinal_join(part->ordinal, array, seq, err);
        array = tow_copy_ordinal_array(part->ordinal);
    }
    while (first < end && code == TOW_OK) {
        int64_t rows = end - first < part->slice ? end - first : part->slice;

        code = part_put_slice(part, array, first, rows, err);
        first += rows;
    }
    return code;
}

int tow_copy_part_seal(struct tow_copy_part *part, struct tow_error *err)
{
    int code = TOW_OK;

    if (part->is_sealed)
        return TOW_OK;
    code = part_hand_on(part, err);
    if (code == TOW_OK)
        code = tow_gzip_writer_end_member(part->gzip, err);
    part->is_sealed = code == TOW_OK;
    return code;
}

int tow_copy_part_clear(struct tow_copy_part *part, struct tow_error *err)
{
    if (ftruncate(part->fd, 0) != 0 || lseek(part->fd, 0, SEEK_SET) != 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "empty a file in the spool folder \"%s\"",
                               part->spool);
    part->text.size = 0;
    part->rows = part->text_bytes = part->bytes = 0;
    part->is_sealed = 0;
    return part_put_header(part, err);
}

int64_t tow_copy_part_rows(const struct tow_copy_part *part)
{
    return part->rows;
}

int64_t tow_copy_part_text(const struct tow_copy_part *part)
{
    return part->text_bytes;
}

int64_t tow_copy_part_bytes(const struct tow_copy_part *part)
{
    return part->bytes;
}

int tow_copy_part_is_sealed(const struct tow_copy_part *part)
{
    return part->is_sealed;
}

int tow_copy_part_fd(const struct tow_copy_part *part)
{
    return part->fd;
}
