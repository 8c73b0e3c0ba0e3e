/* Where the values of text, binary, list and map columns lie. */
#ifndef CONNECTORS_ARROW_OFFSETS_H
#define CONNECTORS_ARROW_OFFSETS_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/error.h"

/* `count` + 1 offsets of `width` bytes, 4 or 8: none is negative, none lies before the one in front
 * of it, and the last is at most `end`. */
int tow_ipc_offsets_check(const void *offsets, size_t width, int64_t count, int64_t end,
                          struct tow_error *err);

#endif
