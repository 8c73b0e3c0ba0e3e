/*
 * A source that is wrong in the way its option says. Mistakes that end the process, or show in what
 * surrounds it, are here; those against the calls' own rules are unruly.c's.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "towpath/batch.h"

#define ROWS 350

struct broken {
    const char *way;
    const struct tow_host *host;
    struct tow_builder *builder;
    int64_t next;
};

static const struct tow_option broken_options[] = {
    {"way", TOW_OPTION_STRING, 0, offsetof(struct broken, way), "not", 0, 0, NULL, "what is wrong"},
    TOW_OPTIONS_END,
};

static int broken_is(const struct broken *broken, const char *way)
{
    return strcmp(broken->way, way) == 0;
}

static int32_t broken_open(void *self, const struct tow_host *host, const struct tow_position *from,
                           struct tow_error *err)
{
    static const struct tow_field field = {"n", {TOW_TYPE_INT64, 0, 0}, 0};
    static const struct tow_field other = {"n", {TOW_TYPE_STRING, 0, 0}, 0};
    struct broken *broken = self;

    if (broken_is(broken, "frozen"))
        poll(NULL, 0, -1);
    if (broken_is(broken, "signal"))
        signal(SIGHUP, SIG_IGN);
    if (broken_is(broken, "moves") && chdir("/"))
        return tow_error_set(err, TOW_E_ENV, "no root folder");
    broken->host = host;
    broken->next = tow_position_get_int(from, 0);
    broken->builder = tow_builder_new(broken_is(broken, "type") ? &other : &field, 1, err);
    return broken->builder ? TOW_OK : err->code;
}

static int32_t broken_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    static const struct tow_field field = {"n", {TOW_TYPE_INT64, 0, 0}, 0};

    (void)self;
    return tow_schema_make(out, &field, 1, err);
}

/* Ends the process, or fails. */
static int32_t broken_before(struct broken *broken, struct tow_error *err)
{
    if (broken_is(broken, "crash")) {
        volatile int *volatile nowhere = NULL;
        return *nowhere;
    }
    if (broken_is(broken, "abort"))
        abort();
    if (broken_is(broken, "exit"))
        exit(0);
    if (broken_is(broken, "silent"))
        return TOW_E_ENV;
    if (broken_is(broken, "odd"))
        return -99;
    if (broken_is(broken, "gives_up"))
        return tow_error_set(err, TOW_E_CANCELLED, "no more");
    if (broken_is(broken, "chatty"))
        printf("reading on\n");
    if (broken_is(broken, "mute")) {
        const struct tow_source_reject row = {.size = sizeof row, .code = "bad"};
        return broken->host->reject(broken->host, &row);
    }
    return TOW_OK;
}

static int32_t broken_row(struct broken *broken, struct tow_error *err)
{
    int rc = broken_is(broken, "type") ? tow_append_text(broken->builder, 0, "one", err)
                                       : tow_append_int64(broken->builder, 0, broken->next, err);

    broken->next++;
    return rc ? rc : tow_builder_end_row(broken->builder, err);
}

static int32_t broken_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    struct broken *broken = self;
    int64_t end = broken_is(broken, "endless") ? INT64_MAX : ROWS;
    int32_t rc = broken_before(broken, err);

    if (rc || broken->next >= end)
        return rc ? rc : TOW_END;
    while (!rc && broken->next < end &&
           !tow_builder_full(broken->builder, broken->host->batch_rows, 0))
        rc = broken_row(broken, err);
    if (!rc)
        rc = tow_builder_finish(broken->builder, &out->array, err);
    if (broken_is(broken, "length"))
        out->array.length++;
    if (broken_is(broken, "stuck") || broken_is(broken, "endless"))
        tow_position_set_int(&out->position, 7);
    else if (!broken_is(broken, "blank"))
        tow_position_set_int(&out->position, broken->next);
    return rc;
}

static void broken_close(void *self)
{
    struct broken *broken = self;

    if (!broken_is(broken, "leak"))
        tow_builder_free(broken->builder);
}

TOW_SOURCE_PLUGIN(broken, "1", "wrong in one way", struct broken, broken_options, 0,
                  .open = broken_open, .schema = broken_schema, .read = broken_read,
                  .close = broken_close)
