/* What of a job can be known offline, beyond its plugins' own checks: columns on their way. */
#include <stdlib.h>
#include <string.h>

#include "run/assembly/assembly_priv.h"
#include "run/assembly/words.h"
#include "run/history.h"
#include "run/host.h"
#include "run/results.h"
#include "run/route/route.h"
#include "towpath/rowtext.h"

/* An instance to look with, the host that it sees, and what it says. */
struct probe {
    struct tow_instance instance;
    struct tow_host_box box;
    struct tow_error found;
};

static int probe_begin(struct probe *probe, const struct tow_assembly *assembly,
                       const struct tow_plugin *plugin, const struct tow_setting *section,
                       const char *role, struct tow_error *err)
{
    const struct tow_job *job = assembly->job;
    struct tow_diags known = {0};

    *probe = (struct probe){.found = TOW_ERROR_INIT};
    int rc = tow_instance_init(&probe->instance, plugin, section, job->dir, &known, err);
    if (!rc)
        rc = words_look(assembly, &probe->instance, role, section, &known, err);
    tow_diags_release(&known); /* tow_assembly_init has reported them */
    tow_host_init(&probe->box, job, role, plugin);
    return rc;
}

/* What a call returned: 1 where it was refused; that is a finding. */
static int probe_refused(struct probe *probe, const char *call, int rc,
                         const struct tow_setting *section, struct tow_diags *diags)
{
    if (tow_host_result(&probe->box, call, rc, &probe->found) == TOW_OK)
        return 0;
    assembly_found(section, &probe->found, diags);
    return 1;
}

/* The columns that a plugin says it has; released where they are none. */
static void probe_validate(struct probe *probe, const char *call, struct ArrowSchema *schema,
                           const struct tow_setting *section, struct tow_diags *diags)
{
    if (tow_schema_validate(schema, &probe->found) == TOW_OK)
        return;
    tow_error_prefix(&probe->found, "%s: %s", probe->box.area, call);
    assembly_found(section, &probe->found, diags);
    if (schema->release)
        schema->release(schema);
}

/* ---- source and transforms ------------------------------------------------------------------ */

/* The source's columns; left released where they cannot be known. */
static int probe_source(struct tow_assembly *assembly, struct ArrowSchema *schema,
                        struct tow_diags *diags, struct tow_error *err)
{
    static const struct tow_position none = {.size = sizeof none};
    const struct tow_setting *section = &assembly->job->source;
    const struct tow_source_ops *ops = assembly->source->source;
    struct probe probe;

    if (!(ops->flags & TOW_SOURCE_OFFLINE))
        return TOW_OK;
    int rc = probe_begin(&probe, assembly, assembly->source, section, "source", err);
    if (!rc) {
        void *self = probe.instance.self;
        int opened = ops->open(self, &probe.box.host, &none, &probe.found);

        if (!probe_refused(&probe, "open", opened, section, diags)) {
            int known = ops->schema(self, schema, &probe.found);

            if (known != TOW_END && !probe_refused(&probe, "schema", known, section, diags))
                probe_validate(&probe, "schema", schema, section, diags);
            else if (schema->release)
                schema->release(schema);
        }
        if (ops->close)
            ops->close(self);
    }
    tow_instance_release(&probe.instance);
    return rc;
}

/* Puts *schema through transform i; *schema is replaced, or released where it was refused. */
static int probe_transform(struct tow_assembly *assembly, size_t i, struct ArrowSchema *schema,
                           struct tow_diags *diags, struct tow_error *err)
{
    const struct tow_setting *section = &assembly->job->transforms[i];
    const struct tow_plugin *plugin = assembly->transforms[i];
    struct ArrowSchema out = {0};
    struct probe probe;
    int rc = probe_begin(&probe, assembly, plugin, section, "transform", err);

    if (!rc) {
        int begun = plugin->transform->begin(probe.instance.self, &probe.box.host, schema, &out,
                                             &probe.found);

        if (!probe_refused(&probe, "begin", begun, section, diags))
            probe_validate(&probe, "begin", &out, section, diags);
        else if (out.release)
            out.release(&out);
        if (plugin->transform->close)
            plugin->transform->close(probe.instance.self);
    }
    tow_instance_release(&probe.instance);
    schema->release(schema);
    *schema = out;
    return rc;
}

/* ---- columns -------------------------------------------------------------------------------- */

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

/* ---- columns that the sink asks for, where the source's are not known ------------------------ */

struct probe_missing {
    const struct tow_job *job;
    struct tow_buffer names;
    struct tow_error *err;
};

static int32_t probe_look_for(void *context, const struct tow_sink_column *column)
{
    struct probe_missing *missing = context;

    if (!column->is_required)
        return TOW_OK;
    for (size_t i = 0; i < missing->job->column_count; i++)
        if (strcmp(missing->job->columns[i].name, column->name) == 0)
            return TOW_OK;
    return tow_buffer_printf(&missing->names, missing->err, "%s%s", missing->names.size ? ", " : "",
                             column->name);
}

