/*
 * towpath/plugin.h - the plugin ABI, version 1.
 *
 * A plugin is a shared object that exports one function, made by TOW_PLUGIN below, which returns
 * its descriptor. It links no symbol of the host: what it may ask of the core comes in a table
 * (struct tow_host). Only plain C types cross the border: no enum, bit-field, time_t or type of
 * another library.
 *
 * Sizes and versions. Every structure starts with its size in bytes and grows only at its end.
 * Whoever reads a structure touches no member beyond the size that it states; a member that is not
 * there counts as zero. The major versions of host and plugin must be equal; the plugin's minor
 * version must not exceed the host's.
 *
 * Ownership. Pointers that are passed in stay the caller's and are good for the call, unless a
 * comment says longer. An ArrowSchema or ArrowArray written to an `out` parameter becomes the
 * caller's, who calls its release: from any thread, and maybe after the instance's close. What a
 * call that failed has written there is released, too. Nothing is freed on the other side of the
 * border.
 *
 * Threads. Modules are loaded before any thread starts and never unloaded. One instance is used by
 * one thread at a time, not always the same; two instances may run at once, so a plugin has no
 * writable global. Functions of struct tow_host are called from within a call of the instance,
 * save log, cancelled and cancel_fd, which any thread may call at any time until close has
 * returned.
 *
 * Results. Functions return TOW_OK or a class from towpath/error.h, with the reason in err, which
 * is empty when the call is made. Only the core retries: a plugin never sleeps and tries again.
 * TOW_E_CANCELLED is an answer to host->cancelled alone; from an instance that was not told to stop
 * it is TOW_E_BUG.
 *
 * Life. check, on an instance of its own that is then dropped without close. setup, on an instance
 * of its own, then close. open, or the begin of a transform, comes first otherwise, and close last,
 * once, also where they failed. After an error that is not retried, only close follows, or for a
 * sink flush and close. Where setup, open, schema or begin fail with TOW_E_TRANSIENT or TOW_E_RATE,
 * the core closes the instance and begins anew with another one.
 */
#ifndef TOWPATH_PLUGIN_H
#define TOWPATH_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/arrow.h"
#include "towpath/error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TOW_ABI_MAJOR 1
#define TOW_ABI_MINOR 2

/* ---- positions ------------------------------------------------------------------------------ */

#define TOW_POSITION_MAX 4096

/*
 * Opaque bytes that only their plugin understands: where a source stands, or what a sink has made
 * durable so far. length 0 means "from the start".
 */
struct tow_position {
    uint32_t size;
    uint32_t length; /* bytes in use */
    unsigned char bytes[TOW_POSITION_MAX];
};

/* ---- options -------------------------------------------------------------------------------- */

/* Option types; the C type at `offset` of the instance stands beside each. */
#define TOW_OPTION_STRING   1 /* const char *: NULL where absent; min and max bound its bytes */
#define TOW_OPTION_INT      2 /* int64_t */
#define TOW_OPTION_DOUBLE   3 /* double; min and max are whole numbers */
#define TOW_OPTION_BOOL     4 /* int32_t: 0 or 1 */
#define TOW_OPTION_SIZE     5 /* int64_t bytes, written "64MB" (10^6) or "64MiB" (2^20) */
#define TOW_OPTION_DURATION 6 /* int64_t milliseconds, written "500ms", "15m", "1h30m" */
#define TOW_OPTION_CHOICE   7 /* int32_t: index into choices */
#define TOW_OPTION_PATH     8 /* const char *: from the job file's folder; "-", "s3://..." stay */
#define TOW_OPTION_STRINGS  9 /* struct tow_strings: an array, or one string */

#define TOW_OPTION_REQUIRED 1u /* absent is an error */
/* Printed as ***, wiped on release; a literal value is warned about. */
#define TOW_OPTION_SECRET 2u
/* Since 1.2: text that names a program which the plugin starts. Without such an option that is set,
 * and without `allow_programs` in the job, the kernel refuses to start any. */
