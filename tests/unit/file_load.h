/*
 * A load of the sink `file`, driven by hand in a scratch folder, and a look at what lies there.
 * `state` is the test's, a struct scratch. Failures fail the running test.
 */
#ifndef TESTS_UNIT_FILE_LOAD_H
#define TESTS_UNIT_FILE_LOAD_H

#include "fake_host.h"
#include "towpath/batch.h"

struct load {
    struct fake_host fake;
    const struct tow_plugin *plugin;
    void *self;
    char path[256];
    const char *settings[16];  /* pairs; the first is path */
    struct ArrowSchema schema; /* id int64, name string */
    struct tow_position token; /* as the last flush left it */
    struct tow_error err;
    uint64_t seq;
    int is_open;
};

/* settings: up to six pairs that a NULL ends, besides path; may be NULL. The load is started. */
void load_init(struct load *load, void **state, const char *name, const char *const *settings);
void load_release(struct load *load);

/* A new process: options from the job, nothing else. */
void load_start(struct load *load);
/* As a killed process: nothing but files and token remain. */
void load_stop(struct load *load);
/* Stop, start, open. */
void load_restart(struct load *load);

/* The sink's calls; open is followed by begin. Rows are "1,row 1", "2,row 2" ... */
int load_check(struct load *load);
int load_open(struct load *load);
int load_write(struct load *load, int64_t first, int64_t count);
int load_flush(struct load *load);
int load_finish(struct load *load);
/* A new load from end to end: rows 1 to count. */
void load_run(struct load *load, int64_t count);

void file_path(void **state, const char *name, char path[300]);
int file_exists(void **state, const char *name);
/* Heap, with a NUL behind; gzip files are unpacked. */
char *file_content(void **state, const char *name);
void assert_file(void **state, const char *name, const char *text);
/* The file holds a header and these rows, and nothing else. */
void assert_rows(void **state, const char *name, int64_t first, int64_t count);
/* Names in the folder, hidden ones as well. */
int file_count(void **state);

#endif
