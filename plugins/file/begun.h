/*
 * Loads that write under names of their own ({load} in path). One that was given up, as its run
 * died before its first checkpoint, is never gone on with, and nobody writes over its hidden files;
 * nor does anybody take the lock again of one whose run died behind its end. So each is noted in
 * the ledger before it makes a file, and the next load takes away what is left of it.
 */
#ifndef PLUGINS_FILE_BEGUN_H
#define PLUGINS_FILE_BEGUN_H

#include "towpath/plugin.h"

/* Removes the hidden files of other loads that are noted, and notes the host's: `path` is that of
 * its file, or parts. What cannot be removed is warned of, and noted no longer. */
int tow_file_begun_note(const struct tow_host *host, const char *path, struct tow_error *err);

#endif
