/* One route as one worker has it: an instance of the job's sink. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/route/route_priv.h"

struct route_child *route_child_of(struct route_sink *sink, struct route_name *name,
                                   struct tow_error *err)
{
    if (name->index >= sink->child_capacity) {
        size_t capacity = name->index + 16;
        struct route_child **children = reallocarray(sink->children, capacity, sizeof *children);

        if (!children) {
            tow_error_nomem(err);
            return NULL;
        }
        memset(children + sink->child_capacity, 0,
               (capacity - sink->child_capacity) * sizeof *children);
        sink->children = children;
        sink->child_capacity = capacity;
    }
    struct route_child **child = &sink->children[name->index];
    if (!*child) {
        *child = calloc(1, sizeof **child);
        if (!*child) {
            tow_error_nomem(err);
            return NULL;
        }
        (*child)->sink = sink;
        (*child)->name = name;
    }
    return *child;
}

int route_child_set_token(struct route_child *child, const void *bytes, size_t length,
                          struct tow_error *err)
{
    unsigned char *copy = malloc(length + 1);

    if (!copy)
        return tow_error_nomem(err);
    if (length)
        memcpy(copy, bytes, length);
    free(child->token.bytes);
    child->token = (struct route_token){copy, (uint32_t)length};
    return TOW_OK;
}

int route_child_flush(struct route_child *child, struct tow_error *err)
{
    struct tow_position token = {.size = sizeof token};
    int rc = run_flush_sink(&child->instance, &token, err);

    if (!rc)
        rc = route_child_set_token(child, token.bytes, token.length, err);
    if (!rc) {
        child->is_dirty = 0;
        child->sink->is_changed = 1;
    }
    return rc;
}

void route_child_close(struct route_child *child)
{
    if (child->is_open)
        child->sink->open_count--;
    child->is_open = 0;
    run_close_sink(&child->instance);
}

/* ---- how many are open ---------------------------------------------------------------------- */

static struct route_child *child_oldest(const struct route_sink *sink)
{
    struct route_child *oldest = NULL;

    for (size_t i = 0; i < sink->child_capacity; i++) {
        struct route_child *child = sink->children[i];

        if (child && child->is_open && (!oldest || child->used < oldest->used))
            oldest = child;
    }
    return oldest;
}

/* A child of a sink that defers has rows in its hands that only the worker could bring again: those
 * stay open, and `max` bounds them. */
static int child_make_room(struct route_sink *sink, struct tow_error *err)
{
    while (!route_defers(sink) && sink->open_count >= (size_t)sink->route->spec->open) {
        struct route_child *oldest = child_oldest(sink);

        if (oldest->is_dirty && route_child_flush(oldest, err))
            return err->code;
        route_child_close(oldest);
    }
    return TOW_OK;
}

/* ---- opening -------------------------------------------------------------------------------- */

static int child_make(struct route_child *child, struct tow_error *err)
{
    struct route_sink *sink = child->sink;
    const struct route *route = sink->route;
    struct tow_host_box *box = &child->instance.box;
    int rc = run_open_instance(route->run, &child->instance, route->real, &route->run->job->sink,
                               "sink", err);

    if (!rc)
        rc = route_fill(route, child->name->name, &child->instance.instance, err);
    box->host.worker = sink->host->worker;
    box->host.workers = sink->host->workers;
    box->host.routed = 1;
    box->settle = route_settle;
    box->keep = route_keep;
    box->context = child;
    snprintf(box->area, sizeof box->area, "route %.64s", child->name->name);
    snprintf(box->ledger, sizeof box->ledger, "sink:%s/%s", route->real->name, child->name->name);
    return rc;
}

/* TOW_E_DATA is about rows in write alone. */
static int child_no_data(int rc, struct tow_error *err)
{
    if (rc == TOW_E_DATA)
        err->code = rc = TOW_E_ENV;
    return rc;
}

int route_child_open(struct route_child *child, struct tow_error *err)
{
    struct tow_position token = {.size = sizeof token, .length = child->token.length};

    child->used = ++child->sink->clock;
    if (child->is_open)
        return TOW_OK;
    int rc = child_make_room(child->sink, err);
    if (rc)
        return child_no_data(rc, err);
    if (token.length)
        memcpy(token.bytes, child->token.bytes, token.length);
    rc = child_make(child, err);
    pthread_mutex_lock(&child->name->opening);
    if (!rc)
        rc = run_try_sink(&child->instance, &token, &child->sink->route->schema, err);
    pthread_mutex_unlock(&child->name->opening);
    if (rc) {
        run_close_sink(&child->instance);
        return child_no_data(rc, err);
    }
    child->is_open = 1;
    child->sink->open_count++;
    return TOW_OK;
}

void route_children_free(struct route_sink *sink)
{
    for (size_t i = 0; i < sink->child_capacity; i++) {
        struct route_child *child = sink->children[i];

        if (!child)
            continue;
        route_child_close(child);
        free(child->token.bytes);
        free(child);
    }
    free(sink->children);
    sink->children = NULL;
    sink->child_capacity = 0;
}