#define TOW_OPTION_PROGRAM 4u

struct tow_strings {
    const char *const *items;
    uint64_t count;
};

/*
 * One row of a plugin's option table; a row with a NULL name ends it. The core fills the instance
 * from the job file by this table and refuses keys that it does not list. Values live until the
 * instance's close has returned.
 */
struct tow_option {
    const char *name;
    int32_t type;         /* TOW_OPTION_... */
    uint32_t flags;       /* TOW_OPTION_REQUIRED, TOW_OPTION_SECRET, TOW_OPTION_PROGRAM */
    uint64_t offset;      /* of the member in the instance */
    const char *fallback; /* default, written as in a job file; NULL: zero, or no string */
    int64_t min, max;     /* bounds in the option's unit; both 0: none */
    const char *choices;  /* TOW_OPTION_CHOICE: "csv|ndjson" */
    const char *help;     /* one line, no full stop needed */
};

#define TOW_OPTIONS_END                       \
    {                                         \
        NULL, 0, 0, 0, NULL, 0, 0, NULL, NULL \
    }

/* The usual rows: name, instance type, member, then what the type needs. */
#define TOW_OPT(name, type, flags, instance, member, fallback, min, max, choices, help)  \
    {                                                                                    \
        name, type, flags, offsetof(instance, member), fallback, min, max, choices, help \
    }
#define TOW_OPT_STRING(name, instance, member, fallback, help) \
    TOW_OPT(name, TOW_OPTION_STRING, 0, instance, member, fallback, 0, 0, NULL, help)
#define TOW_OPT_SECRET(name, instance, member, help) \
    TOW_OPT(name, TOW_OPTION_STRING, TOW_OPTION_SECRET, instance, member, NULL, 0, 0, NULL, help)
#define TOW_OPT_PATH(name, flags, instance, member, help) \
    TOW_OPT(name, TOW_OPTION_PATH, flags, instance, member, NULL, 0, 0, NULL, help)
#define TOW_OPT_INT(name, instance, member, fallback, min, max, help) \
    TOW_OPT(name, TOW_OPTION_INT, 0, instance, member, fallback, min, max, NULL, help)
#define TOW_OPT_BOOL(name, instance, member, fallback, help) \
    TOW_OPT(name, TOW_OPTION_BOOL, 0, instance, member, fallback, 0, 0, NULL, help)
#define TOW_OPT_SIZE(name, instance, member, fallback, min, max, help) \
    TOW_OPT(name, TOW_OPTION_SIZE, 0, instance, member, fallback, min, max, NULL, help)
#define TOW_OPT_DURATION(name, instance, member, fallback, min, max, help) \
    TOW_OPT(name, TOW_OPTION_DURATION, 0, instance, member, fallback, min, max, NULL, help)
#define TOW_OPT_CHOICE(name, instance, member, fallback, choices, help) \
    TOW_OPT(name, TOW_OPTION_CHOICE, 0, instance, member, fallback, 0, 0, choices, help)
#define TOW_OPT_STRINGS(name, instance, member, help) \
    TOW_OPT(name, TOW_OPTION_STRINGS, 0, instance, member, NULL, 0, 0, NULL, help)

/* ---- the host ------------------------------------------------------------------------------- */

#define TOW_LOG_DEBUG 0
#define TOW_LOG_INFO  1
#define TOW_LOG_WARN  2
#define TOW_LOG_ERROR 3

#define TOW_ROW_ACCEPTED 1 /* durable once flush has returned TOW_OK */
#define TOW_ROW_REJECTED 2 /* refused for good, with code and message */
#define TOW_ROW_FILTERED 3 /* transforms only: left out on purpose */

