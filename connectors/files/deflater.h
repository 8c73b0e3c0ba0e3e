/*
 * One gzip member after the other, over ISA-L where configure found it, else over zlib. Inside of
 * gzip_writer.c.
 */
#ifndef CONNECTORS_FILES_DEFLATER_H
#define CONNECTORS_FILES_DEFLATER_H

#include <stddef.h>

#include "towpath/error.h"

struct tow_deflater;

/* What a step may read and write; the step moves the pointers on. */
struct tow_deflate_step {
    const unsigned char *in;
    size_t in_left;
    unsigned char *out;
    size_t out_left;
    int last; /* 1: no input follows in this member */
    int done; /* set: the member is written to its end */
};

/* Takes all memory that it ever needs. level as in gzip_writer.h. */
struct tow_deflater *tow_deflater_new(int level, struct tow_error *err);
void tow_deflater_free(struct tow_deflater *deflater);

/* Takes input until it or the room for output is used up. TOW_E_BUG is all that can go wrong. */
int tow_deflater_step(struct tow_deflater *deflater, struct tow_deflate_step *step,
                      struct tow_error *err);
/* Gets ready for the next member. */
void tow_deflater_reset(struct tow_deflater *deflater);

#endif
