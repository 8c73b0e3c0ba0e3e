/*
 * A workspace in memory, behind the calls of the connectors that the sink databricks_copy makes: it
 * stands in their place when a test links it. Tables hold the text of their rows; COPY INTO knows
 * which files a table has had. Statements are known by how the sink writes them.
 *
 * Every call is a step, and so is every write to the ledger of a host that lake_watch was told of:
 * a test can say at which step something goes wrong. One lake at a time; one thread.
 */
#ifndef TESTS_UNIT_FAKE_LAKE_H
#define TESTS_UNIT_FAKE_LAKE_H

#include <stddef.h>
#include <stdint.h>

#include "fake_host.h"

enum lake_fault {
    LAKE_KILL_BEFORE, /* the process dies before the step is done: nothing works until lake_revive
                       */
    LAKE_KILL_AFTER,  /* and after it */
    LAKE_KILL_ORPHAN, /* a statement that was submitted runs on, and is done later; else as AFTER */
    LAKE_LOST_BEFORE, /* TOW_E_TRANSIENT; the step was not done. Ledgers do not fail like that */
    LAKE_LOST_AFTER,  /* it was */
    LAKE_FAULTS
};

struct lake_table {
    char *name;    /* quoted, as statements have it */
    char *columns; /* "`id` BIGINT, `name` STRING" */
    char **rows;   /* lines of CSV */
    size_t row_count;
    char **history; /* URIs of files */
    size_t history_count;
};

struct lake_file {
    char *path;
    unsigned char *bytes;
    size_t size;
    int64_t modified_ms; /* a fake host's now, unless a test says otherwise */
};

struct lake {
    struct lake_table tables[16];
    size_t table_count;
    struct lake_file files[2048];
    size_t file_count;
    char **statements; /* all that were run, in their order */
    size_t statement_count;
    size_t step;      /* of the last call */
    size_t fail_step; /* 0: none */
    enum lake_fault fault;
    int is_dead;
    char *orphan;        /* a statement that still runs */
    int orphan_waits;    /* statements that come before it is done */
    size_t lists;        /* of folders */
    int denies;          /* 1: a folder cannot be listed, files cannot be removed: TOW_E_AUTH */
    const char *refuses; /* text of statements that fail ... */
    int refuses_with;    /* ... so */
    int echoes;          /* 1: it says the statement's text, too */
    int64_t miscounts;   /* what COPY INTO says too much */
};

/* An empty one, which is used from now on. */
void lake_init(struct lake *lake);
void lake_release(struct lake *lake);
/* From now on writes to this host's ledger are steps. */
void lake_watch(struct fake_host *fake);
/* A new process. */
void lake_revive(struct lake *lake);

/* The name in quotes, "`main`.`t`"; NULL where there is no such table. */
struct lake_table *lake_find(struct lake *lake, const char *name);
struct lake_table *lake_add(struct lake *lake, const char *name, const char *columns);
void lake_add_row(struct lake_table *table, const char *line);
/* Statements that begin with the text. */
size_t lake_ran(const struct lake *lake, const char *text);

#endif
