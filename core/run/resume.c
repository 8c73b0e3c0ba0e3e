/* Where a run starts: a new load, or the one that an earlier run left unfinished. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "run/run_priv.h"

#define FNV_OFFSET 0xcbf29ce484222325u
#define FNV_PRIME  0x100000001b3u

/* Where the parts of a fingerprint begin: source's columns, outgoing columns, results plugin and
 * route. */
#define PRINT_OUT     32
#define PRINT_RESULTS 48
#define PRINT_LENGTH  64

/* ---- fingerprint ---------------------------------------------------------------------------- */

/* It guards against mistakes, not against anyone. */
static uint64_t resume_hash_text(const char *text, uint64_t hash)
{
    for (size_t i = 0; i <= strlen(text); i++)
        hash = (hash ^ (unsigned char)text[i]) * FNV_PRIME;
    return hash;
}

/* Names and types of the columns. */
static uint64_t resume_hash(const struct ArrowSchema *schema, uint64_t hash)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        char type[TOW_TYPE_TEXT_MAX];
        struct tow_field field;

        if (tow_schema_field(schema, i, &field, NULL))
            continue;
        hash = resume_hash_text(field.name, hash);
        hash = resume_hash_text(tow_type_name(field.type, type), hash);
    }
    return hash;
}

void resume_fingerprint(struct run *run)
{
    const struct tow_plugin *results = run->assembly->results;
    uint64_t sinks = resume_hash_text(results ? results->name : "", FNV_OFFSET);

    if (run->job->has_route)
        sinks = resume_hash_text(run->job->route.by, sinks);
    snprintf(run->fingerprint, sizeof run->fingerprint, "%016llx%016llx%016llx%016llx",
             (unsigned long long)resume_hash(&run->in, FNV_OFFSET),
             (unsigned long long)resume_hash(&run->in, ~FNV_OFFSET),
             (unsigned long long)resume_hash(&run->out, FNV_OFFSET), (unsigned long long)sinks);
}

/* A part that an older checkpoint, or one that was put in place by hand, does not have fits. */
static int resume_differs(const struct run *run, size_t from, size_t to)
{
    const char *was = run->resume.fingerprint;

    return strlen(was) >= to && memcmp(was + from, run->fingerprint + from, to - from) != 0;
}

/* ---- finding -------------------------------------------------------------------------------- */

int run_new_load_id(char load_id[33], struct tow_error *err)
{
    unsigned char random[8];

    if (getrandom(random, sizeof random, 0) != sizeof random)
        return tow_error_set(err, TOW_E_ENV, "no random numbers from the system");
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(load_id + 2 * i, 3, "%02x", random[i]);
    return TOW_OK;
}

static int resume_refuse(struct run *run, struct tow_error *err, const char *what, const char *was,
                         const char *is)
{
    return tow_error_set(err, TOW_E_CONFIG,
                         "the checkpoint of job %s was made with %s \"%s\", now it is \"%s\"; go "
                         "back, or start anew with --full",
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
    return TOW_OK;
}

/* A trial's rows would take the place of what the load has made so far. */
static int resume_vet_trial(struct run *run, struct tow_error *err)
{
    if (!run->resume.load_id[0] || run->options->limit < 0)
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG,
                         "job %s stands in the middle of a load; finish it with a run without "
                         "--limit, or forget it with `towpath state reset %s`",
                         run->job->name, run->job->name);
}

/* --full is about the first of loads that follow one another. */
static int resume_is_anew(const struct run *run)
{
    return run->options->full && run->report->loads == 0;
}

static void resume_forget(struct run *run)
{
    tow_checkpoint_release(&run->resume);
    memset(&run->resume, 0, sizeof run->resume);
    run->resume.position.size = sizeof run->resume.position;
}

static int resume_go_on(struct run *run, struct tow_error *err)
{
    memcpy(run->load_id, run->resume.load_id, sizeof run->load_id);
    run->report->resumed_of = run->resume.run;
    int rc = tow_state_load_counts(run->state, run->load_id, &run->before, err);
    /* What was read and left pending comes again. */
    run->before.read = run->before.accepted + run->before.rejected + run->before.filtered;
    return rc;
}

int resume_find(struct run *run, struct tow_error *err)
{
    int rc = tow_state_checkpoint(run->state, run->key, &run->resume, err);

    if (rc == TOW_OK)
        rc = resume_vet_trial(run, err);
    if (rc == TOW_OK && !resume_is_anew(run))
        rc = resume_vet(run, err);
    if (rc < TOW_OK)
        return rc;
    if (resume_is_anew(run))
        resume_forget(run);
    if (run->resume.load_id[0])
        return resume_go_on(run, err);
    tow_checkpoint_release(&run->resume);
    run->resume.seq = 0;
    return run_new_load_id(run->load_id, err);
}

/* The owner of a lock that was taken over may have woken up after resume_find, and have moved the
 * checkpoint for a last time before this run closed it. */
static int resume_is_current(struct run *run, struct tow_error *err)
{
    struct tow_checkpoint now = {0};
    int rc = tow_state_checkpoint(run->state, run->key, &now, err);
    int same = now.run == run->resume.run && now.saved_us == run->resume.saved_us;

    tow_checkpoint_release(&now);
    if (rc < TOW_OK)
        return rc;
    return same ? TOW_OK
                : tow_error_set(err, TOW_E_ENV,
                                "another process moved the checkpoint of job %s while this run "
                                "began; run it again",
                                run->job->name);
}

int resume_begin(struct run *run, struct tow_error *err)
{
    if (!resume_is_anew(run))
        return resume_is_current(run, err);
    /* Now, and not with the first checkpoint: from here on the sinks take away what an unfinished
     * load has made, and it could not be gone on with. */
    return run->options->limit < 0 ? tow_state_checkpoint_reset(run->state, run->key, 1, err)
                                   : TOW_OK;
}

/* ---- does it fit ---------------------------------------------------------------------------- */

int resume_check_source(struct run *run, struct tow_error *err)
{
    uint32_t tokens = workers_wanted(run) + (run->assembly->results != NULL);
    const struct tow_checkpoint *resume = &run->resume;

    if (resume->position.length > 0 && !run->options->accept_schema &&
        resume_differs(run, 0, PRINT_OUT))
        return tow_error_set(err, TOW_E_CONFIG,
                             "the source's columns changed since the checkpoint of run %lld; see "
                             "`towpath plan`, then run with --accept-schema-change",
                             (long long)resume->run);
    if (resume->load_id[0] &&
        (resume->token_count != tokens || resume_differs(run, PRINT_RESULTS, PRINT_LENGTH)))
        return tow_error_set(err, TOW_E_CONFIG,
                             "job %s stands in the middle of a load with %u sink instances, now it "
                             "has %u, or other results, or another route; set pipeline.workers, "
                             "results and route back, or start anew with --full",
                             run->job->name, resume->token_count, tokens);
    return TOW_OK;
}

int resume_check_outgoing(struct run *run, struct tow_error *err)
{
    if (!run->resume.load_id[0] || run->options->accept_schema ||
        !resume_differs(run, PRINT_OUT, PRINT_RESULTS))
        return TOW_OK;
    return tow_error_set(
        err, TOW_E_CONFIG,
        "job %s stands in the middle of a load whose outgoing columns were others; "
        "go back, run with --accept-schema-change, or start anew with --full",
        run->job->name);
}