/* A row that a source could not turn into values. Strings are copied by the call. */
struct tow_source_reject {
    uint32_t size;
    uint32_t raw_length;
    const char *code;    /* stable word for machines: "unclosed_quote" */
    const char *message; /* what, which, value seen, limit */
    const char *origin;  /* file, table or URL; NULL where there is none */
    int64_t line;        /* 1-based line of origin; 0 where there is none */
    int64_t offset;      /* byte offset in origin; -1 where there is none */
    const char *raw;     /* the bytes as read, raw_length of them; may be NULL */
};

/*
 * What the core offers to one instance. Valid from open (or check) until close has returned.
 * Strings in it are never NULL.
 */
struct tow_host {
    uint32_t size;
    uint16_t abi_major, abi_minor;
    const char *job;     /* name of the job */
    const char *load_id; /* names this load; the same when a stopped run is continued */
    uint32_t worker;     /* sinks: which of the parallel instances this is, from 0 */
    uint32_t workers;    /* sinks: how many there are */
    uint32_t batch_rows; /* sources: close a batch at this many rows ... */
    uint32_t replay; /* sinks: 1 where rejected rows of an earlier run are sent again; a sink that
                        would replace its target refuses then */
    uint64_t batch_bytes; /* ... or this many bytes, whichever comes first */
    void *core;           /* the core's own; plugins leave it alone */

    /* Writes one line to the log (TOW_LOG_...). The message is copied by the call; no secret in it.
     */
    void (*log)(const struct tow_host *host, int32_t level, const char *message);

    /* 1 once the instance is to stop: return TOW_E_CANCELLED soon. Sources and transforms see it
     * with the first signal, or when the run fails; sinks when what was read has not drained in
     * time, or with the second signal. */
    int32_t (*cancelled)(const struct tow_host *host);

    /* A descriptor that becomes readable when the instance is to stop, to poll beside sockets; it
     * may lag behind cancelled by a quarter of a second, and is -1 where nobody will. Never read
     * from it or close it. */
    int32_t (*cancel_fd)(const struct tow_host *host);

    /* Microseconds since 1970 UTC, by the run's clock. */
    int64_t (*now_us)(const struct tow_host *host);

    /* Sources, during read: counts a row as read and rejected. It belongs to the batch that this
     * read returns, or where it fails, the next one; then it does not come again. A read that
     * rejected rows, or follows failed ones that did, returns a batch, if need be without rows, and
     * not TOW_END. Returns TOW_OK, or TOW_END where read should return what it has now, since
     * rejects are piling up, or no more rows are wanted. */
    int32_t (*reject)(const struct tow_host *host, const struct tow_source_reject *row);

    /*
     * Sinks, during write and flush: says what became of rows [first, first + count) of batch seq,
     * by their numbers in the array that was last handed in for it; accepted or rejected.
     * Transforms, during apply: of the batch at hand; rejected or filtered.
     * code and message are needed for TOW_ROW_REJECTED and copied by the call. A row is settled
     * once; a second time, or a row outside the batch, is TOW_E_BUG and ends the run.
     */
    int32_t (*settle)(const struct tow_host *host, uint64_t seq, int64_t first, int64_t count,
                      int32_t outcome, const char *code, const char *message);

    /*
     * The job's ledger: small durable facts, keyed by text, private to this plugin and role in
     * this job (files done, uploads made), and to its route where the job has one. Values are at
     * most TOW_POSITION_MAX bytes. It is empty where a run starts from nothing (--full), and where
     * a plugin is only asked to look; there put and remove are TOW_E_BUG. In a trial (--limit) what
     * they change is seen until the run ends, and then it is as it was. get: TOW_OK, or TOW_END
     * where there is no such key; the value is cut to what fits. put and remove are durable when
     * they return. each calls visit in order of key for keys that start with prefix, until it
     * returns other than 0, and returns what it returned.
     */
    int32_t (*ledger_get)(const struct tow_host *host, const char *key, struct tow_position *value,
                          struct tow_error *err);
    int32_t (*ledger_put)(const struct tow_host *host, const char *key, const void *value,
                          uint32_t length, struct tow_error *err);
    int32_t (*ledger_remove)(const struct tow_host *host, const char *key, struct tow_error *err);
    int32_t (*ledger_each)(const struct tow_host *host, const char *prefix,
                           int32_t (*visit)(void *context, const char *key, const void *value,
                                            uint32_t length),
                           void *context, struct tow_error *err);

