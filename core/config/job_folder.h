/* A folder of job files. */
#ifndef CORE_CONFIG_JOB_FOLDER_H
#define CORE_CONFIG_JOB_FOLDER_H

#include "towpath/error.h"

/*
 * Calls visit for each NAME.cfg of the folder that does not start with ".", in the order of names,
 * until it returns other than TOW_OK, and returns that. `is_job` is 0 where the text sets no `job`,
 * as in a file of connections; it is 1 where the text is too broken to say, so that reading it as a
 * job tells what is wrong. TOW_E_ENV where the folder cannot be read.
 */
int tow_job_folder_each(const char *folder,
                        int (*visit)(void *context, const char *path, int is_job,
                                     struct tow_error *err),
                        void *context, struct tow_error *err);

#endif
