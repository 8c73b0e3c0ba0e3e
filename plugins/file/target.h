/*
 * The options of the file sink, and what they come to: format, compression, and the names of the
 * parts.
 */
#ifndef PLUGINS_FILE_TARGET_H
#define PLUGINS_FILE_TARGET_H

#include <stdint.h>

#include "towpath/error.h"

#define TOW_FILE_PATH_MAX 3072 /* bytes; a token keeps the path */
#define TOW_FILE_PART     "{part}"

/* Indexes into the option table's choices. */
enum { TOW_FILE_FORMAT_AUTO, TOW_FILE_FORMAT_CSV, TOW_FILE_FORMAT_NDJSON };
enum { TOW_FILE_COMPRESSION_AUTO, TOW_FILE_COMPRESSION_NONE, TOW_FILE_COMPRESSION_GZIP };
enum { TOW_FILE_LINE_LF, TOW_FILE_LINE_CRLF };

/* As plugin.h's option types have it. */
struct tow_file_options {
    const char *path;
    int32_t format;
    int32_t compression;
    int64_t level;
    const char *delimiter; /* NULL: by the name */
    const char *null_text; /* NULL: nothing */
    int32_t header;
    int32_t quote_all;
    int32_t line_end;
    int32_t omit_nulls;
    int64_t max_bytes; /* of text in a part; 0: no limit */
    int64_t max_rows;  /* 0: no limit */
    int32_t mkdirs;
};

struct tow_file_target {
    const struct tow_file_options *options; /* borrowed */
    int is_csv;                             /* else ndjson */
    int is_gzip;
    int is_stdout;
    int is_parted;         /* the path holds {part} */
    int is_routed;         /* one of many files that are open; set after init */
    const char *delimiter; /* of CSV */
};

/* TOW_E_CONFIG with the reason where the options do not go together. Looks at no file. */
int tow_file_target_init(struct tow_file_target *target, const struct tow_file_options *options,
                         struct tow_error *err);

/* Path of part `part`, from 1 on, in new memory; the path itself where it has no {part}. */
char *tow_file_target_path(const struct tow_file_target *target, uint64_t part,
                           struct tow_error *err);

#endif
