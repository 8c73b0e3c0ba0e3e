/* Where a run starts: a new load, or the one that an earlier run left unfinished. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "run/run_priv.h"

#define FNV_OFFSET 0xcbf29ce484222325u
#define FNV_PRIME  0x100000001b3u

/* Names and types of the columns, hashed twice with different seeds. It guards against mistakes,
 * not against anyone. */
static uint64_t resume_hash(const struct ArrowSchema *schema, uint64_t hash)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        char type[TOW_TYPE_TEXT_MAX];
        struct tow_field field;

        if (tow_schema_field(schema, i, &field, NULL))
            continue;
        const char *parts[] = {field.name, tow_type_name(field.type, type)};
        for (size_t p = 0; p < 2; p++)
            for (size_t k = 0; k <= strlen(parts[p]); k++)
                hash = (hash ^ (unsigned char)parts[p][k]) * FNV_PRIME;
    }
    return hash;
}

void resume_fingerprint(struct run *run)
{
    snprintf(run->fingerprint, sizeof run->fingerprint, "%016llx%016llx",
             (unsigned long long)resume_hash(&run->in, FNV_OFFSET),
             (unsigned long long)resume_hash(&run->in, ~FNV_OFFSET));
}

static int resume_new_load(struct run *run, struct tow_error *err)
{
    unsigned char random[8];

    if (getrandom(random, sizeof random, 0) != sizeof random)
        return tow_error_set(err, TOW_E_ENV, "no random numbers from the system");
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(run->load_id + 2 * i, 3, "%02x", random[i]);
    return TOW_OK;
}

static int resume_refuse(struct run *run, struct tow_error *err, const char *what, const char *was,
                         const char *is)
{
    return tow_error_set(err, TOW_E_CONFIG,
                         "job %s stands in the middle of a load whose %s was \"%s\", now it is "
                         "\"%s\"; go back, or start anew with --full",
                         run->job->name, what, was, is);
}

/* A checkpoint fits only the plugins that made it. */
static int resume_vet(struct run *run, struct tow_error *err)
{
    const struct tow_checkpoint *resume = &run->resume;
    const char *source = run->options->replay_of ? "replay" : run->assembly->source->name;

    if (resume->position.length > 0 && strcmp(resume->source, source) != 0)
        return resume_refuse(run, err, "source", resume->source, source);
    if (resume->load_id[0] && strcmp(resume->sink, run->assembly->sink->name) != 0)
        return resume_refuse(run, err, "sink", resume->sink, run->assembly->sink->name);
    if (resume->load_id[0] && run->options->limit >= 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "job %s stands in the middle of a load; finish it with a run without "
                             "--limit, or forget it with `towpath state reset %s`",
                             run->job->name, run->job->name);
    return TOW_OK;
}

int resume_find(struct run *run, struct tow_error *err)
{
    int rc = TOW_END;

    run->resume.position.size = sizeof run->resume.position;
    if (!run->options->full)
        rc = tow_state_checkpoint(run->state, run->key, &run->resume, err);
    if (rc == TOW_OK)
        rc = resume_vet(run, err);
    if (rc < 0)
        return rc;
    if (!run->resume.load_id[0]) {
        run->resume.token_count = 0;
        run->resume.seq = 0;
        return resume_new_load(run, err);
    }
    memcpy(run->load_id, run->resume.load_id, sizeof run->load_id);
    run->report->resumed_of = run->resume.run;
    rc = tow_state_load_counts(run->state, run->load_id, &run->before, err);
    /* What was read and left pending comes again. */
    run->before.read = run->before.accepted + run->before.rejected + run->before.filtered;
    return rc;
}

int resume_check_schema(struct run *run, struct tow_error *err)
{
    uint32_t tokens = workers_wanted(run) + (run->assembly->results != NULL);
    const struct tow_checkpoint *resume = &run->resume;

    if (resume->position.length > 0 && !run->options->accept_schema &&
        strcmp(resume->fingerprint, run->fingerprint) != 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "the source's columns changed since the checkpoint of run %lld; see "
                             "`towpath plan`, then run with --accept-schema-change",
                             (long long)resume->run);
    if (resume->load_id[0] && resume->token_count != tokens)
        return tow_error_set(err, TOW_E_CONFIG,
                             "job %s stands in the middle of a load with %u sink instances, now it "
                             "has %u; set pipeline.workers and results back, or start anew with "
                             "--full",
                             run->job->name, resume->token_count, tokens);
    return TOW_OK;
}
