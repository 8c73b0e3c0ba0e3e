/* Answers of the Statement Execution API: the status, the manifest, links, and the cells of an
 * inline result. */
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "connectors/databricks/fetch_priv.h"
#include "fuzz_demand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A client that is being interrupted, so that whatever an answer leads to is not asked for. */
static struct tow_databricks *client_new(int *cancel)
{
    const struct tow_databricks_config config = {.url = (char[]){"http://127.0.0.1:9"},
                                                 .token = (char[]){"x"},
                                                 .warehouse_id = (char[]){"w"}};
    struct tow_databricks *databricks;

    *cancel = eventfd(1, EFD_CLOEXEC);
    databricks = tow_databricks_new(&config, *cancel, NULL);
    if (*cancel < 0 || !databricks)
        exit(99);
    return databricks;
}

static void try_cells(struct tow_databricks *databricks, struct tow_statement *statement)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_cells *cells = tow_cells_new(databricks, statement, &err);
    const char *const *texts;
    const size_t *lengths;
    int64_t rows = 0;

    while (cells && tow_cells_next(cells, &texts, &lengths, &err) == TOW_OK) {
        for (size_t i = 0; i < statement->column_count; i++)
            demand(!texts[i] || texts[i][lengths[i]] == '\0', "texts that end");
        rows++;
    }
    if (cells && err.code == TOW_OK)
        demand(rows == statement->rows, "as many rows as the manifest says");
    tow_cells_free(cells);
    free(tow_statement_text(databricks, statement, "a", &err));
}

static void try_link(const struct tow_statement *statement)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_fetch_link link;

    if (tow_fetch_link_read(&link, statement->first, 0, &err) == TOW_OK)
        demand(link.url && *link.url, "a link");
    else
        demand_message(&err);
    (void)tow_fetch_link_lasts(&link);
    tow_fetch_link_release(&link);
}

static void try_statement(struct tow_databricks *databricks, struct tow_statement *statement,
                          const struct tow_statement_status *status)
{
    const struct tow_statement_request request = {.what = "reading", .text = ""};
    struct tow_error err = TOW_ERROR_INIT;

    demand(tow_statement_is_id(statement->id, strlen(statement->id)), "an id fit for a URL");
    demand(statement->rows >= 0 && statement->chunks >= 0, "counts above zero");
    for (int64_t i = 0; statement->chunk_rows && i < statement->chunks; i++)
        demand(statement->chunk_rows[i] >= 0, "rows above zero");
    if (status->state == TOW_STATEMENT_FAILED) {
        demand(tow_statement_failed(statement, status, &request, &err) != TOW_OK, "a failure");
        demand_message(&err);
    }
    try_link(statement);
    try_cells(databricks, statement);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int cancel;
    struct tow_databricks *databricks = client_new(&cancel);
    struct tow_statement statement = {.columns = NULL};
    struct tow_statement_status status = {.has_result = 0};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer body = {0};

    if (tow_buffer_append(&body, data, size, &err) != TOW_OK)
        exit(99);
    if (tow_statement_read(&statement, &status, &body, "reading", &err) == TOW_OK)
        try_statement(databricks, &statement, &status);
    else
        demand_message(&err);
    tow_statement_release(&statement);
    tow_buffer_release(&body);
    tow_databricks_free(databricks);
    close(cancel);
    return 0;
}
