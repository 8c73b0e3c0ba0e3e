#include "run/assembly/assembly.h"

#include <stdlib.h>
#include <string.h>

#include "run/assembly/assembly_priv.h"
#include "run/assembly/words.h"
#include "run/host.h"
#include "run/route/route.h"

/* ---- plugins -------------------------------------------------------------------------------- */

static void assembly_find(struct tow_loader *loader, const struct tow_setting *section,
                          const struct tow_plugin **out, struct tow_diags *diags)
{
    const struct tow_setting *name = tow_setting_get(section, "plugin");
    struct tow_error err = TOW_ERROR_INIT;

    if (tow_loader_get(loader, tow_section_plugin(section), out, &err)) {
        tow_diags_found(diags, name ? name->file : section->file, name ? name->line : section->line,
                        &err);
        *out = NULL;
    }
}

static void assembly_expect(const struct tow_setting *section, const struct tow_plugin **plugin,
                            const char *kind, int present, struct tow_diags *diags)
{
    const struct tow_setting *name = tow_setting_get(section, "plugin");

    if (!*plugin || present)
        return;
    tow_diags_add(diags, TOW_DIAG_ERROR, name ? name->file : section->file,
                  name ? name->line : section->line, "plugin \"%s\" is no %s", (*plugin)->name,
                  kind);
    *plugin = NULL;
}

/* ---- checks --------------------------------------------------------------------------------- */

/* A section by its name, and its plugin. */
struct assembly_part {
    const char *name;
    const struct tow_plugin *plugin;
    const struct tow_setting *section;
};

typedef int32_t assembly_check_call(void *self, const struct tow_host *host, struct tow_error *err);

void assembly_found(const struct tow_setting *section, const struct tow_error *found,
                    struct tow_diags *diags)
{
    tow_diags_found(diags, section->file, section->line, found);
}

/* Fills an instance once for its findings, and lets the plugin look at its options together. */
static int assembly_check(const struct tow_assembly *assembly, const struct assembly_part *part,
                          assembly_check_call *check, struct tow_diags *diags,
                          struct tow_error *err)
{
    const struct tow_job *job = assembly->job;
    struct tow_instance instance = {0};
    struct tow_host_box box;
    size_t errors = diags->errors;
    int rc = tow_instance_init(&instance, part->plugin, part->section, job->dir, diags, err);

    if (!rc)
        rc = words_look(assembly, &instance, part->name, part->section, diags, err);
    tow_host_init(&box, job, part->name, part->plugin);
    if (!rc && diags->errors == errors && check) {
        struct tow_error found = TOW_ERROR_INIT;

        if (tow_host_result(&box, "check", check(instance.self, &box.host, &found), &found))
            assembly_found(part->section, &found, diags);
    }
    tow_instance_release(&instance);
    return rc;
}

static const char *assembly_path(const struct tow_instance *instance,
                                 const struct tow_option *option)
{
    return *(const char *const *)((const char *)instance->self + option->offset);
}

/* The same plugin writing to the same path twice in one run would undo what it does. */
static int assembly_compare_places(const struct tow_job *job, const struct assembly_part *first,
                                   const struct assembly_part *second, struct tow_diags *diags,
                                   struct tow_error *err)
{
    struct tow_instance one = {0}, other = {0};
    struct tow_diags known = {0};
    const struct tow_option *option;

    if (!first->plugin || first->plugin != second->plugin)
        return TOW_OK;
    int rc = tow_instance_init(&one, first->plugin, first->section, job->dir, &known, err);
    if (!rc)
        rc = tow_instance_init(&other, second->plugin, second->section, job->dir, &known, err);
    for (size_t i = 0; !rc && !known.errors && (option = tow_option_at(first->plugin, i)); i++) {
        if (option->type != TOW_OPTION_PATH)
            continue;
        const char *a = assembly_path(&one, option), *b = assembly_path(&other, option);
        if (a && b && strcmp(a, b) == 0)
            tow_diags_add(diags, TOW_DIAG_ERROR, second->section->file, second->section->line,
                          "%s %s: %s \"%s\" is that of the %s, too", second->name,
                          second->plugin->name, option->name, a, first->name);
    }
    tow_diags_release(&known);
    tow_instance_release(&other);
    tow_instance_release(&one);
    return rc;
}

