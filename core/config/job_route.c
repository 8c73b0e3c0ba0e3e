/* `route`: its own keys, and those that are options of the sink. */
#include <stdlib.h>
#include <string.h>

#include "config/job_keys.h"
#include "config/job_reader.h"
#include "config/option/bind.h"

#define ROUTE(member) offsetof(struct tow_route_spec, member)

const struct tow_option tow_job_route_options[] = {
    {"by", TOW_OPTION_STRING, TOW_OPTION_REQUIRED, ROUTE(by), NULL, 1, 255, NULL,
     "column that tells where a row goes"},
    {"max", TOW_OPTION_INT, 0, ROUTE(max), "200", 1, TOW_ROUTES_MAX, NULL,
     "routes of a load; rows of others are rejected"},
    {"open", TOW_OPTION_INT, 0, ROUTE(open), "200", 1, TOW_ROUTES_MAX, NULL,
     "routes that a sink worker holds open at once"},
    {"names", TOW_OPTION_CHOICE, 0, ROUTE(names), "identifier", 0, 0, "identifier|as_is",
     "how a value becomes a name"},
    {"collisions", TOW_OPTION_CHOICE, 0, ROUTE(collisions), "reject", 0, 0, "reject|suffix",
     "what becomes of a value whose name another one has"},
    {"null", TOW_OPTION_STRING, 0, ROUTE(null), NULL, 1, 255, NULL,
     "stands for null and for empty text; such rows are rejected unless set"},
    {"keep_column", TOW_OPTION_BOOL, 0, ROUTE(keep_column), "true", 0, 0, NULL,
     "whether the sink gets the column, too"},
    TOW_OPTIONS_END,
};

static int route_is_own(const char *name)
{
    for (const struct tow_option *option = tow_job_route_options; option->name; option++)
        if (strcmp(option->name, name) == 0)
            return 1;
    return 0;
}

static struct tow_setting *route_find(struct tow_setting *group, const char *name)
{
    return (struct tow_setting *)tow_setting_get(group, name);
}

static int route_move(struct tow_job_reader *reader, struct tow_setting *sink,
                      struct tow_setting *option)
{
    const struct tow_setting *other = tow_setting_get(sink, option->name);
    struct tow_setting *items;

    if (other) {
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, option->file, option->line,
                      "route: %s stands in sink, too; leave it out there", option->name);
        return TOW_OK;
    }
    items = reallocarray(sink->items, sink->count + 1, sizeof *items);
    if (!items)
        return tow_error_nomem(reader->err);
    sink->items = items;
    items[sink->count] = *option;
    sink->count++;
    *option = (struct tow_setting){.kind = TOW_SETTING_BOOL};
    return TOW_OK;
}

/* What is no key of the route is one of the sink. */
static int route_move_options(struct tow_job_reader *reader, struct tow_setting *route)
{
    struct tow_setting *sink = route_find(&reader->content->group, "sink");
    size_t kept = 0;
    int rc = TOW_OK;

    if (!sink || sink->kind != TOW_SETTING_GROUP)
        return TOW_OK; /* the sink's reader says so */
    for (size_t i = 0; i < route->count; i++) {
        struct tow_setting *option = &route->items[i];

        if (!rc && !route_is_own(option->name))
            rc = route_move(reader, sink, option);
        if (option->name)
            route->items[kept++] = *option;
    }
    route->count = kept;
    return rc;
}

/* Keys that are left, as they stand in sink too, are known: a finding tells of them. */
static int route_bind(struct tow_job_reader *reader, const struct tow_setting *route)
{
    const char **others = calloc(route->count + 1, sizeof *others);
    struct tow_binding binding = {
        .options = tow_job_route_options,
        .others = others,
        .owner = "route",
        .self = &reader->job->route,
        .target = {&reader->content->pool, reader->job->dir},
        .diags = reader->diags,
    };

    if (!others)
        return tow_error_nomem(reader->err);
    for (size_t i = 0; i < route->count; i++)
        others[i] = route->items[i].name;
    int rc = tow_bind(&binding, route, reader->err);
    free(others);
    return rc;
}

int tow_job_read_route(struct tow_job_reader *reader)
{
    struct tow_setting *route = route_find(&reader->content->group, "route");

    if (!route || !tow_job_expect_kind(reader, route, TOW_SETTING_GROUP))
        return TOW_OK;
    int rc = route_move_options(reader, route);
    if (!rc)
        rc = route_bind(reader, route);
    reader->job->has_route = 1;
    reader->job->route.file = route->file;
    reader->job->route.line = route->line;
    return rc;
}