    /*
     * Since 1.1. Sinks with TOW_SINK_FINAL, during a long write: what an answer of the far end says
     * of rows of batch seq is settled as a whole. It is saved now, or with the next answer where
     * they come fast, and not only when the call returns, so that a kill does not bring those rows
     * again. Anything but TOW_OK ends the run.
     */
    int32_t (*keep)(const struct tow_host *host, uint64_t seq);

    /* Since 1.1. The section of the job file that the instance was made from, for messages that
     * name an option: "source", "sink", "results", "history", "transform". */
    const char *section;

    /* Since 1.2. 1 where the job's loads follow one another with the source still open (`load` in
     * the job file): a sink whose next load would take the place of the last one refuses that in
     * check. */
    uint32_t rolling;

    /* Since 1.2. 1 where the instance is one of those that a `route` keeps open, maybe hundreds: it
     * holds no more memory, and no more threads, than it must. */
    uint32_t routed;
};

/* ---- setting up ----------------------------------------------------------------------------- */

#define TOW_SETUP_CREATED 1 /* it was not there */
#define TOW_SETUP_CHANGED 2 /* it lacked something */
#define TOW_SETUP_EXISTS  3 /* it fits as it is */

/* What `towpath setup` asks for: that what rows are read from, or written to, is there. */
struct tow_setup {
    uint32_t size;
    int32_t is_dry_run; /* 1: look, say what would be done, and change nothing */
    /* The columns that it must have; NULL, for sources, where nobody says which. */
    const struct ArrowSchema *columns;
    const char *const *shapes; /* one for each column: see tow_sink_column.shape */
    void *core;                /* the core's own; plugins leave it alone */

    /* Says what has become of a thing ("table main.crm.vip"), or in a dry run would; `statement` is
     * the text that does it, without secrets, NULL where there is none. Strings are copied. Returns
     * TOW_OK or TOW_E_NOMEM. */
    int32_t (*say)(const struct tow_setup *setup, int32_t outcome, const char *thing,
                   const char *statement);
};

/* Takes a piece of a text; anything but TOW_OK ends it. */
typedef int32_t tow_text_put(void *context, const char *text, uint64_t length);

/* ---- sources -------------------------------------------------------------------------------- */

/*
 * One batch on its way into the core. The core sets size, zeroes the rest and passes it to read.
 */
struct tow_batch {
    uint32_t size;
    uint32_t flags;          /* TOW_BATCH_... */
    struct ArrowArray array; /* struct array that fits the schema; moved to the core on TOW_OK */
    struct ArrowArray lines; /* optional int64 array without nulls: line of each row in origin */
    const char *origin;      /* optional: where the rows come from; good until close */
    const char *mark_key;    /* optional, both: a ledger entry, written in the transaction that */
    const char *mark_value;  /* moves the checkpoint past this batch; text, good until next read */
    struct tow_position position; /* where a later run resumes, after this batch */
    int64_t counted; /* with TOW_BATCH_COUNTED: rows met since open by the source's own count, or
                        the far end's, rejected ones and those of this batch among them */

    /*
     * Since 1.2, all four with TOW_BATCH_TYPED: what the rows were made from, for the few whose
     * text is wanted after all (reject lines). Moved to the core on TOW_OK. as_text makes the array
     * that the batch would have been otherwise: all columns and rows, by the source's schema.
     * let_go is the last that is heard of `held`. Both are called before close, by any thread, also
     * while another is in a call of the instance.
     */
    void *held;
    int64_t held_bytes; /* memory that it takes */
    int32_t (*as_text)(void *held, struct ArrowArray *out, struct tow_error *err);
    void (*let_go)(void *held);
};