/* `columns` names what goes out, whatever comes in. */
static int probe_names(struct tow_assembly *assembly, struct tow_diags *diags,
                       struct tow_error *err)
{
    const struct tow_setting *section = &assembly->job->sink;
    struct probe_missing missing = {.job = assembly->job, .err = err};
    struct probe probe;
    int rc;

    if (!tow_sink_columns(assembly->sink))
        return TOW_OK;
    rc = probe_begin(&probe, assembly, assembly->sink, section, "sink", err);
    if (!rc)
        rc = tow_sink_columns(assembly->sink)(probe.instance.self, probe_look_for, &missing, err);
    if (!rc && missing.names.size) {
        tow_error_set(&probe.found, TOW_E_CONFIG, "%s: columns lacks what it needs: %.*s",
                      probe.box.area, (int)missing.names.size, missing.names.data);
        assembly_found(section, &probe.found, diags);
    }
    tow_instance_release(&probe.instance);
    tow_buffer_release(&missing.names);
    return rc;
}

/* ---- sinks ---------------------------------------------------------------------------------- */

static int probe_sink(const struct tow_assembly *assembly, const struct tow_plugin *plugin,
                      const struct tow_setting *section, const char *role,
                      const struct ArrowSchema *schema, struct tow_diags *diags,
                      struct tow_error *err)
{
    struct probe probe;

    if (!(plugin->sink->flags & TOW_SINK_OFFLINE_BEGIN))
        return TOW_OK;
    int rc = probe_begin(&probe, assembly, plugin, section, role, err);
    if (!rc) {
        probe_refused(&probe, "begin",
                      plugin->sink->begin(probe.instance.self, NULL, schema, &probe.found), section,
                      diags);
        if (plugin->sink->close)
            plugin->sink->close(probe.instance.self);
    }
    tow_instance_release(&probe.instance);
    return rc;
}

/* The columns that are left for the sink of a route. */
static int probe_route(const struct tow_assembly *assembly, const struct ArrowSchema *schema,
                       struct tow_diags *diags, struct tow_error *err)
{
    const struct tow_job *job = assembly->job;
    const struct tow_setting place = {.file = job->route.file, .line = job->route.line};
    struct tow_error found = TOW_ERROR_INIT;
    struct ArrowSchema rest = {0};
    int64_t column;
    int rc = TOW_OK;

    if (route_schema(&job->route, schema, &rest, &column, &found))
        assembly_found(&place, &found, diags);
    else
        rc = probe_sink(assembly, assembly->sink, &job->sink, "sink", &rest, diags, err);
    if (rest.release)
        rest.release(&rest);
    return rc;
}

/* Results have the source's columns, whatever becomes of them later. */
static int probe_results(struct tow_assembly *assembly, const struct ArrowSchema *in,
                         struct tow_diags *diags, struct tow_error *err)
{
    struct ArrowSchema schema = {0};

    if (!assembly->results)
        return TOW_OK;
    int rc = results_schema(in, &schema, err);
    if (!rc)
        rc = probe_sink(assembly, assembly->results, &assembly->job->results, "results", &schema,
                        diags, err);
    if (schema.release)
        schema.release(&schema);
    return rc;
}

/* The columns of a history are always the same. */
static int probe_history(struct tow_assembly *assembly, struct tow_diags *diags,
                         struct tow_error *err)
{
    struct ArrowSchema schema = {0};

    if (!assembly->history)
        return TOW_OK;
    int rc = history_schema(&schema, err);
    if (!rc)
        rc = probe_sink(assembly, assembly->history, &assembly->job->history, "history", &schema,
                        diags, err);
    if (schema.release)
        schema.release(&schema);
    return rc;
}

/* ---- the whole ------------------------------------------------------------------------------ */

int assembly_way(struct tow_assembly *assembly, struct ArrowSchema *schema, struct tow_diags *diags,
                 struct tow_error *err)
{
    const struct tow_job *job = assembly->job;
    int rc = TOW_OK;

    for (size_t i = 0; !rc && schema->release && i < job->transform_count; i++)
        rc = probe_transform(assembly, i, schema, diags, err);
    if (!rc && schema->release)
        rc = probe_columns(assembly, schema, diags, err);
    if (!rc && schema->release && job->has_route)
        rc = probe_route(assembly, schema, diags, err);
    else if (!rc && schema->release)
        rc = probe_sink(assembly, assembly->sink, &job->sink, "sink", schema, diags, err);
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
    int known = schema.release != NULL;
    if (!rc)
        rc = probe_history(assembly, diags, err);
    if (!rc && in && known)
        rc = tow_schema_copy(in, &schema, err);
    if (!rc && known)
        rc = probe_results(assembly, &schema, diags, err);
    if (!rc && known)
        rc = assembly_way(assembly, &schema, diags, err);
    if (!rc && diags->errors == errors && !schema.release && assembly->job->has_columns) {
        rc = probe_columns_blind(assembly->job, diags, err);
        if (!rc)
            rc = probe_names(assembly, diags, err);
    }
    if (!rc && out) {
        *out = schema;
        schema.release = NULL;
    }
    if (schema.release)
        schema.release(&schema);
    return rc;
}
