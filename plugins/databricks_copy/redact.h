/* Secrets in what the far end says of a statement that held them. */
#ifndef PLUGINS_DATABRICKS_COPY_REDACT_H
#define PLUGINS_DATABRICKS_COPY_REDACT_H

#include "towpath/error.h"

/* Puts *** in the place of the secret wherever the message has it, also where it begins at the
 * message's end and is cut off there. NULL or "": nothing to do. */
void tow_copy_redact(struct tow_error *err, const char *secret);

#endif
