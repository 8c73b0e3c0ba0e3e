#include "plugins/file/text.h"

#include <stdlib.h>

#include "towpath/batch.h"

#define FNV_OFFSET 0xcbf29ce484222325u
#define FNV_PRIME  0x100000001b3u

struct tow_file_text {
    int has_header;
    struct tow_csv_writer *csv; /* one of the two */
    struct tow_json_writer *json;
};

struct tow_file_text *tow_file_text_new(const struct tow_file_target *target,
                                        const struct ArrowSchema *schema, struct tow_error *err)
{
    const struct tow_file_options *options = target->options;
    const struct tow_csv_format format = {
        .delimiter = target->delimiter,
        .null_text = options->null_text,
        .line_end = options->line_end == TOW_FILE_LINE_CRLF ? "\r\n" : "\n",
        .quote_all = options->quote_all,
    };
    struct tow_file_text *text = calloc(1, sizeof *text);

    if (!text) {
        tow_error_nomem(err);
        return NULL;
    }
    if (target->is_csv)
        text->csv = tow_csv_writer_new(schema, &format, err);
    else
        text->json =
            tow_json_writer_new(schema, options->omit_nulls ? TOW_JSON_OMIT_NULLS : 0, err);
    text->has_header = target->is_csv && options->header;
    if (text->csv || text->json)
        return text;
    free(text);
    return NULL;
}

void tow_file_text_free(struct tow_file_text *text)
{
    if (!text)
        return;
    tow_csv_writer_free(text->csv);
    tow_json_writer_free(text->json);
    free(text);
}

int tow_file_text_head(struct tow_file_text *text, struct tow_buffer *out, struct tow_error *err)
{
    return text->has_header ? tow_csv_writer_header(text->csv, out, err) : TOW_OK;
}

int tow_file_text_rows(struct tow_file_text *text, const struct ArrowArray *array, int64_t first,
                       int64_t count, struct tow_buffer *out, struct tow_error *err)
{
    if (text->csv)
        return tow_csv_writer_rows(text->csv, array, first, count, out, err);
    return tow_json_writer_rows(text->json, array, first, count, out, err);
}

/* FNV-1a; the terminator keeps neighbours apart. */
static uint64_t text_hash(uint64_t hash, const char *part)
{
    do {
        hash = (hash ^ (unsigned char)*part) * FNV_PRIME;
    } while (*part++);
    return hash;
}

static uint64_t text_hash_flag(uint64_t hash, int flag)
{
    return text_hash(hash, flag ? "1" : "0");
}

uint64_t tow_file_text_layout(const struct tow_file_target *target,
                              const struct ArrowSchema *schema)
{
    const struct tow_file_options *options = target->options;
    uint64_t hash = FNV_OFFSET;

    hash = text_hash_flag(hash, target->is_csv);
    hash = text_hash_flag(hash, target->is_gzip);
    hash = text_hash_flag(hash, options->header);
    hash = text_hash_flag(hash, options->quote_all);
    hash = text_hash_flag(hash, options->line_end == TOW_FILE_LINE_CRLF);
    hash = text_hash_flag(hash, options->omit_nulls);
    hash = text_hash(hash, target->delimiter);
    hash = text_hash(hash, options->null_text ? options->null_text : "");
    for (int64_t i = 0; i < schema->n_children; i++) {
        hash = text_hash(hash, schema->children[i]->name);
        hash = text_hash(hash, schema->children[i]->format);
    }
    return hash;
}

int tow_file_text_check(const struct tow_file_target *target, struct tow_error *err)
{
    static const struct tow_field field = {"any", {TOW_TYPE_STRING, 0, 0}, 0};
    struct ArrowSchema schema;
    struct tow_file_text *text;
    int code = tow_schema_make(&schema, &field, 1, err);

    if (code != TOW_OK)
        return code;
    text = tow_file_text_new(target, &schema, err);
    if (!text)
        code = err->code;
    tow_file_text_free(text);
    schema.release(&schema);
    return code;
}
