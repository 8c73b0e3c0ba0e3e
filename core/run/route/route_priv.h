/* What the parts of a routed sink share. */
#ifndef CORE_RUN_ROUTE_ROUTE_PRIV_H
#define CORE_RUN_ROUTE_ROUTE_PRIV_H

#include "run/route/route.h"
#include "run/run_priv.h"

/* A route of the load, of all workers. */
struct route_name {
    size_t index;
    char *value; /* NULL: its tokens are known, a row of it has not come yet */
    size_t length;
    char name[ROUTE_NAME_MAX + 1];
    pthread_mutex_t opening; /* held while a worker opens its child of it: one after the other, as
                                where a sink has no route */
};

/* A value that has no route in this load, and why. */
struct route_refusal {
    char *value; /* NULL: none */
    size_t length;
    const char *code;
    char *message;
};

#define ROUTE_REFUSALS 64 /* that are remembered, at places of their hash */

struct route {
    struct run *run;
    const struct tow_route_spec *spec;
    const struct tow_plugin *real; /* the job's sink */
    struct tow_sink_ops ops;       /* of the plugin below, whose flags are those of the real one */
    struct tow_plugin plugin;
    int64_t column;             /* routing column among run->out */
    struct ArrowSchema schema;  /* what children get */
    struct tow_host_box tokens; /* ledger of the run's key */
    struct tow_host_box values; /* ledger of the job: which value has which name */

    pthread_mutex_t lock; /* of what is below; what the pointers point to stays */
    struct route_name **names;
    size_t count, capacity;
    uint32_t *table; /* of indexes + 1, by value */
    size_t table_size;
    struct route_refusal refusals[ROUTE_REFUSALS];
};

struct route_sink;

struct route_token {
    unsigned char *bytes;
    uint32_t length;
};

/* A route as one worker has it. */
struct route_child {
    struct route_sink *sink;
    struct route_name *name;
    struct run_instance instance;
    int is_open;
    int is_dirty;             /* rows came since its last flush */
    int is_finished;          /* finish has been called */
    struct route_token token; /* of its last flush */
    uint64_t used;            /* when it wrote last, by sink->clock */
    int64_t wanted, first;    /* rows of the batch at hand, and where they begin in sink->picked */
};

/* Rows of a batch that a child was given. */
struct route_sub {
    struct route_sub *next;
    struct route_child *child;
    int64_t *rows; /* their numbers in the batch as the worker has it */
    int64_t count;
    struct ArrowArray array;  /* a copy; released where the worker's own array was handed on */
    struct ArrowArray *shell; /* that array without the routing column; NULL: none */
    int is_taken;             /* write returned TOW_OK */
};

/* A batch in hand: during write, and with TOW_SINK_DEFERS until all of its rows are settled. */
struct route_batch {
    struct route_batch *next;
    uint64_t seq;
    int64_t length; /* rows, as the worker handed them in last */
    int64_t open;   /* not settled */
    uint8_t *settled;
    struct route_sub *subs;
};

/* What tokens the ledger has. */
struct route_generation {
    uint64_t number;
    uint32_t length; /* bytes of all */
};

#define ROUTE_GENERATIONS_MAX 4

struct route_sink {
    struct route *route;
    const struct tow_host *host;
    struct route_child **children; /* by index of the route; NULL where there is none */
    size_t child_capacity;
    size_t open_count;
    uint64_t clock;
    struct route_generation generations[ROUTE_GENERATIONS_MAX]; /* rising; the last is in force */
    size_t generation_count;
    uint64_t committed; /* of the last checkpoint; 0: none */
    int is_changed;     /* a child was flushed since the last generation */
    struct route_batch *batches;
    int32_t *of_row; /* route of each row of the batch at hand, or ROUTE_NONE */
    int64_t *picked; /* its rows, those of a child behind each other */
    int64_t row_capacity;
};

#define ROUTE_NONE (-1)

static inline int route_defers(const struct route_sink *sink)
{
    return (sink->route->real->sink->flags & TOW_SINK_DEFERS) != 0;
}

/* ---- route.c -------------------------------------------------------------------------------- */

/* Puts the source's words and the route's name into the options. */
int route_fill(const struct route *route, const char *name, struct tow_instance *instance,
               struct tow_error *err);

/* ---- route_values.c ------------------------------------------------------------------------- */

/* The route of a value; under route->lock. TOW_E_DATA, with *code, where it has none. */
int route_find(struct route *route, const char *value, size_t length, struct route_name **name,
               const char **code, struct tow_error *err);
/* By name, made where it is not there; under route->lock. */
int route_know(struct route *route, const char *name, struct route_name **out,
               struct tow_error *err);
void route_refusal_release(struct route_refusal *refusal);

/* ---- route_child.c -------------------------------------------------------------------------- */

/* The worker's child of a route, open or not; NULL where memory ran out. */
struct route_child *route_child_of(struct route_sink *sink, struct route_name *name,
                                   struct tow_error *err);
/* Opens it where it is not, for which another may be flushed and closed. One try. */
int route_child_open(struct route_child *child, struct tow_error *err);
/* Makes what it took durable; where it fails, token and rows stay as they are. */
int route_child_flush(struct route_child *child, struct tow_error *err);
void route_child_close(struct route_child *child);
int route_child_set_token(struct route_child *child, const void *bytes, size_t length,
                          struct tow_error *err);
void route_children_free(struct route_sink *sink);

/* ---- route_rows.c --------------------------------------------------------------------------- */

int32_t route_write(void *self, const struct tow_rows *rows, struct tow_error *err);

/* ---- route_batch.c -------------------------------------------------------------------------- */

/* From a child: the callbacks of its host. */
int route_settle(void *child, uint64_t seq, int64_t first, int64_t count, int outcome,
                 const char *code, const char *message);
int route_keep(void *child, uint64_t seq);
/* With TOW_SINK_DEFERS, after a child's flush: its rows are accepted, or, where it failed, it has
 * let go of them. */
int route_accept(struct route_child *child, struct tow_error *err);
void route_let_go(struct route_child *child);
/* Forgets batches without open rows; all of them where `all`. */
void route_drop_batches(struct route_sink *sink, int all);

/* The batch of that number in hand; NULL where there is none. */
struct route_batch *route_batch_find(const struct route_sink *sink, uint64_t seq);
int route_batch_begin(struct route_sink *sink, const struct tow_rows *rows,
                      struct route_batch **out, struct tow_error *err);
/* It comes again, with the `length` rows that are open. */
int route_batch_again(struct route_batch *batch, int64_t length, struct tow_error *err);
void route_batch_remove(struct route_sink *sink, struct route_batch *batch);
/* The child has forgotten its rows of the batch. */
void route_batch_let_go(struct route_batch *batch, const struct route_child *child);
/* Rows by the worker's numbers; the class that its host returned. */
int route_batch_settle(struct route_sink *sink, struct route_batch *batch, int64_t first,
                       int64_t count, int outcome, const char *code, const char *message);
/* Those of a child's rows that are open. */
int route_sub_settle_rest(struct route_sub *sub, struct route_batch *batch, int outcome,
                          const char *code, const char *message, struct tow_error *err);
void route_sub_free(struct route_sub *sub);

/* ---- route_tokens.c ------------------------------------------------------------------------- */

/* A worker opens: its children's tokens as of the checkpoint; later ones are taken away. */
int route_tokens_load(struct route_sink *sink, const struct tow_position *token,
                      struct tow_error *err);
/* Writes a generation where something changed; fills token. */
int route_tokens_save(struct route_sink *sink, struct tow_position *token, struct tow_error *err);

#endif
