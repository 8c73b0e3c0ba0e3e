/* A state as the files of this folder share it. */
#ifndef CORE_STATE_CONNECTION_H
#define CORE_STATE_CONNECTION_H

#include <pthread.h>
#include <sys/types.h>

#include "state/sql.h"
#include "state/state.h"

#define TOW_STATE_JOB_MAX 64

struct tow_state {
    struct tow_sql sql; /* not open: an empty state to read */
    char *path;         /* absolute */
    int mode;
    dev_t device; /* of the file when it was opened for writing, with inode */
    ino_t inode;
    pthread_mutex_t mutex;    /* guards what stands here */
    struct tow_lock *orphans; /* locks that were given back while their row could not go */
};

/* Take the state for this thread and start a transaction. begin_read is TOW_END, with nothing
 * taken, where the state is empty. After TOW_OK, and only then, comes tow_state_end. */
int tow_state_begin_read(struct tow_state *state, struct tow_error *err);
int tow_state_begin_write(struct tow_state *state, struct tow_error *err);
/* begin_read, and a query to its first row: TOW_END where there is none. After TOW_OK, and only
 * then, comes tow_state_end. */
int tow_state_query(struct tow_state *state, const char *text, const struct tow_sql_value *values,
                    sqlite3_stmt **row, struct tow_error *err);
/* As tow_sql_end, and gives the state back. */
int tow_state_end(struct tow_state *state, int result, struct tow_error *err);

/* Refuses a name that is no job's: empty, over 64 bytes, or not a plain file name. */
int tow_state_check_job(const char *job, struct tow_error *err);

/* Inside a transaction. */
int tow_state_checkpoint_write(struct tow_state *state, const char *job, int64_t run,
                               const struct tow_checkpoint *checkpoint, struct tow_error *err);
/* Refuses a run that is not "running": another one took over and closed it. */
int tow_state_check_running(struct tow_state *state, int64_t id, struct tow_error *err);
/* Batches up to seq are no longer ahead. */
int tow_state_ahead_forget(struct tow_state *state, const char *job, uint64_t seq,
                           struct tow_error *err);
int tow_state_ledger_write(struct tow_state *state, const char *job, const char *ledger,
                           const char *key, struct tow_sql_value value, struct tow_error *err);

#endif
