/*
 * A batch on its way through a run, with the fate of each of its rows.
 *
 * Source rows are the rows as the source handed them out. Transforms leave some of them out; the
 * rest are the outgoing rows, in the same order. A try at the sink may offer fewer still: those
 * whose fate is open. Fates are kept by source row, whichever number a caller knows a row by.
 *
 * One thread at a time works on a record.
 */
#ifndef CORE_RUN_RECORD_H
#define CORE_RUN_RECORD_H

#include "towpath/batch.h"
#include "towpath/rowtext.h"

/* Who refused a row. */
enum record_stage { RECORD_SOURCE, RECORD_TRANSFORM, RECORD_COLUMNS, RECORD_SINK };

/* Why a row was rejected; texts lie in record->note_text. */
struct record_note {
    int64_t row; /* source row; -1 for a row that the source could not read */
    enum record_stage stage;
    size_t code, message;   /* offsets of NUL-terminated text */
    size_t raw, raw_length; /* row -1: its line for the reject store, offset and bytes */
};

struct record {
    uint64_t seq;
    struct tow_share *source; /* NULL where the batch brought no rows */
    int is_typed;             /* the source's array is typed: see tow_source_ops.types */
    void *held;               /* with it: what its text is made from, by the two calls below */
    int32_t (*as_text)(void *held, struct ArrowArray *out, struct tow_error *err);
    void (*let_go)(void *held);
    struct ArrowArray text; /* made by record_text; released until then */
    int64_t source_rows;
    struct ArrowArray lines; /* optional, see tow_batch */
    const char *origin;      /* optional, good until the source closes */

    uint8_t *fate;                        /* of each source row: 0 open, TOW_ROW_ACCEPTED ... */
    int64_t open;                         /* source rows whose fate is open */
    int64_t accepted, rejected, filtered; /* rejected counts unreadable rows too */
    struct record_note *notes;
    size_t note_count, note_capacity;
    struct tow_buffer note_text;

    struct ArrowArray out;      /* outgoing rows; released until the transforms have run, and where
                                   they left none */
    int64_t stage_rows;         /* rows that go into the next stage */
    int64_t *out_rows;          /* source row of each of them; NULL: the same number */
    int64_t *try_rows;          /* outgoing row of each row of this try; NULL: the same number */
    int64_t try_count;          /* rows of this try */
    uint32_t tries;             /* with this one */
    struct ArrowArray try_copy; /* the rows of a later try; released while the first is on */

    struct tow_position position; /* where a later run resumes after this batch */
    char *mark_key, *mark_value;  /* optional ledger entry */
    int64_t read_through;         /* rows read in the run up to and with this batch */
    size_t bytes;                 /* memory that its buffers take, about */
    size_t read_bytes;            /* what the source read for it, about */
    int done;                     /* 1: the sink is through with it */
    int unsaved;                  /* 1: the sink settled rows since ahead_save */
    uint64_t hash;                /* of the source's rows, where is_hashed */
    int is_hashed;
};

/* Takes over array, lines, position, mark and what is held of a batch that the source returned. */
int record_new(struct record **out, uint64_t seq, struct tow_batch *batch, struct tow_error *err);
void record_free(struct record *record);

/* Moves the unreadable rows of `from`, which has nothing else, to the front of a record that has no
 * notes yet. */
void record_adopt_unreadable(struct record *record, struct record *from);

/* A row that the source could not read. `line` is its line for the reject store. */
int record_unreadable(struct record *record, const char *code, const char *message,
                      const struct tow_buffer *line, struct tow_error *err);

/* A row as a transform knows it: a row of the array that went into its stage. */
int record_settle_stage(struct record *record, int64_t row, enum record_stage stage, int outcome,
                        const char *code, const char *message, struct tow_error *err);
/* Rejects all rows of the stage that are open. */
int record_reject_stage(struct record *record, enum record_stage stage, const char *code,
                        const char *message, struct tow_error *err);
/* Ends a stage whose outgoing array has `length` rows: as many as are open, or TOW_E_BUG. */
int record_end_stage(struct record *record, int64_t length, struct tow_error *err);
/* Settles rows of the current try. */
int record_settle_try(struct record *record, int64_t first, int64_t count, int outcome,
                      const char *code, const char *message, struct tow_error *err);
/* Settles all rows of the current try that are still open. */
int record_settle_rest(struct record *record, int outcome, const char *code, const char *message,
                       struct tow_error *err);

/* A source row that the sink settled in an earlier run. One that has a fate by now keeps it. */
int record_settle_before(struct record *record, int64_t row, int outcome, const char *code,
                         const char *message, struct tow_error *err);

/* After the last stage: the rows that are left; moved in. */
void record_outgoing(struct record *record, struct ArrowArray *out);

/* The rows to offer to the sink now: all outgoing rows at first, later a copy of the open ones. The
 * array lives until the next try. */
int record_try(struct record *record, const struct ArrowSchema *schema,
               const struct ArrowArray **rows, struct tow_error *err);

static inline const char *record_code(const struct record *record, const struct record_note *note)
{
    return record->note_text.data + note->code;
}

static inline const char *record_message(const struct record *record,
                                         const struct record_note *note)
{
    return record->note_text.data + note->message;
}

/* The source's rows by the source's schema, as reject lines show them; good until
 * record_drop_text. */
int record_text(struct record *record, const struct ArrowSchema *schema,
                const struct ArrowArray **out, struct tow_error *err);

void record_drop_text(struct record *record);

#endif
