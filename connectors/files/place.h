/*
 * Where a file lies: its folder, held open, and its name in there, so that what is done to the file
 * and to the hidden ones beside it stays in one folder, whatever happens to the folder's own name.
 */
#ifndef CONNECTORS_FILES_PLACE_H
#define CONNECTORS_FILES_PLACE_H

#include <stdint.h>

#include "towpath/error.h"

struct tow_place {
    int folder;        /* descriptor; -1: released */
    char *path;        /* as given */
    char *folder_path; /* "." where path has none */
    const char *name;  /* in path, behind the last '/' */
};

/* Opens the folder of `path`: TOW_E_ENV where it cannot be opened, TOW_E_CONFIG where path names no
 * file ("", "folder/", "."). */
int tow_place_init(struct tow_place *place, const char *path, struct tow_error *err);
void tow_place_release(struct tow_place *place);

/* ".<name>.<suffix>" in new memory; NULL where there is none left. */
char *tow_place_hidden_name(const struct tow_place *place, const char *suffix,
                            struct tow_error *err);

/* What stands under a name in the folder: its size, or -1 where there is nothing. TOW_E_ENV where
 * it is anything but a regular file; links are not followed. mode may be NULL. */
int tow_place_look(const struct tow_place *place, const char *name, int64_t *size, uint32_t *mode,
                   struct tow_error *err);

/* Makes names that were added, renamed and removed in the folder durable. */
int tow_place_sync(const struct tow_place *place, struct tow_error *err);

/* Makes the folder of `path` and those above it that are missing. */
int tow_place_make_folders(const char *path, struct tow_error *err);

/* 1 where the folder of `path` is there. */
int tow_place_has_folder(const char *path);
/* Whether they could be made: TOW_E_ENV with the reason where not. */
int tow_place_check_folders(const char *path, struct tow_error *err);

#endif
