/* Which value has which route: the routes of a load, which its workers share. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/route/route_priv.h"

#define ROUTE_VALUE_KEPT 1000 /* bytes of a value that the ledger has as it is */
#define FNV_OFFSET       0xcbf29ce484222325u
#define FNV_PRIME        0x100000001b3u

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
    pthread_mutex_init(&made->opening, NULL);
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

/* ---- values without a route ----------------------------------------------------------------- */

void route_refusal_release(struct route_refusal *refusal)
{
    free(refusal->value);
    free(refusal->message);
    *refusal = (struct route_refusal){.value = NULL};
}

static struct route_refusal *route_refusal_of(struct route *route, const char *value, size_t length)
{
    return &route->refusals[route_hash(value, length) % ROUTE_REFUSALS];
}

/* What was said of the value before; TOW_OK where nothing is remembered. */
static int route_recall_refusal(struct route *route, const char *value, size_t length,
                                const char **code, struct tow_error *err)
{
    const struct route_refusal *known = route_refusal_of(route, value, length);

    if (!known->value || known->length != length || memcmp(known->value, value, length) != 0)
        return TOW_OK;
    *code = known->code;
    return tow_error_set(err, TOW_E_DATA, "%s", known->message);
}

/* To ask the sink about each row of such a value would take its time. Where memory runs out, the
 * value is asked about again. */
static void route_note_refusal(struct route *route, const char *value, size_t length,
                               const char *code, const struct tow_error *err)
{
    struct route_refusal *refusal = route_refusal_of(route, value, length);

    route_refusal_release(refusal);
    if (length > ROUTE_VALUE_KEPT)
        return;
    *refusal = (struct route_refusal){malloc(length + 1), length, code, strdup(err->message)};
    if (!refusal->value || !refusal->message)
        route_refusal_release(refusal);
    else
        memcpy(refusal->value, value, length);
}

/* ---- finding -------------------------------------------------------------------------------- */

static int route_seek(struct route *route, const char *value, size_t length,
                      struct route_name **out, const char **code, struct tow_error *err)
{
    char name[ROUTE_NAME_MAX + 1];

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

int route_find(struct route *route, const char *value, size_t length, struct route_name **out,
               const char **code, struct tow_error *err)
{
    *out = route_by_value(route, value, length);
    if (*out)
        return TOW_OK;
    int rc = route_recall_refusal(route, value, length, code, err);
    if (rc)
        return rc;
    rc = route_seek(route, value, length, out, code, err);
    if (rc == TOW_E_DATA)
        route_note_refusal(route, value, length, *code, err);
    return rc;
}