static int assembly_check_places(const struct tow_assembly *assembly, struct tow_diags *diags,
                                 struct tow_error *err)
{
    const struct tow_job *job = assembly->job;
    const struct assembly_part places[] = {{"sink", assembly->sink, &job->sink},
                                           {"results", assembly->results, &job->results},
                                           {"history", assembly->history, &job->history}};
    const size_t count = sizeof places / sizeof *places;
    int rc = TOW_OK;

    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; !rc && j < count; j++)
            rc = assembly_compare_places(job, &places[i], &places[j], diags, err);
    return rc;
}

static int assembly_check_all(struct tow_assembly *assembly, struct tow_diags *diags,
                              struct tow_error *err)
{
    const struct tow_job *job = assembly->job;
    const struct assembly_part source = {"source", assembly->source, &job->source};
    const struct assembly_part sinks[] = {{"sink", assembly->sink, &job->sink},
                                          {"results", assembly->results, &job->results},
                                          {"history", assembly->history, &job->history}};
    int rc = TOW_OK;

    if (assembly->source)
        rc = assembly_check(assembly, &source, assembly->source->source->check, diags, err);
    for (size_t i = 0; !rc && i < sizeof sinks / sizeof *sinks; i++)
        if (sinks[i].plugin)
            rc = assembly_check(assembly, &sinks[i], sinks[i].plugin->sink->check, diags, err);
    for (size_t i = 0; !rc && i < job->transform_count; i++) {
        const struct assembly_part transform = {"transform", assembly->transforms[i],
                                                &job->transforms[i]};

        if (transform.plugin)
            rc = assembly_check(assembly, &transform, transform.plugin->transform->check, diags,
                                err);
    }
    return rc ? rc : assembly_check_places(assembly, diags, err);
}

static void assembly_find_all(struct tow_assembly *assembly, struct tow_loader *loader,
                              struct tow_diags *diags)
{
    const struct tow_job *job = assembly->job;

    assembly_find(loader, &job->source, &assembly->source, diags);
    assembly_expect(&job->source, &assembly->source, "source",
                    assembly->source && assembly->source->source, diags);
    assembly_find(loader, &job->sink, &assembly->sink, diags);
    assembly_expect(&job->sink, &assembly->sink, "sink", assembly->sink && assembly->sink->sink,
                    diags);
    if (job->has_results) {
        assembly_find(loader, &job->results, &assembly->results, diags);
        assembly_expect(&job->results, &assembly->results, "sink",
                        assembly->results && assembly->results->sink, diags);
    }
    if (job->has_history) {
        assembly_find(loader, &job->history, &assembly->history, diags);
        assembly_expect(&job->history, &assembly->history, "sink",
                        assembly->history && assembly->history->sink, diags);
    }
    for (size_t i = 0; i < job->transform_count; i++) {
        assembly_find(loader, &job->transforms[i], &assembly->transforms[i], diags);
        assembly_expect(&job->transforms[i], &assembly->transforms[i], "transform",
                        assembly->transforms[i] && assembly->transforms[i]->transform, diags);
    }
}

int tow_assembly_init(struct tow_assembly *assembly, const struct tow_job *job,
                      struct tow_loader *loader, struct tow_diags *diags, struct tow_error *err)
{
    *assembly = (struct tow_assembly){.job = job};
    assembly->transforms = calloc(job->transform_count + 1, sizeof *assembly->transforms);
    if (!assembly->transforms)
        return tow_error_nomem(err);
    assembly_find_all(assembly, loader, diags);
    words_stand_in(assembly);
    int rc = route_check(assembly, diags, err);
    return rc ? rc : assembly_check_all(assembly, diags, err);
}

void tow_assembly_release(struct tow_assembly *assembly)
{
    free(assembly->transforms);
    assembly->transforms = NULL;
}

