/*
 * Sends the rows of a window, and settles each of them by what the far end says.
 *
 * An upload's answer has counts, and no row's name. Where they are not those of what was sent, the
 * rows at fault are looked for: Lytics is asked to look at parts of the upload, halves, and halves
 * of these, without taking anything (dryrun).
 */
#ifndef PLUGINS_LYTICS_SEND_H
#define PLUGINS_LYTICS_SEND_H

#include "plugins/lytics/options.h"
#include "plugins/lytics/window.h"
#include "plugins/shared/body_zip.h"

/* A row at fault, and what the far end said of it. */
struct tow_import_bad {
    int64_t place; /* in the window */
    char why[240]; /* "": a count only */
};

struct tow_import_sender {
    const struct tow_import_options *options; /* borrowed, as the next three */
    const struct tow_host *host;
    struct tow_lytics *lytics;
    struct tow_import_text *text;
    struct tow_body_zip *zip; /* NULL: bodies are sent as they are; freed by release */
    struct tow_buffer body;   /* of rows that are sent a second time, or looked at */
    struct tow_buffer filename;
    struct tow_import_bad *bad; /* in the window's order */
    int64_t bad_count;
    struct tow_error refusal; /* why the far end took no row of the last upload; code TOW_OK: it
                                 did, by its counts in part */
    struct tow_lytics_receipt receipt; /* of the last upload */
};

void tow_import_sender_release(struct tow_import_sender *sender);

/*
 * TOW_OK: all rows of the window, which belong to batch seq, are settled. *too_large: none is, and
 * the far end takes no body of that size. Otherwise what was not settled is to come again; what
 * TOW_E_TRANSIENT says of rows may have been taken all the same.
 */
int tow_import_send(struct tow_import_sender *sender, struct tow_import_window *window,
                    uint64_t seq, int *too_large, struct tow_error *err);

/* Settles rows [first, first + count) of a batch. */
int tow_import_settle(const struct tow_host *host, uint64_t seq, int64_t first, int64_t count,
                      const char *code, const char *message, struct tow_error *err);

#endif
