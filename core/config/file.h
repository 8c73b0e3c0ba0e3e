/*
 * Small files that a job is made of: the job file, its includes, secrets; and where they lie.
 */
#ifndef CORE_CONFIG_FILE_H
#define CORE_CONFIG_FILE_H

#include <sys/stat.h>

#include "config/text.h"
#include "towpath/error.h"

/* Whose fault it is that a path cannot be opened: TOW_E_CONFIG where it leads to nothing, TOW_E_ENV
 * where it does. */
int tow_file_blame(int errnum);

/*
 * Appends the content of a regular file of at most `limit` bytes. info (may be NULL) tells which
 * file it was. TOW_E_CONFIG where it is not there, no regular file or larger, TOW_E_ENV where it
 * cannot be read; the message says why and leaves the name to the caller. Nothing but regular files: reading a pipe could wait for ever.
 */
int tow_file_read(const char *path, size_t limit, struct tow_text *out, struct stat *info,
                  struct tow_error *err);

/*
 * Where a path in a job file leads: absolute paths, "-" and "s3://..." stay, "~/" is the HOME folder,
 * all else starts at `dir`. *out is the caller's to free. TOW_E_CONFIG where the path is empty or too long,
 * or HOME is not set.
 */
int tow_path_resolve(const char *path, const char *dir, char **out, struct tow_error *err);

#endif
