/*
 * `route`: a job whose rows go to an instance of the sink for each value of a column.
 *
 * To the workers it is one sink, whose calls are those of struct tow_sink_ops; behind it, each
 * worker has a child for every route that it has had rows for: an instance of the job's sink with
 * the route's name in its options and a ledger of its own. Children see numbers of batches and of
 * workers as the job's single sink would.
 *
 * Tokens. What the children's flushes return does not fit into one token. A worker writes all of
 * its children's tokens to the ledger under a new number, its generation, and its own token is that
 * number: the checkpoint then tells which of them count. Those of the last checkpoint are kept
 * until another is taken.
 */
#ifndef CORE_RUN_ROUTE_ROUTE_H
#define CORE_RUN_ROUTE_ROUTE_H

#include "run/assembly/assembly.h"
#include "run/route/name.h"

struct run;
struct route;

/* Findings about the section; the plugins are there. */
int route_check(const struct tow_assembly *assembly, struct tow_diags *diags,
                struct tow_error *err);
/* A name to look at the sink's options with. */
void route_sample(const struct tow_job *job, struct tow_words *words);
/* What the sink gets of the outgoing columns, and which of those is the routing column.
 * TOW_E_CONFIG where it is missing, or no text. */
int route_schema(const struct tow_route_spec *spec, const struct ArrowSchema *schema,
                 struct ArrowSchema *out, int64_t *column, struct tow_error *err);

/* Makes run->route and run->sink, where the job has a route; for the columns in run->out. */
int route_open(struct run *run, struct tow_error *err);
void route_close(struct run *run);
/* For run_sink.prepare: the worker's instance learns whose it is. */
void route_prepare(void *self, void *worker);
/* The checkpoint with run->settled's tokens is taken. */
void route_committed(struct run *run);

#endif
