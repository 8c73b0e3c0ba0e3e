/* A routed sink as the rest of the core sees it: what `check` says of it, and the sink that workers
 * write to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/route/route_priv.h"

/* ---- check ---------------------------------------------------------------------------------- */

void route_sample(const struct tow_job *job, struct tow_words *words)
{
    const struct tow_route_spec *spec = &job->route;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_words by;

    if (!job->has_route || !spec->by || tow_words_parse(&by, spec->by, &err) || by.count != 1)
        return;
    words->items[words->count++] = by.items[0];
}

static int route_note_word(void *context, const struct tow_option *option, const char *word,
                           size_t length)
{
    const char *by = context;

    (void)option;
    return strlen(by) == length && memcmp(by, word, length) == 0;
}

/* Without its word in an option all routes would go to the same place. */
static int route_check_use(const struct tow_assembly *assembly, struct tow_diags *diags,
                           struct tow_error *err)
{
    const struct tow_job *job = assembly->job;
    struct tow_instance instance = {0};
    struct tow_diags known = {0};
    int rc = tow_instance_init(&instance, assembly->sink, &job->sink, job->dir, &known, err);

    if (!rc && known.errors == 0 &&
        !tow_instance_each_word(&instance, route_note_word, (void *)job->route.by))
        tow_diags_add(diags, TOW_DIAG_ERROR, job->route.file, job->route.line,
                      "route: no option of sink %s has {%s} in it: all rows would go to the same "
                      "place",
                      assembly->sink->name, job->route.by);
    tow_diags_release(&known);
    tow_instance_release(&instance);
    return rc;
}

/* 0 after a finding. */
static int route_check_word(const struct tow_assembly *assembly, struct tow_diags *diags)
{
    const struct tow_route_spec *spec = &assembly->job->route;
    struct tow_words word = {0}, offered = assembly->words;

    route_sample(assembly->job, &word);
    if (word.count == 0) {
        tow_diags_add(diags, TOW_DIAG_ERROR, spec->file, spec->line,
                      "route: by: \"%s\" cannot stand in braces, as it is not made of up to %d "
                      "letters, digits and '_', no digit first: give the column such a name in "
                      "columns",
                      spec->by, TOW_WORD_NAME_MAX);
        return 0;
    }
    if (tow_words_find(&offered, spec->by, strlen(spec->by))) {
        tow_diags_add(
            diags, TOW_DIAG_ERROR, spec->file, spec->line,
            "route: by: {%s} is a word of source %s, too: give the column another name in "
            "columns",
            spec->by, assembly->source->name);
        return 0;
    }
    return 1;
}

int route_check(const struct tow_assembly *assembly, struct tow_diags *diags, struct tow_error *err)
{
    const struct tow_route_spec *spec = &assembly->job->route;
    struct tow_error why = TOW_ERROR_INIT;
    char name[ROUTE_NAME_MAX + 1];

    if (!assembly->job->has_route || !spec->by || !assembly->source || !assembly->sink)
        return TOW_OK;
    if (spec->names == TOW_ROUTE_AS_IS && spec->collisions == TOW_ROUTE_SUFFIX)
        tow_diags_add(diags, TOW_DIAG_ERROR, spec->file, spec->line,
                      "route: collisions \"suffix\" is for names \"identifier\": as_is changes no "
                      "value");
    if (spec->null && route_name_of(spec, spec->null, strlen(spec->null), name, &why))
        tow_diags_add(diags, TOW_DIAG_ERROR, spec->file, spec->line, "route: null: %s",
                      why.message);
    return route_check_word(assembly, diags) ? route_check_use(assembly, diags, err) : TOW_OK;
}

/* ---- columns -------------------------------------------------------------------------------- */

