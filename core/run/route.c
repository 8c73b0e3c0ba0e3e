/* The routes of a load, which its workers share, and what `check` says of them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/route_priv.h"

#define ROUTE_VALUE_KEPT 1000 /* bytes of a value that the ledger has as it is */
#define FNV_OFFSET       0xcbf29ce484222325u
#define FNV_PRIME        0x100000001b3u

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

/* What the sink itself says of its options with this name: a value that it cannot have a place for
 * is refused with its rows, and ends no run. */
static int route_try_name(const struct route *route, const char *name, struct tow_error *err)
{
    const struct tow_job *job = route->run->job;
    struct run_instance instance = {.opened = 0};
    int rc = run_open_instance(route->run, &instance, route->real, &job->sink, "sink", err);

    if (!rc)
        rc = route_fill(route, name, &instance.instance, err);
    if (!rc && route->real->sink->check) {
        tow_host_clear(err);
        rc = route->real->sink->check(instance.instance.self, &instance.box.host, err);
        rc = tow_host_result(&instance.box, "check", rc, err);
    }
    run_close_instance(&instance);
    return rc;
}

/* ---- which value has which name ------------------------------------------------------------- */

static uint64_t route_hash(const char *value, size_t length)
{
    uint64_t hash = FNV_OFFSET;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)value[i]) * FNV_PRIME;
    return hash ^ hash >> 29;
}

