/*
 * A decoder that runs ahead of its reader, in a thread of its own: while one block of plain bytes
 * is taken, the next one is made. Inside of input.c.
 */
#ifndef CONNECTORS_FILES_AHEAD_H
#define CONNECTORS_FILES_AHEAD_H

#include "connectors/files/decoder.h"

/* 1 where that pays: a regular file of some size, and a processor that is
 * free. Other inputs may keep a
 * thread waiting for ever. */
int tow_ahead_is_worth_it(const struct tow_raw *raw);

/* Puts a decoder over `decoder`, which is moved into it unless this fails. From the first decode
 * until it is freed, `raw` is the thread's. TOW_OK, TOW_E_NOMEM, or TOW_E_ENV where no thread can
 * be started. */
int tow_ahead_init(struct tow_decoder *decoder, struct tow_raw *raw, struct tow_error *err);

#endif
