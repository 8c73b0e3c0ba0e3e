/*
 * Chunks of bytes as deflate blocks (RFC 1951), over ISA-L where configure found it, else over
 * zlib. Inside of gzip_writer.c.
 */
#ifndef CONNECTORS_FILES_DEFLATER_H
#define CONNECTORS_FILES_DEFLATER_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/error.h"
#include "towpath/rowtext.h"

struct tow_deflater;

/* level as in gzip_writer.h. */
struct tow_deflater *tow_deflater_new(int level, struct tow_error *err);
void tow_deflater_free(struct tow_deflater *deflater);

/* Appends blocks that need nothing of what came before and end with a byte; none of them is the
 * last one of its stream. TOW_E_NOMEM, or TOW_E_BUG, is all that can go wrong. */
int tow_deflater_chunk(struct tow_deflater *deflater, const void *bytes, size_t length,
                       struct tow_buffer *out, struct tow_error *err);

/* The CRC-32 of gzip, continued; 0 for no bytes. */
uint32_t tow_deflater_crc(uint32_t crc, const void *bytes, size_t length);

#endif
