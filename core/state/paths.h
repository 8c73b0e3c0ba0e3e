/* Where state lies, and the folders for it. */
#ifndef CORE_STATE_PATHS_H
#define CORE_STATE_PATHS_H

#include "towpath/error.h"

/* `path`, from the working folder where it is relative. Heap string, NULL without memory. */
char *tow_path_absolute(const char *path);
/* The folder that a file lies in. Heap string, NULL without memory. */
char *tow_path_folder(const char *path);
/* Makes what is missing of a folder's path, 0700, durably. */
int tow_folder_make(const char *folder, struct tow_error *err);
/* Makes new names in a folder durable. */
int tow_folder_sync(const char *folder, struct tow_error *err);

#endif