/* Set by a source that counts its rows otherwise than by handing them out: the run fails where its
 * count is not the core's. It may be set with some batches only, and with TOW_END. */
#define TOW_BATCH_COUNTED 1u

/* Set by a source whose `types` was called: the array fits the schema that was given there. A batch
 * without it fits the source's schema, as ever: the source says batch by batch. */
#define TOW_BATCH_TYPED 2u

/* The text is what is left without ASCII white space at both ends: that comes first of all. */
#define TOW_WISH_TRIM 1u
/* A null, from the file or by null_if, is no value: its row will be rejected. */
#define TOW_WISH_REQUIRED 2u

/* What the core makes of a text column of the source. */
struct tow_wish {
    uint32_t size;
    uint32_t flags;             /* TOW_WISH_... */
    int64_t column;             /* of the source's schema */
    const char *type;           /* as job files say it: "int64", "decimal(10,2)"; the column's own
                                   where its text is wanted */
    const char *format;         /* of times, as job files say it; NULL: RFC 3339 */
    struct tow_strings null_if; /* texts that are null */
};

struct tow_source_ops {
    uint32_t size;
    uint32_t flags; /* TOW_SOURCE_... */

    /* Optional. Looks at the options together, and at local files; never at the network. Called on
     * an instance that is not open, by `towpath check` and before every run. */
    int32_t (*check)(void *self, const struct tow_host *host, struct tow_error *err);

    /* Gets ready to read from `from`. A failed open is followed by close. */
    int32_t (*open)(void *self, const struct tow_host *host, const struct tow_position *from,
                    struct tow_error *err);

    /* The columns of every batch. The same for every call on an open instance. TOW_END where they
     * can only be known by consuming input (standard input) and host->load_id is "". */
    int32_t (*schema)(void *self, struct ArrowSchema *out, struct tow_error *err);

    /*
     * Fills out with the next rows: TOW_OK, also with no rows (a position alone may move);
     * TOW_END at the end, with no rows, and out->position set to where the *next* run of the job
     * starts (length 0: from the start; a source that follows new data returns its position).
     * After TOW_E_TRANSIENT and TOW_E_RATE the core calls again, out as new: nothing that was not
     * handed out may be lost. After TOW_END it does not.
     * A source that waits for new data returns a batch without rows once a second or so: between
     * calls the core takes checkpoints and ends loads.
     */
    int32_t (*read)(void *self, struct tow_batch *out, struct tow_error *err);

    /* Optional. Frees what open and read made. */
    void (*close)(void *self);

    /*
     * Optional, since 1.1. Makes what the source reads from, where it is not there; what is there
     * and does not fit is left alone: TOW_E_CONFIG names all that is missing or different. Called
     * again it finds its work done, also after it failed midway. May use the network. `out`
     * receives the columns that batches will have; it may be left alone where only open can tell.
     */
    int32_t (*setup)(void *self, const struct tow_host *host, const struct tow_setup *setup,
                     struct ArrowSchema *out, struct tow_error *err);

    /*
     * Optional, both, since 1.2. What the source can say of itself for options of the sink and the
     * results: "{audience_slug}" in a text option there, or in its default, stands for the word of
     * that name. `names` lists them, '|' between ("aid|audience_slug"): letters, digits and '_', no
     * digit first, 32 bytes and 16 words at most. name is called for words that are used, on an
     * instance whose open and schema went well, before the sink's open, and hands the word to put:
     * 1 to 255 bytes of UTF-8 without control characters and { } " ' ` / \. May use the network;
     * after TOW_E_TRANSIENT and TOW_E_RATE it is called again. TOW_E_UNSUPPORTED: with these
     * options there is no such word. Words of a load are asked for once.
     */
    const char *names;
    int32_t (*name)(void *self, const char *name, tow_text_put *put, void *context,
                    struct tow_error *err);