/* All columns but one. */
static int route_schema_without(const struct ArrowSchema *schema, int64_t column,
                                struct ArrowSchema *out, struct tow_error *err)
{
    struct tow_field *fields = calloc((size_t)schema->n_children, sizeof *fields);
    size_t count = 0;
    int rc = fields ? TOW_OK : tow_error_nomem(err);

    for (int64_t i = 0; !rc && i < schema->n_children; i++)
        if (i != column)
            rc = tow_schema_field(schema, i, &fields[count++], err);
    if (!rc && count == 0)
        rc = tow_error_set(err, TOW_E_CONFIG,
                           "route: without its column nothing is left for the sink: set "
                           "keep_column, or add columns");
    if (!rc)
        rc = tow_schema_make(out, fields, count, err);
    free(fields);
    return rc;
}

int route_schema(const struct tow_route_spec *spec, const struct ArrowSchema *schema,
                 struct ArrowSchema *out, int64_t *column, struct tow_error *err)
{
    char type[TOW_TYPE_TEXT_MAX];
    struct tow_field field;

    *column = tow_schema_find(schema, spec->by);
    if (*column < 0)
        return tow_error_set(err, TOW_E_CONFIG, "route: by: no outgoing column is called \"%s\"",
                             spec->by);
    int rc = tow_schema_field(schema, *column, &field, err);
    if (!rc && field.type.id != TOW_TYPE_STRING)
        rc = tow_error_set(err, TOW_E_CONFIG,
                           "route: by: column \"%s\" is of type %s, must be of type string: say so "
                           "in columns",
                           spec->by, tow_type_name(field.type, type));
    if (rc)
        return rc;
    return spec->keep_column ? tow_schema_copy(out, schema, err)
                             : route_schema_without(schema, *column, out, err);
}

/* ---- options -------------------------------------------------------------------------------- */

int route_fill(const struct route *route, const char *name, struct tow_instance *instance,
               struct tow_error *err)
{
    struct tow_words words = route->run->words;
    struct tow_word *word = &words.items[words.count++];

    *word = (struct tow_word){.name = ""};
    snprintf(word->name, sizeof word->name, "%s", route->spec->by);
    snprintf(word->value, sizeof word->value, "%s", name);
    return tow_instance_fill(instance, &words, err);
}

/* ---- the plugin that workers see ------------------------------------------------------------ */

static int32_t route_sink_open(void *self, const struct tow_host *host,
                               const struct tow_position *token, struct tow_error *err)
{
    struct route_sink *sink = self;

    sink->host = host;
    return route_tokens_load(sink, token, err);
}

/* The columns were looked at before. */
static int32_t route_sink_begin(void *self, const struct tow_host *host,
                                const struct ArrowSchema *schema, struct tow_error *err)
{
    (void)self, (void)host, (void)schema, (void)err;
    return TOW_OK;
}

/* What is told is what ends the run, if anything does. */
static int route_worse(int rc, int than)
{
    return than == TOW_OK || (tow_backoff_may_pass(than) && !tow_backoff_may_pass(rc));
}

/* Every child is flushed, also where another one fails: then the core brings all rows again that
 * are not settled, and none of them may be in a child's hands still. */
static int32_t route_sink_flush(void *self, struct tow_position *token, struct tow_error *err)
{
    struct route_sink *sink = self;
    int first = TOW_OK;

    for (size_t i = 0; i < sink->child_capacity; i++) {
        struct route_child *child = sink->children[i];
        struct tow_error own = TOW_ERROR_INIT;

        if (!child || !child->is_open || !child->is_dirty)
            continue;
        int rc = route_child_flush(child, &own);
        if (!rc)
            rc = route_accept(child, &own);
        else
            route_let_go(child);
        if (rc && route_worse(rc, first)) {
            *err = own;
            first = rc;
        }
    }
    route_drop_batches(sink, 0);
    return first ? first : route_tokens_save(sink, token, err);
}

/* All routes of the load, those of other workers too: an instance of each worker takes part, since
 * what a dead run has left is taken away when it opens. Called again, it goes on. */
