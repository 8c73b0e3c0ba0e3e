/*
 * The core's side of struct tow_host: what one plugin instance may ask for.
 */
#ifndef CORE_RUN_HOST_H
#define CORE_RUN_HOST_H

#include "config/job.h"
#include "run/cancel.h"
#include "run/overlay.h"
#include "state/state.h"
#include "towpath/plugin.h"

/*
 * One instance's table and what stands behind it. Fill the members after tow_host_init as far as
 * they apply; all are borrowed and live until the instance is closed.
 */
struct tow_host_box {
    struct tow_host host;        /* host.core points back here */
    char area[80];               /* "source csv", for log lines */
    char ledger[300];            /* "source:csv" */
    struct tow_cancel *cancel;   /* NULL: never cancelled */
    struct tow_cancel *asked;    /* NULL, or what a signal sets at once and `cancel` follows soon */
    struct tow_state *state;     /* NULL: the ledger is empty and takes nothing (TOW_E_BUG) */
    struct tow_overlay *overlay; /* stands in the place of the ledger; NULL: none */
    const char *ledger_job;      /* the job as the state knows it */
    /* Where reject and settle go; NULL: calling them is TOW_E_BUG. */
    int (*reject)(void *context, const struct tow_source_reject *row);
    int (*settle)(void *context, uint64_t seq, int64_t first, int64_t count, int outcome,
                  const char *code, const char *message);
    int (*keep)(void *context, uint64_t seq); /* NULL: there is nothing to do */
    void *context;
};

/* `role`, a literal, is "source", "sink", "results", "history" or "transform". load_id is "" and
 * worker 0 of 1 until the caller says otherwise. */
void tow_host_init(struct tow_host_box *box, const struct tow_job *job, const char *role,
                   const struct tow_plugin *plugin);

/* Before a plugin's call: err says nothing, so that what stands in it afterwards is the call's. */
void tow_host_clear(struct tow_error *err);
/* After it: what the call returned and said, made sound. A class that means nothing, or
 * TOW_E_CANCELLED from an instance that was not told to stop, is TOW_E_BUG; a message that says who
 * and what. Returns the class that is then in err; TOW_OK where rc is. */
int tow_host_result(const struct tow_host_box *box, const char *call, int rc,
                    struct tow_error *err);

#endif
