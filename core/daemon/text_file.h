/* A text as a file without a name, for those who read files. */
#ifndef CORE_DAEMON_TEXT_FILE_H
#define CORE_DAEMON_TEXT_FILE_H

#include <stddef.h>

#include "towpath/error.h"

/* A descriptor from 10 on with close-on-exec, at its start; -1 with err. */
int tow_text_file(const char *text, size_t length, struct tow_error *err);

#endif