/* An int64_t that sinks of ABI 1.0 do not have. */
static int64_t assembly_wish(const struct tow_plugin *plugin, size_t offset)
{
    const struct tow_sink_ops *ops = plugin ? plugin->sink : NULL;
    int64_t wish = 0;

    if (ops && ops->size >= offset + sizeof wish)
        memcpy(&wish, (const char *)ops + offset, sizeof wish);
    return wish;
}

int64_t tow_assembly_checkpoint_ms(const struct tow_assembly *assembly)
{
    const struct tow_tuning *tuning = &assembly->job->tuning;
    const size_t offset = offsetof(struct tow_sink_ops, checkpoint_ms);
    const int64_t wishes[] = {assembly_wish(assembly->sink, offset),
                              assembly_wish(assembly->results, offset)};
    int64_t longest = tuning->checkpoint_ms;

    for (size_t i = 0; !tuning->checkpoint_given && i < sizeof wishes / sizeof *wishes; i++)
        if (wishes[i] > longest)
            longest = wishes[i];
    return longest;
}

int64_t tow_assembly_workers(const struct tow_assembly *assembly)
{
    const struct tow_tuning *tuning = &assembly->job->tuning;
    int64_t wish = assembly_wish(assembly->sink, offsetof(struct tow_sink_ops, workers));

    if (!(assembly->sink->sink->flags & TOW_SINK_PARALLEL))
        return 1;
    if (tuning->workers_given || wish < tuning->workers)
        return tuning->workers;
    return wish < TOW_WORKERS_MAX ? wish : TOW_WORKERS_MAX;
}

/* An empty list names none. */
static int assembly_names_program(const struct tow_plugin *plugin,
                                  const struct tow_setting *section)
{
    const struct tow_option *option;

    for (size_t i = 0; plugin && (option = tow_option_at(plugin, i)); i++) {
        const struct tow_setting *setting = tow_setting_get(section, option->name);

        if ((option->flags & TOW_OPTION_PROGRAM) && setting &&
            (setting->kind == TOW_SETTING_STRING ? *setting->text != '\0' : setting->count > 0))
            return 1;
    }
    return 0;
}

int tow_assembly_starts_programs(const struct tow_assembly *assembly)
{
    const struct tow_job *job = assembly->job;
    int starts = job->allow_programs || assembly_names_program(assembly->source, &job->source) ||
                 assembly_names_program(assembly->sink, &job->sink) ||
                 assembly_names_program(assembly->results, &job->results) ||
                 assembly_names_program(assembly->history, &job->history);

    for (size_t i = 0; i < job->transform_count && !starts; i++)
        starts = assembly_names_program(assembly->transforms[i], &job->transforms[i]);
    return starts;
}

/* As many as a job may set. */
#define ASSEMBLY_QUEUE_BATCHES_MAX 1024
#define ASSEMBLY_QUEUE_BYTES_MAX   (INT64_C(16) << 30)

static int64_t assembly_queue(const struct tow_assembly *assembly, size_t offset, int64_t set,
                              int64_t most)
{
    int64_t wish = assembly_wish(assembly->sink, offset);

    if (!(assembly->sink->sink->flags & TOW_SINK_DEFERS) || wish < set)
        return set;
    return wish < most ? wish : most;
}

int64_t tow_assembly_queue_batches(const struct tow_assembly *assembly)
{
    const struct tow_tuning *tuning = &assembly->job->tuning;

    return tuning->queue_batches_given
               ? tuning->queue_batches
               : assembly_queue(assembly, offsetof(struct tow_sink_ops, queue_batches),
                                tuning->queue_batches, ASSEMBLY_QUEUE_BATCHES_MAX);
}

int64_t tow_assembly_queue_bytes(const struct tow_assembly *assembly)
{
    const struct tow_tuning *tuning = &assembly->job->tuning;

    return tuning->queue_bytes_given
               ? tuning->queue_bytes
               : assembly_queue(assembly, offsetof(struct tow_sink_ops, queue_bytes),
                                tuning->queue_bytes, ASSEMBLY_QUEUE_BYTES_MAX);
}
