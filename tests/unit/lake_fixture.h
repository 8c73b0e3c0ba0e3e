/*
 * A result behind links: a workspace that resolves them and, on the same port, the storage that
 * they lead to. Faults come by chunk, in turn, each once.
 */
#ifndef TESTS_UNIT_LAKE_FIXTURE_H
#define TESTS_UNIT_LAKE_FIXTURE_H

#include "connectors/databricks/fetch_priv.h"
#include "databricks_fixture.h"

#define LAKE_CHUNKS 64
#define LAKE_FAULTS 16

enum lake_fault {
    LAKE_NONE,
    LAKE_CUT,         /* storage closes in the middle of the body, `at` bytes in */
    LAKE_STATUS,      /* storage answers with `status` */
    LAKE_WHOLE,       /* storage ignores a Range */
    LAKE_OTHER,       /* storage has a longer body than before */
    LAKE_STALL,       /* storage stops `at` bytes in, until the server goes on */
    LAKE_RESOLVE,     /* the workspace answers with `status` */
    LAKE_ANSWER,      /* the workspace answers with `text` */
    LAKE_UNREACHABLE, /* the link leads to a port on which nothing listens */
};

struct lake_event {
    enum lake_fault fault;
    int status;
    size_t at;
    const char *text, *headers;
};

struct lake_chunk {
    char *bytes;
    size_t length;
    struct lake_event events[LAKE_FAULTS];
    size_t event_count, event_at;
    int resolved, loaded; /* requests so far */
};

struct lake {
    struct workspace *workspace;
    struct tow_statement statement;
    struct lake_chunk chunks[LAKE_CHUNKS];
    char *answers[4096]; /* must live as long as the server */
    size_t answer_count;
    int dead_port, dead_fd; /* nothing listens there */
    int authorized;         /* requests to storage with a login */
    int without_extra;      /* requests to storage without the link's own header */
    struct tow_fetch *fetch;
    struct tow_error err;
};

/* `count` chunks of lengths[i % length_count] bytes. */
struct lake *lake_new(int as_client, int64_t count, const size_t *lengths, size_t length_count);
void lake_free(struct lake *lake);
/* Before lake_open: an event of a chunk. */
void lake_event(struct lake *lake, int64_t chunk, struct lake_event event);
/* NULL: the usual settings. */
void lake_open(struct lake *lake, const struct tow_fetch_settings *settings);

/* Reads up to `most` bytes of a chunk (0: all, to its end) and compares them; *at is how many bytes
 * of it have been read so far. Returns what tow_fetch_next said last. */
int lake_read(struct lake *lake, int64_t chunk, size_t *at, size_t most);
/* The chunks [first, count): all that is left. The test fails where one does not come. */
void assert_lake(struct lake *lake, int64_t first);

#endif
