/*
 * What the file sink has made durable, as it stands in the job's state. Text, so that a person can
 * read it: "file1 <part> <length> <rows> <text> <total> <layout> <path>".
 */
#ifndef PLUGINS_FILE_TOKEN_H
#define PLUGINS_FILE_TOKEN_H

#include <stdint.h>

#include "plugins/file/target.h"
#include "towpath/plugin.h"

struct tow_file_token {
    uint64_t part;                    /* the one being written, from 1; those before are complete */
    uint64_t length;                  /* durable bytes of its file */
    uint64_t rows;                    /* in it */
    uint64_t text;                    /* bytes of text in it, before compression */
    uint64_t total;                   /* rows in all parts */
    uint64_t layout;                  /* of options and columns that shape the text, hashed */
    char path[TOW_FILE_PATH_MAX + 1]; /* as the job has it, with {part} */
};

void tow_file_token_write(const struct tow_file_token *token, struct tow_position *position);

/* TOW_E_CONFIG where the bytes are no token of this version. */
int tow_file_token_read(const struct tow_position *position, struct tow_file_token *token,
                        struct tow_error *err);

#endif
