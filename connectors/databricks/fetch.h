/*
 * The chunks of a result behind external links, fetched in parallel, handed out in order as bytes
 * (Databricks REST API reference, Statement Execution, EXTERNAL_LINKS).
 *
 * A thread of the fetcher resolves a link just before its download, without the login header on
 * the link, and keeps several downloads going. What has arrived and is not taken yet is bounded by
 * `memory`; then downloads pause. The chunk that is handed out has 4 MiB of its own beyond that, so
 * that it always moves. A download that breaks off goes on where it stopped when the caller asks
 * again; one ahead of the chunk that is handed out does so by itself once it is needed. A link that
 * is refused (400, 401, 403, 404, 410) is resolved anew, at most `refreshes` times a chunk, and so
 * is one that has expired.
 */
#ifndef CONNECTORS_DATABRICKS_FETCH_H
#define CONNECTORS_DATABRICKS_FETCH_H

#include "connectors/databricks/statement.h"

struct tow_fetch_settings {
    int parallel;   /* downloads at once, 64 at most; 0: 8 */
    int64_t memory; /* bytes that have arrived and wait; 0: 48 MiB */
    int refreshes;  /* 0: 2 */
    int64_t first;  /* chunk to begin with */
};

struct tow_fetch;

/* The statement is borrowed until free. The fetcher logs in with a client of its own. */
struct tow_fetch *tow_fetch_new(const struct tow_databricks_config *config, int cancel_fd,
                                struct tow_statement *statement,
                                const struct tow_fetch_settings *settings, struct tow_error *err);
void tow_fetch_free(struct tow_fetch *fetch);

/*
 * The next bytes of chunk `chunk`, the one that is being handed out: TOW_OK with *bytes, good until
 * the next call; TOW_END at the end of the chunk, whose length has been checked: the next call is
 * for the next chunk. TOW_E_TRANSIENT and TOW_E_RATE: ask again, nothing is lost. A storage host
 * that refuses fresh links, or cannot be reached three times over before it ever was, is TOW_E_ENV
 * and says what to do (open the egress, or result = "inline"). A statement whose result is gone is
 * TOW_E_ENV, and gone says so.
 */
int tow_fetch_next(struct tow_fetch *fetch, int64_t chunk, const void **bytes, size_t *length,
                   struct tow_error *err);
/* Rows that the link of a chunk promises, else the manifest; -1 where neither does. Known once the
 * chunk's first bytes have come, until the first bytes of the next one. */
int64_t tow_fetch_rows(const struct tow_fetch *fetch, int64_t chunk);
/* 1 where the last error was that the far end no longer keeps the result. */
int tow_fetch_gone(const struct tow_fetch *fetch);

#endif
