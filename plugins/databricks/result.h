/*
 * What a statement gave, page by page: behind links (links.c), or inline (inline.c).
 */
#ifndef PLUGINS_DATABRICKS_RESULT_H
#define PLUGINS_DATABRICKS_RESULT_H

#include "connectors/databricks/client.h"
#include "connectors/databricks/config.h"
#include "connectors/databricks/statement.h"
#include "plugins/databricks/page.h"

struct tow_result;

/* Borrowed until the result is freed. */
struct tow_result_settings {
    const char *what; /* is read, for messages */
    const struct tow_databricks_config *config;
    struct tow_databricks *client;
    struct tow_statement *statement;
    const struct tow_scan_columns *columns;
    int cancel_fd;
    int parallel;       /* downloads at once */
    int64_t chunk, row; /* to begin with */
    int64_t page_rows;  /* of an inline result: so many to a page */
};

struct tow_result *tow_links_new(const struct tow_result_settings *settings, struct tow_error *err);
struct tow_result *tow_inline_new(const struct tow_result_settings *settings,
                                  struct tow_error *err);

/*
 * Fills page, which is released or zeroed, with the next rows: TOW_OK; TOW_END where there are
 * none. TOW_E_TRANSIENT and TOW_E_RATE: ask again, nothing is lost. After any other error only
 * is_gone and free may follow.
 */
struct tow_result_ops {
    int (*next)(struct tow_result *result, struct tow_scan_page *page, struct tow_error *err);
    /* 1 where the last error was that the far end no longer keeps the result. */
    int (*is_gone)(const struct tow_result *result);
    void (*free)(struct tow_result *result);
};

struct tow_result {
    const struct tow_result_ops *ops;
};

static inline int tow_result_next(struct tow_result *result, struct tow_scan_page *page,
                                  struct tow_error *err)
{
    return result->ops->next(result, page, err);
}

static inline int tow_result_is_gone(const struct tow_result *result)
{
    return result->ops->is_gone(result);
}

static inline void tow_result_free(struct tow_result *result)
{
    if (result)
        result->ops->free(result);
}

#endif
