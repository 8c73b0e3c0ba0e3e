/*
 * A job with its plugins: loaded, options filled, checked. `check`, `plan` and `run` all come
 * through here, so that what `check` passes is what `run` accepts.
 */
#ifndef CORE_RUN_ASSEMBLY_ASSEMBLY_H
#define CORE_RUN_ASSEMBLY_ASSEMBLY_H

#include "columns/columns.h"
#include "config/job.h"
#include "config/option/options.h"
#include "config/option/words.h"
#include "plugin/loader.h"

/* A job's plugins; instances are made from it, one a use. */
struct tow_assembly {
    const struct tow_job *job;
    const struct tow_plugin *source, *sink;
    const struct tow_plugin *results, *history; /* NULL where there is none */
    const struct tow_plugin **transforms;       /* job->transform_count of them */
    struct tow_words
        words; /* that the source offers, each standing for itself: run/assembly/words.h */
};

/*
 * Finds the plugins, fills an instance of each once and calls its check. Findings go to diags
 * with file and line. Usable where diags->errors did not grow; release it in every case.
 */
int tow_assembly_init(struct tow_assembly *assembly, const struct tow_job *job,
                      struct tow_loader *loader, struct tow_diags *diags, struct tow_error *err);
void tow_assembly_release(struct tow_assembly *assembly);

/* Time between checkpoints: the job's, else the longest that its sinks wish for. */
int64_t tow_assembly_checkpoint_ms(const struct tow_assembly *assembly);
/* Sink instances at once: the job's number, else what the sink wishes for. */
int64_t tow_assembly_workers(const struct tow_assembly *assembly);
/* Batches that wait for a sink, and bytes under way: the job's, else what the sink wishes for. */
int64_t tow_assembly_queue_batches(const struct tow_assembly *assembly);
int64_t tow_assembly_queue_bytes(const struct tow_assembly *assembly);

/* 1 where the job says that its plugins may start programs, or an option of theirs that is set
 * names one. */
int tow_assembly_starts_programs(const struct tow_assembly *assembly);

/*
 * What can be known offline beyond that: opens the source where it is TOW_SOURCE_OFFLINE, puts its
 * schema through transforms and columns, and shows the outcome to the sink. `in` and `out` (each
 * may be NULL) receive the schemas; they stay released (release == NULL) where they cannot be known
 * offline.
 */
int tow_assembly_probe(struct tow_assembly *assembly, struct ArrowSchema *in,
                       struct ArrowSchema *out, struct tow_diags *diags, struct tow_error *err);

#endif