/* Names that differ in case are one to a warehouse, and to some file systems. */
static int route_same(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

/* An entry of the ledger: the value, or what tells a long one from others. */
static size_t route_entry(const char *value, size_t length, char entry[ROUTE_VALUE_KEPT + 1])
{
    if (length <= ROUTE_VALUE_KEPT) {
        entry[0] = '=';
        memcpy(entry + 1, value, length);
        return length + 1;
    }
    return (size_t)snprintf(entry, ROUTE_VALUE_KEPT + 1, "#%016" PRIx64 ":%zu",
                            route_hash(value, length), length);
}

static void route_key(const char *name, char key[ROUTE_NAME_MAX + 1])
{
    size_t i = 0;

    for (; name[i]; i++)
        key[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + ('a' - 'A') : name[i]);
    key[i] = '\0';
}

/* *same: 1 where the value had the name before, 0 where another one had it, -1 where none had. */
static int route_look_up(const struct route *route, const char *name, const char *value,
                         size_t length, int *same, struct tow_error *err)
{
    const struct tow_host *host = &route->values.host;
    struct tow_position known = {.size = sizeof known};
    char key[ROUTE_NAME_MAX + 1], entry[ROUTE_VALUE_KEPT + 1];
    const size_t size = route_entry(value, length, entry);

    route_key(name, key);
    int rc = host->ledger_get(host, key, &known, err);
    if (rc < TOW_OK)
        return rc;
    *same = rc == TOW_END ? -1 : known.length == size && memcmp(known.bytes, entry, size) == 0;
    return TOW_OK;
}

static int route_note(const struct route *route, const char *name, const char *value, size_t length,
                      struct tow_error *err)
{
    const struct tow_host *host = &route->values.host;
    char key[ROUTE_NAME_MAX + 1], entry[ROUTE_VALUE_KEPT + 1];

    route_key(name, key);
    return host->ledger_put(host, key, entry, (uint32_t)route_entry(value, length, entry), err);
}

/* ---- routes of the load --------------------------------------------------------------------- */

static struct route_name *route_by_name(const struct route *route, const char *name)
{
    for (size_t i = 0; i < route->count; i++)
        if (route_same(route->names[i]->name, name))
            return route->names[i];
    return NULL;
}

static struct route_name *route_by_value(const struct route *route, const char *value,
                                         size_t length)
{
    if (!route->table_size)
        return NULL;
    for (size_t at = route_hash(value, length);; at++) {
        const uint32_t index = route->table[at & (route->table_size - 1)];

        if (!index)
            return NULL;
        struct route_name *name = route->names[index - 1];
        if (name->length == length && memcmp(name->value, value, length) == 0)
            return name;
    }
}

static void route_put_in_table(struct route *route, const struct route_name *name)
{
    size_t at = route_hash(name->value, name->length);

    while (route->table[at & (route->table_size - 1)])
        at++;
    route->table[at & (route->table_size - 1)] = (uint32_t)name->index + 1;
}

static int route_grow_table(struct route *route, struct tow_error *err)
{
    size_t size = route->table_size ? route->table_size * 2 : 64;
    uint32_t *table = calloc(size, sizeof *table);

    if (!table)
        return tow_error_nomem(err);
    free(route->table);
    route->table = table;
    route->table_size = size;
    for (size_t i = 0; i < route->count; i++)
        if (route->names[i]->value)
            route_put_in_table(route, route->names[i]);
    return TOW_OK;
}

static int route_set_value(struct route *route, struct route_name *name, const char *value,
                           size_t length, struct tow_error *err)
{
    if (route->count * 2 >= route->table_size && route_grow_table(route, err))
        return TOW_E_NOMEM;
    name->value = malloc(length + 1);
    if (!name->value)
        return tow_error_nomem(err);
    memcpy(name->value, value, length);
    name->length = length;
    route_put_in_table(route, name);
    return TOW_OK;
}

int route_know(struct route *route, const char *name, struct route_name **out,
               struct tow_error *err)
{
    *out = route_by_name(route, name);
    if (*out)
        return TOW_OK;
    if (route->count == route->capacity) {
        size_t capacity = route->capacity ? route->capacity * 2 : 16;
        struct route_name **names = reallocarray(route->names, capacity, sizeof *names);

        if (!names)
            return tow_error_nomem(err);
        route->names = names;
        route->capacity = capacity;
    }
    struct route_name *made = calloc(1, sizeof *made);
    if (!made)
        return tow_error_nomem(err);
    snprintf(made->name, sizeof made->name, "%s", name);
    made->index = route->count;
    route->names[route->count++] = made;
    *out = made;
    return TOW_OK;
}

static int route_refuse_collision(const struct route *route, const char *name, const char **code,
                                  struct tow_error *err)
{
    *code = ROUTE_CODE_COLLISION;
    return tow_error_set(err, TOW_E_DATA, "column %s: another value has the name \"%s\" already%s",
                         route->spec->by, name,
                         route->spec->names == TOW_ROUTE_IDENTIFIER
                             ? "; collisions = \"suffix\" tells them apart"
                             : "");
}

/* A value that no row of this load had before, whose name is free as far as the load knows. */
static int route_admit(struct route *route, const char *name, const char *value, size_t length,
                       const char **code, struct tow_error *err)
{
    int same = -1;

    if (route->count >= (size_t)route->spec->max) {
        *code = ROUTE_CODE_MANY;
        return tow_error_set(err, TOW_E_DATA,
                             "column %s: \"%s\" would be one route more than the %lld of "
                             "route.max that the load has",
                             route->spec->by, name, (long long)route->spec->max);
    }
    int rc = route_look_up(route, name, value, length, &same, err);
    if (rc)
        return rc;
    if (same == 0)
        return route_refuse_collision(route, name, code, err);
    rc = route_try_name(route, name, err);
    *code = ROUTE_CODE_REFUSED;
    if (rc == TOW_E_CONFIG)
        err->code = rc = TOW_E_DATA;
    else if (rc == TOW_E_DATA)
        err->code = rc = TOW_E_ENV;
    return rc || same == 1 ? rc : route_note(route, name, value, length, err);
}

/* A name that is known of the load's tokens only belongs to the value that the ledger says. */
static int route_claim(struct route *route, const char *name, const char *value, size_t length,
                       const char **code, struct tow_error *err)
{
    int same = -1;
    int rc = route_look_up(route, name, value, length, &same, err);

    if (!rc && same == 0)
        rc = route_refuse_collision(route, name, code, err);
    return rc || same == 1 ? rc : route_note(route, name, value, length, err);
}

int route_find(struct route *route, const char *value, size_t length, struct route_name **out,
               const char **code, struct tow_error *err)
{
    char name[ROUTE_NAME_MAX + 1];

    *out = route_by_value(route, value, length);
    if (*out)
        return TOW_OK;
    *code = ROUTE_CODE_NAME;
    int rc = route_name_of(route->spec, value, length, name, err);
    if (rc)
        return rc;
    struct route_name *known = route_by_name(route, name);
    if (known && known->value)
        return route_refuse_collision(route, name, code, err);
    rc = known ? route_claim(route, name, value, length, code, err)
               : route_admit(route, name, value, length, code, err);
    if (!rc)
        rc = route_know(route, name, out, err);
    return rc ? rc : route_set_value(route, *out, value, length, err);
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
        free(route->names[i]->value);
        free(route->names[i]);
    }
    free(route->names);
    free(route->table);
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