    /*
     * Optional, since 1.2. Called at most once, after schema and before the first read, by a core
     * that knows what becomes of the source's columns: those that are not wished for go nowhere.
     * From then on the source may hand out TOW_BATCH_TYPED batches. It fills `out` with their
     * schema: for each wish, in that order, a column named as in schema, of the type wished for or
     * of its own, and nullable where the source's is; nothing is wished of a column that stays of
     * its own type. It leaves `out` alone where it has nothing to offer.
     * Values are those that the core's own conversion gives (towpath/value.h); a batch with a text
     * that does not convert is handed out as text, so that the core rejects the row, by its rules.
     * Wishes are good for the call.
     */
    int32_t (*types)(void *self, const struct tow_wish *wishes, uint64_t count,
                     struct ArrowSchema *out, struct tow_error *err);
};

/* open and schema need no network and no credentials, so `check` and `plan` may call them. So is
 * read, and `plan` shows some rows, ... */
#define TOW_SOURCE_OFFLINE 1u
/* ... unless this is set, since 1.2: read needs the network. */
#define TOW_SOURCE_REMOTE 2u

/* ---- sinks ---------------------------------------------------------------------------------- */

/* Rows on their way out: borrowed for the call (see TOW_SINK_DEFERS). */
struct tow_rows {
    uint32_t size;
    uint32_t attempt; /* 1 for the first try; then only the rows left pending come again, in an
                         array of their own */
    uint64_t seq;     /* number of the batch in this load: the same when it is sent again, also by
                         the run that goes on with the load, with the same rows where the source
                         closes its batches alike; rises from batch to batch, with gaps */
    const struct ArrowArray *array; /* struct array that fits the schema given to begin; never
                                       without rows */
};

/* A column that a sink takes. */
struct tow_sink_column {
    uint32_t size;
    uint32_t is_required; /* 1: begin refuses a schema without it */
    const char *name;
    const char *type;  /* that it is best of, as job files say it: "string", "timestamp" */
    const char *shape; /* of json: what it holds, as SQL says it: "array<struct<a: string>>"; ""
                          where that is all the same, and for other types */
    const char *place; /* where its values go, in words of the far end; "" where that is plain */
};

/* Anything but TOW_OK ends the visits. */
typedef int32_t tow_column_visit(void *context, const struct tow_sink_column *column);

struct tow_sink_ops {
    uint32_t size;
    uint32_t flags; /* TOW_SINK_... */

    /* Optional: as tow_source_ops.check. */
    int32_t (*check)(void *self, const struct tow_host *host, struct tow_error *err);

    /*
     * Gets ready. `token` holds what this instance's last flush stored in a run that did not
     * finish (length 0: a new load): the sink goes on from there and undoes what came after it.
     * Where a job has many routes, an instance may also be closed after a flush and another one be
     * opened with its token in the same run. Instances of a sink are opened one after the other,
     * those of a route as well.
     * A failed open is followed by close.
     */
    int32_t (*open)(void *self, const struct tow_host *host, const struct tow_position *token,
                    struct tow_error *err);

    /* Takes or refuses the columns; called once, after open. With TOW_SINK_OFFLINE_BEGIN also on an
     * instance that is not open, by `check`: then it must only look, and close follows. `host`
     * tells them apart: NULL in that case. */
    int32_t (*begin)(void *self, const struct tow_host *host, const struct ArrowSchema *schema,
                     struct tow_error *err);

    /*
     * Takes rows. On TOW_OK, rows that were not settled count as accepted. On TOW_E_DATA, they are
     * rejected with the error's message and code "refused". On any other class they stay pending
     * and the sink forgets them: after TOW_E_TRANSIENT and TOW_E_RATE they come again, at once or
     * in the next run; other classes end the run.
     */
    int32_t (*write)(void *self, const struct tow_rows *rows, struct tow_error *err);

