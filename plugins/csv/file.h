/* One file of the input, from its first byte to where its rows begin. */
#ifndef PLUGINS_CSV_FILE_H
#define PLUGINS_CSV_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/csv/dialect.h"
#include "connectors/files/input.h"
#include "connectors/files/window.h"
#include "plugins/csv/header.h"
#include "towpath/error.h"

struct tow_csv_file_rules {
    const struct tow_csv_dialect *dialect;
    int64_t skip_lines;
    int has_header;
    int ignores_names; /* 1: only the number of columns in a header matters */
    size_t row_bytes;  /* longest header line */
    struct tow_input_options input;
};

/* Zero-initialized is closed and valid. */
struct tow_csv_file {
    const char *path; /* borrowed */
    struct tow_input *input;
    struct tow_csv_header header; /* without names where there is no header line */
    int64_t data_line;            /* line of the first row */
};

/*
 * Opens a file and attaches the window to it, behind the byte order mark, the lines to skip and the
 * header. A file that ends before its header has none, and no rows. A header that cannot be parsed
 * is TOW_E_ENV, doubled or empty names are TOW_E_CONFIG.
 * On failure the file is open or not; close it, or open it again to start anew.
 */
int tow_csv_file_open(struct tow_csv_file *file, const char *path,
                      const struct tow_csv_file_rules *rules, struct tow_window *window,
                      struct tow_error *err);
void tow_csv_file_close(struct tow_csv_file *file);

#endif
