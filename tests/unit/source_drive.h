/* Any source plugin, driven by hand as the core does it: loads that break off behind any batch, and
 * go on. Failures fail the running test. */
#ifndef TESTS_UNIT_SOURCE_DRIVE_H
#define TESTS_UNIT_SOURCE_DRIVE_H

#include "fake_host.h"
#include "towpath/batch.h"
#include "towpath/rowtext.h"

struct drive {
    const struct tow_plugin *plugin;
    const char *const *settings; /* pairs that a NULL ends */
    struct fake_host fake;       /* clock, ledger, rejects: of all loads */
    struct tow_position at;      /* behind the last batch or end that was kept */
    struct tow_buffer rows;      /* all that was handed out, as CSV lines */
    size_t row_count;
    size_t batches; /* that were taken, those without rows among them */
    int passing;    /* errors that were tried again */
    struct tow_error err;
};

void drive_init(struct drive *drive, const struct tow_plugin *plugin, const char *const *settings);
void drive_release(struct drive *drive);

/* One load from where the last one stopped: TOW_END at its end, TOW_OK where it breaks off behind
 * `batches` (below 0: never), or the error that ends it. What may pass is tried again. */
int drive_run(struct drive *drive, int batches);
/* The same to the end; anything else fails the test. */
void drive_whole(struct drive *drive);
/* All rows so far, a line each, with a NUL; the drive's. */
const char *drive_rows(struct drive *drive);
/* How often a line is among them. */
size_t drive_count(struct drive *drive, const char *line);

#endif