    /* TOW_OK promises that all rows accepted so far are durable at the far end. `token`, empty at
     * each call, may be filled; it is saved together with the source's position. After an error,
     * which leaves the last token in force, the core may call again: accepted rows are kept until
     * then. */
    int32_t (*flush)(void *self, struct tow_position *token, struct tow_error *err);

    /* Optional. The input is complete and the last flush is saved: publish what readers shall see
     * (rename, swap). May come again, after open with that token, when a run died in between: the
     * second time must find the work done. */
    int32_t (*finish)(void *self, struct tow_error *err);

    /* Optional. Frees what the instance holds. Publishes nothing. */
    void (*close)(void *self);

    /* Since 1.1. Milliseconds between checkpoints for jobs that do not set pipeline.checkpoint,
     * where a flush is dear (it ends a file, say); 0, or less than the core's own 5 s: no wish. */
    int64_t checkpoint_ms;

    /* Since 1.1. Instances at once for jobs that do not set pipeline.workers, where the far end is
     * slow to answer and takes several requests at a time (TOW_SINK_PARALLEL); 0: no wish. */
    int64_t workers;

    /* Optional, since 1.1, for sinks whose columns have given names. Visits each of them, as the
     * options stand, and returns what the last visit returned. Called on an instance that is not
     * open and may lack required options, but no choice that the columns depend on. */
    int32_t (*columns)(void *self, tow_column_visit *visit, void *context, struct tow_error *err);

    /* Optional, since 1.1. Makes what rows go to, for the columns that begin will be given: as
     * tow_source_ops.setup. setup->columns is never NULL. */
    int32_t (*setup)(void *self, const struct tow_host *host, const struct tow_setup *setup,
                     struct tow_error *err);

    /* Since 1.1. What may be under way for jobs that do not set pipeline.queue_batches and
     * pipeline.queue_bytes, where rows are settled late (TOW_SINK_DEFERS) and few batches would
     * leave the far end waiting; 0, or less than the core's own: no wish. */
    int64_t queue_batches, queue_bytes;

    /* Optional, all, since 1.1, for `towpath NAME WORD`: a text about the far end that its other
     * clients want (`towpath zerobus proto`: the table as a .proto file). describe hands it to put,
     * piece by piece, and returns what put returned where that is not TOW_OK. Called on an instance
     * that is not open and may lack required options; nothing is called behind it. May use the
     * network. */
    const char *describe_word;
    const char *describe_summary; /* one line, no full stop needed */
    int32_t (*describe)(void *self, const struct tow_host *host, tow_text_put *put, void *context,
                        struct tow_error *err);

    /* Optional, since 1.2. The words in braces that the sink fills into its options by itself
     * ("load|part"; "" for none). Any other that the source does not offer is then refused, as a
     * typing error; NULL: only what looks like one of the source's is. */
    const char *words;
};

#define TOW_SINK_PARALLEL      1u /* several instances may take batches of one run at once */
#define TOW_SINK_OFFLINE_BEGIN 2u /* begin may be called by check, see there */
/* write returns before its rows are settled and settles them from later calls; the rows stay
 * borrowed until then. flush returning TOW_OK accepts what is left. Where it fails, write brings
 * the rows that are not settled again, batch by batch, before the next flush: the sink lets go of
 * the old ones. */
#define TOW_SINK_DEFERS 4u
/* A settled row is final at the far end: the checkpoint follows each batch without waiting for
 * flush, with the token of the last one. (A job with results waits: those are flushed, too.) Rows
 * that are settled beyond the checkpoint are saved when the call returns that settled them, or by
 * host->keep, and do not come again in a later run. */
#define TOW_SINK_FINAL 8u

/* ---- transforms ----------------------------------------------------------------------------- */

struct tow_transform_ops {
    uint32_t size;
    uint32_t flags; /* 0 in version 1 */

    /* Optional: as tow_source_ops.check. */
    int32_t (*check)(void *self, const struct tow_host *host, struct tow_error *err);

