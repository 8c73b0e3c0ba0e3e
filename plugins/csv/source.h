/*
 * The source at work: files one after another, each in batches of its own.
 *
 * csv.c has the options and the plugin's functions; plan.c says which files a load reads; source.c
 * reads them; batch.c hands over what was read.
 */
#ifndef PLUGINS_CSV_SOURCE_H
#define PLUGINS_CSV_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/files/listing.h"
#include "connectors/files/window.h"
#include "plugins/csv/columns.h"
#include "plugins/csv/file.h"
#include "plugins/csv/header.h"
#include "plugins/csv/held.h"
#include "plugins/csv/reject.h"
#include "plugins/csv/resume.h"
#include "plugins/csv/rows.h"
#include "plugins/shared/file_ledger.h"
#include "towpath/batch.h"
#include "towpath/plugin.h"

/* Indexes of the option choices. */
#define TOW_CSV_COUNT_STRICT     0
#define TOW_CSV_COUNT_PAD        1
#define TOW_CSV_UTF8_REJECT      0
#define TOW_CSV_UTF8_REPLACE     1
#define TOW_CSV_INCREMENTAL_NONE 0
#define TOW_CSV_INCREMENTAL_FILE 1
#define TOW_CSV_CHANGE_FAIL      0
#define TOW_CSV_CHANGE_SKIP      1
#define TOW_CSV_CHANGE_RELOAD    2

struct tow_csv_options {
    const char *path, *delimiter, *quote, *escape, *comment;
    struct tow_strings columns, null_values;
    int64_t skip_lines, max_row_bytes;
    int32_t header, trim, column_count, invalid_utf8, incremental, on_change;
};

/* The batch being made. */
struct tow_csv_batch {
    struct tow_builder *text;  /* its rows lie in one of the two builders */
    struct tow_builder *typed; /* NULL: nothing is wished for */
    int is_typed;
    struct tow_csv_held *held; /* the text of typed rows; NULL until there are some */
    struct tow_builder *lines;
    uint64_t cost;
    int64_t rejects;         /* rejecter.count when it was begun */
    struct ArrowArray ready; /* its lines, while the rows could not be handed over */
    char *mark_key;          /* of the batch that was handed over; heap */
    char mark_text[TOW_FILE_MARK_MAX];
};

struct tow_csv_source {
    struct tow_csv_options options;
    size_t window_size;          /* 0: usual; tests set others */
    const char *level;           /* of the converters, see tow_texts_converter_init; NULL: by
                                    TOWPATH_CSV_INDEX, else the fastest; tests set others */
    const struct tow_host *host; /* NULL while closed */

    struct tow_csv_dialect dialect;
    struct tow_csv_rules rules;
    struct tow_csv_file_rules file_rules;

    struct tow_listing listing;
    struct tow_csv_resume resume;
    size_t next;         /* file of the listing to read, or being read */
    int is_resuming;     /* 1: the next file is gone on with at resume.offset */
    unsigned char *skip; /* of each file: 1 where this load leaves it out */

    struct tow_window window;
    struct tow_csv_file file; /* open: files[opened] */
    size_t opened;
    int is_reading; /* rows of the open file are being read */
    int64_t rows_done;
    char *mark_key;            /* heap; NULL where nothing is marked */
    struct tow_file_mark mark; /* goes with it */

    int is_settled; /* the columns are known, and all below is made */
    struct tow_csv_header header;
    size_t *fields; /* see tow_csv_columns */
    struct tow_csv_columns columns;
    struct tow_csv_wishes wishes;
    struct tow_csv_columns typed; /* of the wishes; without columns where there are none */
    struct tow_csv_rows rows;
    struct tow_csv_rejecter rejecter;
    struct tow_csv_batch batch;
};

/* ---- plan.c --------------------------------------------------------------------------------- */

/* Checks the options together and fills dialect and rules, save for the number of columns. */
int tow_csv_source_prepare(struct tow_csv_source *source, struct tow_error *err);

/* Lists the files and says which of them this load reads, and where in the first it begins. */
int tow_csv_source_plan(struct tow_csv_source *source, const struct tow_position *from,
                        struct tow_error *err);

/* ---- source.c ------------------------------------------------------------------------------- */

/* Finds out the columns, from the job or the first file that has a header. TOW_END where that would
 * consume a stream and consuming is not allowed (`may_consume` 0). */
int tow_csv_source_settle(struct tow_csv_source *source, int may_consume, struct tow_error *err);

/* Settled, and nothing is read: makes ready for typed batches, or leaves it where there is nothing
 * to gain. */
int tow_csv_source_wish(struct tow_csv_source *source, const struct tow_wish *wishes,
                        uint64_t count, struct tow_error *err);
/* The columns of typed batches; TOW_OK and *out as it was where there are none. */
int tow_csv_source_typed_schema(const struct tow_csv_source *source, struct ArrowSchema *out,
                                struct tow_error *err);

/* Reads until a batch is to be handed over: TOW_OK, with *at_file_end 1 where it is the last of its
 * file. TOW_END once all files are done. */
int tow_csv_source_read(struct tow_csv_source *source, int *at_file_end, struct tow_error *err);

/* The file at hand has been handed over to its end. */
void tow_csv_source_end_file(struct tow_csv_source *source);

/* ---- batch.c -------------------------------------------------------------------------------- */

int tow_csv_batch_init(struct tow_csv_batch *batch, const struct tow_csv_header *header,
                       struct tow_error *err);
void tow_csv_batch_release(struct tow_csv_batch *batch);

/* Appends the table of source->rows and consumes it. On failure the call can be made again. */
int tow_csv_batch_append(struct tow_csv_source *source, struct tow_error *err);

/* 1 where the batch holds what the host asked for. */
int tow_csv_batch_is_full(const struct tow_csv_source *source);
/* 1 where there are neither rows nor rejects in it. */
int tow_csv_batch_is_empty(const struct tow_csv_source *source);
/* Rows, and cost of rows, that still fit. */
size_t tow_csv_batch_rows_left(const struct tow_csv_source *source);
uint64_t tow_csv_batch_cost_left(const struct tow_csv_source *source);

int tow_csv_batch_hand_over(struct tow_csv_source *source, struct tow_batch *out, int at_file_end,
                            struct tow_error *err);

#endif
