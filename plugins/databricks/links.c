/* A result behind links: chunks of Arrow streams, fetched ahead in parallel, read in order. */
#include <inttypes.h>
#include <stdlib.h>

#include "connectors/arrow/ipc.h"
#include "connectors/databricks/fetch.h"
#include "plugins/databricks/convert.h"
#include "plugins/databricks/result.h"

/* Bytes of one record batch. The far end makes them of about 1 MiB; one row may be larger. */
#define LINKS_BATCH_MAX ((size_t)1 << 30)

struct links_result {
    struct tow_result result;
    struct tow_result_settings settings;
    struct tow_fetch *fetch;
    struct tow_ipc *ipc;
    struct tow_convert *convert;
    int64_t chunk;      /* that is being read */
    int64_t chunk_rows; /* of it, so far */
    int64_t skip;       /* rows at the start of the chunk that were handed out before */
    int is_bound;       /* the columns of this chunk's stream are known */
    const char *bytes;  /* of it that have come and are not read */
    size_t length;
    int has_bytes;
};

static int links_is_gone(const struct tow_result *result)
{
    return tow_fetch_gone(((const struct links_result *)result)->fetch);
}

static void links_free(struct tow_result *result)
{
    struct links_result *links = (struct links_result *)result;

    tow_fetch_free(links->fetch);
    tow_ipc_free(links->ipc);
    tow_convert_free(links->convert);
    free(links);
}

/* ---- chunks --------------------------------------------------------------------------------- */

static int links_wrong(const struct links_result *links, struct tow_error *err)
{
    tow_error_prefix(err, "%s: chunk %" PRId64 " of statement %s", links->settings.what,
                     links->chunk, links->settings.statement->id);
    return err->code;
}

/* What the far end sent is no stream: the rows are not at fault, so none can be rejected for it. */
static int links_damaged(const struct links_result *links, struct tow_error *err)
{
    if (err->code == TOW_E_DATA)
        err->code = TOW_E_ENV;
    return links_wrong(links, err);
}

/* What is left of a chunk's rows behind row_count is padding; fewer are missing. Where nothing says
 * how many there are, all count, and the count of the whole load tells. */
static int links_check_rows(const struct links_result *links, struct tow_error *err)
{
    const int64_t promised = tow_fetch_rows(links->fetch, links->chunk);

    if (links->chunk_rows >= promised && links->chunk_rows >= links->skip)
        return TOW_OK;
    tow_error_set(err, TOW_E_ENV,
                  "%" PRId64 " rows came, its link promises %" PRId64
                  "; nothing of them was lost: run the job again",
                  links->chunk_rows, promised);
    return links_wrong(links, err);
}

static int links_end_chunk(struct links_result *links, struct tow_error *err)
{
    if (tow_ipc_end(links->ipc, err) != TOW_OK)
        return links_damaged(links, err);
    if (links_check_rows(links, err) != TOW_OK)
        return err->code;
    tow_ipc_reset(links->ipc);
    links->chunk++;
    links->chunk_rows = 0;
    links->skip = 0;
    links->is_bound = 0;
    return TOW_OK;
}

/* ---- record batches ------------------------------------------------------------------------- */

static int links_bind(struct links_result *links, struct tow_error *err)
{
    const struct tow_ipc_field *fields;
    size_t count;

    if (links->is_bound)
        return TOW_OK;
    fields = tow_ipc_schema(links->ipc, &count);
    if (tow_convert_bind(links->convert, fields, count, err) != TOW_OK)
        return links_wrong(links, err);
    links->is_bound = 1;
    return TOW_OK;
}

/* Fills the page with what of a batch is neither padding nor handed out before; TOW_END where
 * nothing is. */
static int links_take(struct links_result *links, const struct tow_ipc_batch *batch,
                      struct tow_scan_page *page, struct tow_error *err)
{
    const int64_t promised = tow_fetch_rows(links->fetch, links->chunk);
    const int64_t first = links->chunk_rows;
    const int64_t left = promised > first ? promised - first : 0;
    const int64_t rows = batch->length < left || promised < 0 ? batch->length : left;

    links->chunk_rows += rows;
    if (links->chunk_rows <= links->skip || rows == 0)
        return TOW_END;
    if (links_bind(links, err) != TOW_OK)
        return err->code;
    if (tow_convert_batch(links->convert, batch, rows, page, err) != TOW_OK)
        return links_wrong(links, err);
    page->chunk = links->chunk;
    page->chunk_row = first;
    page->at = links->skip > first ? links->skip - first : 0;
    return TOW_OK;
}

/* The next batch in the bytes at hand; TOW_END where more of them are needed. */
static int links_read(struct links_result *links, struct tow_scan_page *page, struct tow_error *err)
{
    int code = TOW_END;

    while (links->has_bytes && code == TOW_END) {
        struct tow_ipc_batch batch = {.memory = NULL};
        size_t used = 0;

        code = tow_ipc_read(links->ipc, links->bytes, links->length, &used, &batch, err);
        links->bytes += used;
        links->length -= used;
        if (code == TOW_END)
            links->has_bytes = 0;
        else if (code != TOW_OK)
            return links_damaged(links, err);
        if (code == TOW_OK) {
            code = links_take(links, &batch, page, err);
            tow_ipc_memory_unref(batch.memory);
        }
    }
    return code;
}

static int links_next(struct tow_result *result, struct tow_scan_page *page, struct tow_error *err)
{
    struct links_result *links = (struct links_result *)result;

    while (links->chunk < links->settings.statement->chunks) {
        const void *bytes = NULL;
        int code = links_read(links, page, err);

        if (code != TOW_END)
            return code;
        code = tow_fetch_next(links->fetch, links->chunk, &bytes, &links->length, err);
        links->bytes = bytes;
        links->has_bytes = code == TOW_OK;
        if (code == TOW_END)
            code = links_end_chunk(links, err);
        if (code != TOW_OK)
            return code;
    }
    return TOW_END;
}

/* ---- making one ----------------------------------------------------------------------------- */

struct tow_result *tow_links_new(const struct tow_result_settings *settings, struct tow_error *err)
{
    static const struct tow_result_ops ops = {links_next, links_is_gone, links_free};
    const struct tow_fetch_settings fetch = {.parallel = settings->parallel,
                                             .first = settings->chunk};
    struct links_result *links = calloc(1, sizeof *links);

    if (!links) {
        tow_error_nomem(err);
        return NULL;
    }
    links->result.ops = &ops;
    links->settings = *settings;
    links->chunk = settings->chunk;
    links->skip = settings->row;
    links->convert = tow_convert_new(settings->columns, err);
    if (links->convert)
        links->ipc = tow_ipc_new(settings->statement->lz4 ? TOW_IPC_LZ4_FRAMES : TOW_IPC_PLAIN,
                                 LINKS_BATCH_MAX, err);
    if (links->ipc && links->chunk < settings->statement->chunks)
        links->fetch =
            tow_fetch_new(settings->config, settings->cancel_fd, settings->statement, &fetch, err);
    if (links->ipc && (links->fetch || links->chunk >= settings->statement->chunks))
        return &links->result;
    links_free(&links->result);
    return NULL;
}
