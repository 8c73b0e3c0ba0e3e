/* A folder of its own for each test, and children that do what a test program itself cannot. */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <stddef.h>

struct scratch {
    char folder[128];
    char path[160]; /* "FOLDER/state.db" */
};

/* cmocka fixtures: *state is a struct scratch. Teardown removes the folder and all in it. */
int scratch_setup(void **state);
int scratch_teardown(void **state);

/* Writes a file; the test fails where it cannot. */
void scratch_write(const char *path, const void *bytes, size_t length);
/* Reads a whole file; heap, with a NUL behind it. */
char *scratch_read(const char *path, size_t *length);

/*
 * Runs body in a child process, where assertions of cmocka must not be used, and returns its exit
 * code; 128 + signal where one ended it. With `unprivileged`, a child of root becomes nobody and
 * the folder is nobody's.
 */
int scratch_child(const struct scratch *scratch, int (*body)(const struct scratch *scratch),
                  int unprivileged);

#endif
