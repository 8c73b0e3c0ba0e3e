/*
 * The hidden file that stands beside a final one while it is written: ".<name>.tmp". These work by
 * the final path, on files that nobody has open.
 */
#ifndef CONNECTORS_FILES_HIDDEN_H
#define CONNECTORS_FILES_HIDDEN_H

#include <stdint.h>

#include "towpath/error.h"

#define TOW_HIDDEN_SUFFIX "tmp"

/* Gives the hidden file, which is complete, its final name, durably. Where there is none but a
 * final one, that was done before: TOW_OK. TOW_E_ENV where there is neither. */
int tow_hidden_publish(const char *path, struct tow_error *err);

/* Makes a hidden file with the content of the final one, for the rare load that has more to write
 * after it was published. */
int tow_hidden_restore(const char *path, struct tow_error *err);

/* Removes the hidden file; *removed tells whether there was one. */
int tow_hidden_discard(const char *path, int *removed, struct tow_error *err);

/* Sizes in bytes; -1: there is no such file. */
struct tow_hidden_state {
    int64_t hidden_size;
    int64_t final_size;
};
int tow_hidden_look(const char *path, struct tow_hidden_state *state, struct tow_error *err);

/* For `check`: whether a file of that path can be made: its folder is there and may be written,
 * nothing but a regular file has the name, and the name leaves room to be hidden. */
int tow_hidden_check(const char *path, struct tow_error *err);

#endif
