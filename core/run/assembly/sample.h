/*
 * The first rows of a job as its sink would get them. Nothing is sent, written or recorded.
 */
#ifndef CORE_RUN_ASSEMBLY_SAMPLE_H
#define CORE_RUN_ASSEMBLY_SAMPLE_H

#include "run/assembly/assembly.h"

/* Where the rows go. Texts are borrowed for the call and have no line end; other than 0 stops the
 * sample and is what it returns. */
struct tow_sample {
    /* A row with the outgoing columns, as a JSON object. */
    int (*row)(void *context, const char *json, size_t length);
    /* A row that would be rejected, as a line of the reject store (state/rejects.h). */
    int (*reject)(void *context, const char *line, size_t length);
    void *context;
};

/*
 * Reads the first `count` rows from the start of the source, whatever the job's checkpoint says,
 * through transforms and columns. The source's ledger appears empty. Needs an assembly without
 * errors whose source is TOW_SOURCE_OFFLINE and knows its columns without consuming input.
 */
int tow_sample_run(struct tow_assembly *assembly, int64_t count, const struct tow_sample *sample,
                   struct tow_error *err);

#endif
