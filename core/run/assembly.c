#include "run/assembly.h"

#include <stdlib.h>
#include <string.h>

#include "run/host.h"

/* ---- plugins -------------------------------------------------------------------------------- */

static void assembly_find(struct tow_loader *loader, const struct tow_setting *section,
                          const struct tow_plugin **out, struct tow_diags *diags)
{
    const struct tow_setting *name = tow_setting_get(section, "plugin");
    struct tow_error err = TOW_ERROR_INIT;

    if (tow_loader_get(loader, tow_section_plugin(section), out, &err)) {
        tow_diags_add(diags, TOW_DIAG_ERROR, name ? name->file : section->file,
                      name ? name->line : section->line, "%s", err.message);
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

typedef int32_t assembly_check_call(void *self, const struct tow_host *host, struct tow_error *err);

/* What a plugin found wrong with its section, or with the world that the section speaks of. */
static void assembly_found(const struct tow_setting *section, const char *role,
                           const struct tow_plugin *plugin, const struct tow_error *found,
                           struct tow_diags *diags)
{
    size_t errors = diags->errors;

    tow_diags_add(diags, TOW_DIAG_ERROR, section->file, section->line, "%s %s: %s", role,
                  plugin->name, found->message);
    if (found->code == TOW_E_ENV && !diags->incomplete)
        diags->outside += diags->errors - errors;
}

/* Fills an instance once for its findings, and lets the plugin look at its options together. */
static int assembly_check(const struct tow_job *job, const struct tow_plugin *plugin,
                          const struct tow_setting *section, const char *role,
                          assembly_check_call *check, struct tow_diags *diags,
                          struct tow_error *err)
{
    struct tow_instance instance = {0};
    struct tow_host_box box;
    size_t errors = diags->errors;
    int rc = tow_instance_init(&instance, plugin, section, job->dir, diags, err);

    tow_host_init(&box, job, role, plugin);
    if (!rc && diags->errors == errors && check) {
        struct tow_error found = TOW_ERROR_INIT;

        if (check(instance.self, &box.host, &found))
            assembly_found(section, role, plugin, &found, diags);
    }
    tow_instance_release(&instance);
    return rc;
}

static int assembly_check_all(struct tow_assembly *assembly, struct tow_diags *diags,
                              struct tow_error *err)
{
    const struct tow_job *job = assembly->job;
    int rc = TOW_OK;

    if (assembly->source)
        rc = assembly_check(job, assembly->source, &job->source, "source",
                            assembly->source->source->check, diags, err);
    if (!rc && assembly->sink)
        rc = assembly_check(job, assembly->sink, &job->sink, "sink", assembly->sink->sink->check,
                            diags, err);
    if (!rc && assembly->results)
        rc = assembly_check(job, assembly->results, &job->results, "results",
                            assembly->results->sink->check, diags, err);
    for (size_t i = 0; !rc && i < job->transform_count; i++)
        if (assembly->transforms[i])
            rc = assembly_check(job, assembly->transforms[i], &job->transforms[i], "transform",
                                assembly->transforms[i]->transform->check, diags, err);
    return rc;
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
    return assembly_check_all(assembly, diags, err);
}

void tow_assembly_release(struct tow_assembly *assembly)
{
    free(assembly->transforms);
    assembly->transforms = NULL;
}

/* ---- the probe ------------------------------------------------------------------------------ */

/* The source's columns; left released where they cannot be known. */
static int probe_source(struct tow_assembly *assembly, struct ArrowSchema *schema,
                        struct tow_diags *diags, struct tow_error *err)
{
    static const struct tow_position none = {.size = sizeof none};
    const struct tow_job *job = assembly->job;
    const struct tow_source_ops *ops = assembly->source->source;
    struct tow_instance instance = {0};
    struct tow_host_box box;
    struct tow_error found = TOW_ERROR_INIT;
    struct tow_diags known = {0};

    if (!(ops->flags & TOW_SOURCE_OFFLINE))
        return TOW_OK;
    int rc = tow_instance_init(&instance, assembly->source, &job->source, job->dir, &known, err);
    tow_diags_release(&known); /* tow_assembly_init has reported them */
    if (!rc) {
        tow_host_init(&box, job, "source", assembly->source);
        int opened = ops->open(instance.self, &box.host, &none, &found);
        if (!opened)
            opened = ops->schema(instance.self, schema, &found);
        if (opened == TOW_OK)
            opened = tow_schema_validate(schema, &found);
        if (opened < TOW_OK)
            assembly_found(&job->source, "source", assembly->source, &found, diags);
        if (opened != TOW_OK && schema->release)
            schema->release(schema);
        if (ops->close)
            ops->close(instance.self);
    }
    tow_instance_release(&instance);
    return rc;
}

/* Puts *schema through transform i; *schema is replaced, or released where it was refused. */
static int probe_transform(struct tow_assembly *assembly, size_t i, struct ArrowSchema *schema,
                           struct tow_diags *diags, struct tow_error *err)
{
    const struct tow_job *job = assembly->job;
    const struct tow_plugin *plugin = assembly->transforms[i];
    struct tow_instance instance = {0};
    struct tow_host_box box;
    struct tow_error found = TOW_ERROR_INIT;
    struct ArrowSchema out = {0};
    struct tow_diags known = {0};
    int rc = tow_instance_init(&instance, plugin, &job->transforms[i], job->dir, &known, err);

    tow_diags_release(&known);
    if (!rc) {
        tow_host_init(&box, job, "transform", plugin);
        if (plugin->transform->begin(instance.self, &box.host, schema, &out, &found) ||
            tow_schema_validate(&out, &found)) {
            assembly_found(&job->transforms[i], "transform", plugin, &found, diags);
            if (out.release)
                out.release(&out);
        }
        if (plugin->transform->close)
            plugin->transform->close(instance.self);
    }
    tow_instance_release(&instance);
    schema->release(schema);
    *schema = out;
    return rc;
}

static int probe_columns(struct tow_assembly *assembly, struct ArrowSchema *schema,
                         struct tow_diags *diags, struct tow_error *err)
{
    const struct tow_job *job = assembly->job;
    struct tow_columns *columns = NULL;
    struct ArrowSchema out = {0};

    if (!job->has_columns)
        return TOW_OK;
    int rc = tow_columns_new(job->columns, job->column_count, schema, &columns, diags, err);
    if (!rc && columns)
        rc = tow_schema_copy(&out, tow_columns_schema(columns), err);
    tow_columns_free(columns);
    schema->release(schema);
    *schema = out;
    return rc;
}

/* What text converts to this type, and by which format and default, hangs on no source. */
static int probe_is_blind(const struct tow_column_spec *spec)
{
    if (spec->value)
        return 1;
    return spec->has_type && spec->type.id != TOW_TYPE_STRING && spec->type.id != TOW_TYPE_BINARY &&
           spec->type.id != TOW_TYPE_JSON;
}

/* Where the source's columns cannot be known: constants, and formats and defaults of typed columns,
 * as if text came in. */
static int probe_columns_blind(const struct tow_job *job, struct tow_diags *diags,
                               struct tow_error *err)
{
    struct tow_column_spec *specs = calloc(job->column_count + 1, sizeof *specs);
    struct tow_field *fields = calloc(job->column_count + 1, sizeof *fields);
    struct ArrowSchema schema = {0};
    struct tow_columns *columns = NULL;
    size_t count = 0, field_count = 0;
    int rc = specs && fields ? TOW_OK : tow_error_nomem(err);

    for (size_t i = 0; !rc && i < job->column_count; i++) {
        if (!probe_is_blind(&job->columns[i]))
            continue;
        specs[count] = job->columns[i];
        specs[count].trim = specs[count].lower = specs[count].hash_sha256 = 0;
        if (!specs[count].value) {
            specs[count].from = specs[count].name; /* names are unique, sources may be shared */
            fields[field_count++] =
                (struct tow_field){specs[count].name, {TOW_TYPE_STRING, 0, 0}, 0};
        }
        count++;
    }
    if (!rc && count > 0)
        rc = tow_schema_make(&schema, fields, field_count, err);
    if (!rc && count > 0)
        rc = tow_columns_new(specs, count, &schema, &columns, diags, err);
    tow_columns_free(columns);
    if (schema.release)
        schema.release(&schema);
    free(specs);
    free(fields);
    return rc;
}

static int probe_sink(const struct tow_job *job, const struct tow_plugin *plugin,
                      const struct ArrowSchema *schema, struct tow_diags *diags,
                      struct tow_error *err)
{
    struct tow_instance instance = {0};
    struct tow_error found = TOW_ERROR_INIT;
    struct tow_diags known = {0};

    if (!(plugin->sink->flags & TOW_SINK_OFFLINE_BEGIN))
        return TOW_OK;
    int rc = tow_instance_init(&instance, plugin, &job->sink, job->dir, &known, err);
    tow_diags_release(&known);
    if (!rc && plugin->sink->begin(instance.self, NULL, schema, &found))
        assembly_found(&job->sink, "sink", plugin, &found, diags);
    if (!rc && plugin->sink->close)
        plugin->sink->close(instance.self);
    tow_instance_release(&instance);
    return rc;
}

int tow_assembly_probe(struct tow_assembly *assembly, struct ArrowSchema *in,
                       struct ArrowSchema *out, struct tow_diags *diags, struct tow_error *err)
{
    struct ArrowSchema schema = {0};
    size_t errors = diags->errors;
    int rc = probe_source(assembly, &schema, diags, err);

    if (in)
        *in = (struct ArrowSchema){0};
    if (out)
        *out = (struct ArrowSchema){0};
    if (!rc && in && schema.release)
        rc = tow_schema_copy(in, &schema, err);
    for (size_t i = 0; !rc && schema.release && i < assembly->job->transform_count; i++)
        rc = probe_transform(assembly, i, &schema, diags, err);
    if (!rc && schema.release)
        rc = probe_columns(assembly, &schema, diags, err);
    else if (!rc && diags->errors == errors && assembly->job->has_columns)
        rc = probe_columns_blind(assembly->job, diags, err);
    if (!rc && schema.release)
        rc = probe_sink(assembly->job, assembly->sink, &schema, diags, err);
    if (!rc && out) {
        *out = schema;
        schema.release = NULL;
    }
    if (schema.release)
        schema.release(&schema);
    return rc;
}
