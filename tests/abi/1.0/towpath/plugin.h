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
 * Life. check, on an instance of its own that is then dropped without close. open, or the begin of
 * a transform, comes first otherwise, and close last, once, also where they failed. After an error
 * that is not retried, only close follows, or for a sink flush and close.
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
#define TOW_ABI_MINOR 0

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
#define TOW_OPTION_PATH     8 /* const char *: made absolute from the job file's folder; "-" stays */
#define TOW_OPTION_STRINGS  9 /* struct tow_strings: an array, or one string */

#define TOW_OPTION_REQUIRED 1u /* absent is an error */
#define TOW_OPTION_SECRET                                                   \
    2u /* printed as ***, wiped on release; a literal value is warned about \
        */

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
    uint32_t flags;       /* TOW_OPTION_REQUIRED, TOW_OPTION_SECRET */
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

    /* Writes one line to the log. No secret in it. */
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
     * this job (files done, uploads made). Values are at most TOW_POSITION_MAX bytes. It is empty
     * where a run starts from nothing (--full), and where a plugin is only asked to look; there
     * put and remove are TOW_E_BUG. In a trial (--limit) they say TOW_OK and change nothing.
     * get: TOW_OK, or TOW_END where there is no such key; the value is cut to what fits.
     * put and remove are durable when they return. each calls visit in order of key for keys that
     * start with prefix, until it returns other than 0, and returns what it returned.
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
};

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
};

/* Set by a source that counts its rows otherwise than by handing them out: the run fails where its
 * count is not the core's. It may be set with some batches only, and with TOW_END. */
#define TOW_BATCH_COUNTED 1u

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
     */
    int32_t (*read)(void *self, struct tow_batch *out, struct tow_error *err);

    /* Optional. Frees what open and read made. */
    void (*close)(void *self);
};

/* open and schema need no network and no credentials, so `check` and `plan` may call them. */
#define TOW_SOURCE_OFFLINE 1u

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

struct tow_sink_ops {
    uint32_t size;
    uint32_t flags; /* TOW_SINK_... */

    /* Optional: as tow_source_ops.check. */
    int32_t (*check)(void *self, const struct tow_host *host, struct tow_error *err);

    /*
     * Gets ready. `token` holds what this instance's last flush stored in a run that did not
     * finish (length 0: a new load): the sink goes on from there and undoes what came after it.
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
};

#define TOW_SINK_PARALLEL      1u /* several instances may take batches of one run at once */
#define TOW_SINK_OFFLINE_BEGIN 2u /* begin may be called by check, see there */
/* write returns before its rows are settled and settles them from later calls; the rows stay
 * borrowed until then. flush returning TOW_OK accepts what is left. Where it fails, write brings
 * the rows that are not settled again, batch by batch, before the next flush: the sink lets go of
 * the old ones. */
#define TOW_SINK_DEFERS 4u
/* A settled row is final at the far end: the checkpoint follows each batch without waiting for
 * flush, with the token of the last one. (A job with results waits: those are flushed, too.) */
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
 * Exports the descriptor. The infix is libltdl's, so that the same object also links statically
 * (-dlpreopen). `module` is the file name without ".so".
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
 * the order of the structure), its descriptor and its entry.
 */
#define TOW_SOURCE_PLUGIN(module, version, summary, instance, options, flags, ...)           \
    static const struct tow_source_ops module##_source_ops = {sizeof(struct tow_source_ops), \
                                                              flags, __VA_ARGS__};           \
    static const struct tow_plugin module##_plugin = {                                       \
        TOW_PLUGIN_HEAD,      #module, version, summary, sizeof(instance), options,          \
        &module##_source_ops, NULL,    NULL};                                                \
    TOW_PLUGIN(module, &module##_plugin)
#define TOW_SINK_PLUGIN(module, version, summary, instance, options, flags, ...)              \
    static const struct tow_sink_ops module##_sink_ops = {sizeof(struct tow_sink_ops), flags, \
                                                          __VA_ARGS__};                       \
    static const struct tow_plugin module##_plugin = {                                        \
        TOW_PLUGIN_HEAD,    #module, version, summary, sizeof(instance), options, NULL,       \
        &module##_sink_ops, NULL};                                                            \
    TOW_PLUGIN(module, &module##_plugin)

#ifdef __cplusplus
}
#endif
#endif
