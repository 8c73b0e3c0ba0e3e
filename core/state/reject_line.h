/*
 * A line of a reject file taken apart.
 */
#ifndef CORE_STATE_REJECT_LINE_H
#define CORE_STATE_REJECT_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/error.h"
#include "towpath/json.h"
#include "towpath/rowtext.h"

/* Texts are borrowed from `texts`, "" where the line lacks them. */
struct tow_reject_line {
    const char *code, *message, *stage, *origin;
    int64_t line;    /* 0: unknown */
    int64_t offset;  /* -1: unknown */
    const char *raw; /* raw_length bytes; NULL where there is a row */
    size_t raw_length;
    struct tow_json_part row; /* as JSON; text NULL where there is only raw text */
    struct tow_buffer texts;
};

/* Zero-initialize it first; it is used again for line after line. TOW_E_ENV where the line is no
 * JSON object. */
int tow_reject_line_parse(struct tow_reject_line *reject, const char *line, size_t length,
                          struct tow_error *err);
void tow_reject_line_release(struct tow_reject_line *reject);

#endif