static int32_t route_sink_finish(void *self, struct tow_error *err)
{
    struct route_sink *sink = self;
    struct route *route = sink->route;
    int rc = TOW_OK;

    for (size_t i = 0; !rc && i < route->count; i++) {
        struct route_child *child = route_child_of(sink, route->names[i], err);

        if (!child)
            return TOW_E_NOMEM;
        if (child->is_finished)
            continue;
        rc = route_child_open(child, err);
        if (!rc) {
            tow_host_clear(err);
            rc = route->real->sink->finish(child->instance.instance.self, err);
            rc = tow_host_result(&child->instance.box, "finish", rc, err);
        }
        child->is_finished = rc == TOW_OK;
        if (!rc)
            route_child_close(child);
    }
    return rc;
}

static void route_sink_close(void *self)
{
    struct route_sink *sink = self;

    route_children_free(sink);
    route_drop_batches(sink, 1);
    free(sink->of_row);
    free(sink->picked);
}

static const struct tow_option route_no_options[] = {TOW_OPTIONS_END};

static void route_make_plugin(struct route *route)
{
    const uint32_t passed = TOW_SINK_PARALLEL | TOW_SINK_DEFERS | TOW_SINK_FINAL;

    route->ops = (struct tow_sink_ops){
        .size = sizeof route->ops,
        .flags = route->real->sink->flags & passed,
        .open = route_sink_open,
        .begin = route_sink_begin,
        .write = route_write,
        .flush = route_sink_flush,
        .finish = route->real->sink->finish ? route_sink_finish : NULL,
        .close = route_sink_close,
    };
    route->plugin = (struct tow_plugin){
        TOW_PLUGIN_HEAD,
        .name = route->real->name,
        .version = route->real->version,
        .summary = route->real->summary,
        .instance_size = sizeof(struct route_sink),
        .options = route_no_options,
        .sink = &route->ops,
    };
}

/* ---- opening and closing -------------------------------------------------------------------- */

static void route_make_ledger(struct route *route, struct tow_host_box *box, const char *job,
                              const char *name)
{
    struct run *run = route->run;

    tow_host_init(box, run->job, "sink", route->real);
    box->state = run->state;
    box->overlay = run->overlay;
    box->ledger_job = job;
    snprintf(box->ledger, sizeof box->ledger, "%s", name);
}

int route_open(struct run *run, struct tow_error *err)
{
    struct route *route;

    run->sink = run->assembly->sink;
    if (!run->job->has_route)
        return TOW_OK;
    route = run->route = calloc(1, sizeof *route);
    if (!route)
        return tow_error_nomem(err);
    pthread_mutex_init(&route->lock, NULL);
    route->run = run;
    route->spec = &run->job->route;
    route->real = run->assembly->sink;
    route_make_plugin(route);
    route_make_ledger(route, &route->tokens, run->key, "core:routes");
    route_make_ledger(route, &route->values, run->job->name, "core:route-names");
    run->sink = &route->plugin;
    return route_schema(route->spec, &run->out, &route->schema, &route->column, err);
}

void route_close(struct run *run)
{
    struct route *route = run->route;

    run->sink = run->assembly->sink;
    if (!route)
        return;
    for (size_t i = 0; i < route->count; i++) {
        pthread_mutex_destroy(&route->names[i]->opening);
        free(route->names[i]->value);
        free(route->names[i]);
    }
    free(route->names);
    free(route->table);
    for (size_t i = 0; i < ROUTE_REFUSALS; i++)
        route_refusal_release(&route->refusals[i]);
    if (route->schema.release)
        route->schema.release(&route->schema);
    pthread_mutex_destroy(&route->lock);
    free(route);
    run->route = NULL;
}

void route_prepare(void *self, void *context)
{
    const struct run_worker *worker = context;

    ((struct route_sink *)self)->route = worker->run->route;
}
