/*
 * `towpath setup`: what a job reads from and writes to is made, where it is not there and its
 * plugins know how to.
 *
 * Columns go against the stream first: those that the sink takes, back through `columns`, are what
 * the source must have. From the source on they go as in a run.
 */
#ifndef CORE_RUN_ASSEMBLY_SETUP_H
#define CORE_RUN_ASSEMBLY_SETUP_H

#include "run/assembly/assembly.h"
#include "run/cancel.h"

/* Beside TOW_SETUP_... of plugin.h. */
#define TOW_SETUP_NOTHING 0    /* the plugin makes nothing */
#define TOW_SETUP_UNKNOWN (-1) /* only a run will know the columns */
#define TOW_SETUP_ROUTED  (-2) /* only a run will know the routes */

/* What became of one thing. */
struct tow_setup_step {
    const char *section; /* of the job: "source", "sink", "results", "history" */
    const char *plugin;
    int outcome;
    char *thing;     /* NULL with those three */
    char *statement; /* NULL where there is none */
};

struct tow_setup_report {
    struct tow_setup_step *steps;
    size_t count, capacity;
};

struct tow_setup_options {
    int is_dry_run;
    struct tow_cancel *cancel; /* may be NULL */
};

/*
 * Sets up the sections of a job one by one, and stops at the first that fails; what was done until
 * then stands in the report, and a second call finds it done. Needs an assembly without errors.
 * Release the report in every case.
 */
int tow_setup_job(struct tow_assembly *assembly, const struct tow_setup_options *options,
                  struct tow_setup_report *report, struct tow_error *err);
void tow_setup_report_release(struct tow_setup_report *report);

#endif