    /* Told the columns that come in, says which go out. Offline. */
    int32_t (*begin)(void *self, const struct tow_host *host, const struct ArrowSchema *in,
                     struct ArrowSchema *out, struct tow_error *err);

    /*
     * Turns a batch, which has rows, into another. Rows that are rejected or filtered are settled
     * through the host (with rows->seq) and left out; the others go out in the same order, so that
     * out->length = in->length - settled: a run in which that is not so ends as one that does not
     * balance. On TOW_E_DATA all rows that are not settled are rejected with the error's message
     * and code "refused"; any other class ends the run, since a transform is not called again.
     */
    int32_t (*apply)(void *self, const struct tow_rows *rows, struct ArrowArray *out,
                     struct tow_error *err);

    /* Optional. Frees what the instance holds. */
    void (*close)(void *self);
};

/* ---- the descriptor ------------------------------------------------------------------------- */

struct tow_plugin {
    uint32_t size;
    uint16_t abi_major, abi_minor;
    const char *name;    /* as job files say it; equals the module's file name */
    const char *version; /* the plugin's own */
    const char *summary; /* one line for `plugins list` */
    uint64_t instance_size;
    const struct tow_option *options;
    const struct tow_source_ops *source; /* at least one of the three */
    const struct tow_sink_ops *sink;
    const struct tow_transform_ops *transform;
};

typedef const struct tow_plugin *tow_plugin_entry(void);

#define TOW_PLUGIN_HEAD sizeof(struct tow_plugin), TOW_ABI_MAJOR, TOW_ABI_MINOR

/*
 * Exports the descriptor. The infix is libltdl's, and tells plugins apart that are part of one
 * program. `module` is the file name without ".so".
 */
#ifdef __cplusplus
#define TOW_PLUGIN_LINKAGE extern "C"
#else
#define TOW_PLUGIN_LINKAGE extern
#endif
#define TOW_PLUGIN(module, descriptor)                           \
    TOW_PLUGIN_LINKAGE __attribute__((visibility("default")))    \
    tow_plugin_entry module##_LTX_tow_plugin_entry;              \
    const struct tow_plugin *module##_LTX_tow_plugin_entry(void) \
    {                                                            \
        return (descriptor);                                     \
    }

/*
 * The whole end of a module with one source, or one sink: its table of calls (after the flags, in
 * the order of the structure; what is left out at the end is zero), its descriptor and its entry.
 */
#ifdef __cplusplus
#define TOW_OPS_HEAD(type, flag_bits) sizeof(type), flag_bits
#else /* named, so that compilers do not warn of members that are left out */
#define TOW_OPS_HEAD(type, flag_bits) .size = sizeof(type), .flags = (flag_bits)
#endif
#define TOW_SOURCE_PLUGIN(module, version, summary, instance, options, flag_bits, ...) \
    static const struct tow_source_ops module##_source_ops = {                         \
        TOW_OPS_HEAD(struct tow_source_ops, flag_bits), __VA_ARGS__};                  \
    static const struct tow_plugin module##_plugin = {                                 \
        TOW_PLUGIN_HEAD,      #module, version, summary, sizeof(instance), options,    \
        &module##_source_ops, NULL,    NULL};                                          \
    TOW_PLUGIN(module, &module##_plugin)
#define TOW_SINK_PLUGIN(module, version, summary, instance, options, flag_bits, ...)    \
    static const struct tow_sink_ops module##_sink_ops = {                              \
        TOW_OPS_HEAD(struct tow_sink_ops, flag_bits), __VA_ARGS__};                     \
    static const struct tow_plugin module##_plugin = {                                  \
        TOW_PLUGIN_HEAD,    #module, version, summary, sizeof(instance), options, NULL, \
        &module##_sink_ops, NULL};                                                      \
    TOW_PLUGIN(module, &module##_plugin)

#ifdef __cplusplus
}
#endif
#endif
