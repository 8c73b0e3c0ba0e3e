/* A program that says something on its standard output. */
#ifndef CONNECTORS_ZEROBUS_COMMAND_H
#define CONNECTORS_ZEROBUS_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/rowtext.h"

#define TOW_ZEROBUS_COMMAND_OUTPUT_MAX 65536

/*
 * Runs a program, found by PATH, without a shell, and appends its output. It is killed after
 * timeout_ms, and when cancel_fd becomes readable. TOW_E_CONFIG where it cannot be started,
 * TOW_E_TRANSIENT where it fails, takes too long or says too much.
 */
int tow_zerobus_run_command(const char *const *arguments, size_t count, int64_t timeout_ms,
                            int cancel_fd, struct tow_buffer *out, struct tow_error *err);

#endif
