/*
 * The source at work: files one after another, each in batches of its own.
 *
 * events.c has the options and the plugin's functions; settings.c checks them; files.c says which
 * files there are and which of them are to be read; reading.c reads them; batch.c hands over what
 * was read; start.c passes over what is there where a job starts from now; wait.c waits for more.
 */
#ifndef PLUGINS_EVENTS_SOURCE_H
#define PLUGINS_EVENTS_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/events/event.h"
#include "connectors/events/frames.h"
#include "connectors/events/table.h"
#include "connectors/files/window.h"
#include "plugins/events/files.h"
#include "plugins/events/ledger.h"
#include "plugins/events/position.h"
#include "plugins/events/rows.h"
#include "plugins/events/store.h"
#include "plugins/shared/identity_options.h"
#include "towpath/plugin.h"

/* Indexes of the option choices. */
#define TOW_EVENTS_FORMAT_AUTO   0
#define TOW_EVENTS_FORMAT_NDJSON 1
#define TOW_EVENTS_FORMAT_JSON   2
#define TOW_EVENTS_FORMAT_CSV    3
#define TOW_EVENTS_DATE_EVENT    0
#define TOW_EVENTS_DATE_RECEIVE  1
#define TOW_EVENTS_ID_REJECT     0
#define TOW_EVENTS_ID_HASH       1
#define TOW_EVENTS_UTF8_REJECT   0
#define TOW_EVENTS_UTF8_REPLACE  1
#define TOW_EVENTS_DATA_STRING   0
#define TOW_EVENTS_DATA_JSON     1
#define TOW_EVENTS_CHANGE_FAIL   0
#define TOW_EVENTS_CHANGE_SKIP   1
#define TOW_EVENTS_CHANGE_RELOAD 2

struct tow_events_options {
    const char *path, *stream, *done_marker, *delimiter;
    const char *aws_region, *aws_endpoint, *ca_file, *proxy;
    int64_t connect_timeout_ms, stall_timeout_ms;
    struct tow_identity identity;
    const char *aws_access_key_id, *aws_secret_access_key, *aws_session_token;
    const char *start_date, *end_date, *date_timezone;
    const char *id_field, *event_ts_field, *receive_ts_field;
    struct tow_strings streams, stream_fields;
    int64_t event_limit, max_row_bytes;
    int32_t format, shape, date_field, id_overflow, invalid_utf8, data_type;
    int64_t poll_interval_ms, path_slack_ms;
    int32_t incremental, on_change, tail, follow, start_from_end;
};

/* What of the options is ready to use. */
struct tow_events_rules {
    tow_json_index_more *index;
    struct tow_csv_dialect dialect;
    int64_t from_us, until_us; /* events of [from, until) are wanted */
};

/* The batch being made. */
struct tow_events_batch {
    struct tow_events_rows rows;
    int64_t rejects; /* of the source, when it was begun */
    char *key;       /* of the mark that goes with it, or went with the last one; heap */
    char *value;
};

/* The file being read. */
struct tow_events_reading {
    struct tow_events_file *file; /* NULL: none */
    struct tow_input *input;
    struct tow_frames frames;
    struct tow_event_origin origin;
    char *stream;                        /* of the path; heap */
    struct tow_events_identity identity; /* inode 0: read as a whole */
    int is_at_end;
    int64_t size;                 /* of the file at its end, so far */
    char mark[TOW_FILE_MARK_MAX]; /* of a file that is read as a whole, taken when it was opened */
};

struct tow_events_source {
    struct tow_events_options options;
    size_t window_size;          /* 0: usual; tests set others */
    const struct tow_host *host; /* NULL while closed */

    struct tow_events_rules rules;
    struct tow_events_store store;
    struct tow_events_files files;
    int is_listed;                       /* 1: the files are known */
    struct tow_events_position resume;   /* where this run began */
    struct tow_events_position position; /* behind the last batch */
    int is_starting;                     /* 1: what is there is passed over (start.c) */
    int is_passed;                       /* 1: the mark of what was passed over is ready */
    size_t next;                         /* file to look at */
    int is_wrapping;                     /* 1: those before are looked at after the last one */

    struct tow_window window;
    struct tow_events_reading reading;
    struct tow_event_reader events;
    struct tow_event_table table;
    struct tow_events_batch batch;

    int64_t framed;                     /* records met since open */
    int64_t other_streams, other_dates; /* of them, those that the options leave out: never read */
    int64_t rejected;                   /* and those that were rejected */
    int64_t taken;                      /* events of this load that were handed out */
    int is_pausing;                     /* 1: the host wants the batch now */
    int is_waiting;                     /* 1: the batch at hand only says that the source waits */
    int64_t listed_ms;                  /* when the files were listed, by the monotonic clock */
};

/* ---- settings.c ----------------------------------------------------------------------------- */

/* Checks the options together and fills the rules. */
int tow_events_source_prepare(struct tow_events_source *source, struct tow_error *err);
/* As the connector has them. */
struct tow_event_settings tow_events_event_settings(const struct tow_events_options *options);

/* ---- reading.c ------------------------------------------------------------------------------ */

/* Reads until a batch is to be handed over: TOW_OK. TOW_END once all files are done, or
 * event_limit is reached. */
int tow_events_source_read(struct tow_events_source *source, struct tow_error *err);
/* The batch was handed over: goes on behind it. */
void tow_events_source_handed_over(struct tow_events_source *source);
void tow_events_reading_release(struct tow_events_source *source);
/* Opens a file, up to where its records begin. TOW_END: there is nothing to read in it. */
int tow_events_reading_open(struct tow_events_source *source, struct tow_events_file *file,
                            struct tow_error *err);

/* ---- wait.c --------------------------------------------------------------------------------- */

/* Waits until the files are to be listed again, a second at most; then lists them. TOW_E_CANCELLED.
 */
int tow_events_source_wait(struct tow_events_source *source, struct tow_error *err);

/* ---- start.c -------------------------------------------------------------------------------- */

/* Finds out whether this is the first run of a job that starts from now. */
int tow_events_start_begin(struct tow_events_source *source, struct tow_error *err);
/* Passes over the next file that is there: a batch with its mark, or the last one, which says that
 * all is done. */
int tow_events_start_next(struct tow_events_source *source, struct tow_error *err);

void tow_events_start_handed_over(struct tow_events_source *source);

/* ---- batch.c -------------------------------------------------------------------------------- */

void tow_events_batch_release(struct tow_events_batch *batch);
int tow_events_batch_is_full(const struct tow_events_source *source);
/* 1 where there are neither rows nor rejects in it. */
int tow_events_batch_is_empty(const struct tow_events_source *source);
int tow_events_batch_hand_over(struct tow_events_source *source, struct tow_batch *out,
                               struct tow_error *err);
/* A record that is no event. */
/* The mark that goes with the next batch. Takes key and value, on the heap; NULL: out of memory. */
int tow_events_batch_mark(struct tow_events_source *source, char *key, char *value,
                          struct tow_error *err);
/* That of the open file, which grows: how far it was read. This instance goes by it until the
 * ledger has it. */
int tow_events_batch_mark_progress(struct tow_events_source *source, struct tow_error *err);
void tow_events_reject(struct tow_events_source *source, const struct tow_frame *frame,
                       const char *code, const char *message);

#endif
