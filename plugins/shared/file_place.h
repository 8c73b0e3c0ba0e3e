/*
 * A place in a file as positions keep it: text, so that a person can read it in the state, with
 * numbers first and the path in a line of its own; and the way back to it.
 */
#ifndef PLUGINS_SHARED_FILE_PLACE_H
#define PLUGINS_SHARED_FILE_PLACE_H

#include "connectors/files/window.h"
#include "towpath/error.h"
#include "towpath/plugin.h"

/* Room for a position's text, with its NUL. */
#define TOW_FILE_PLACE_MAX (TOW_POSITION_MAX + 1)

struct tow_file_place {
    int64_t offset;    /* of the next row, uncompressed */
    uint32_t checksum; /* CRC-32 of the `checked` bytes before offset */
    uint32_t checked;
};

/* Digits, a number up to `most`, and the byte `behind` them: where reading goes on. NULL where
 * there is something else, or p is NULL. */
const char *tow_file_place_number(const char *p, int64_t most, char behind, int64_t *out);
/* The last two numbers, checksum and checked, and the end of the line. */
const char *tow_file_place_check(const char *p, struct tow_file_place *place);

/*
 * The text of a position, in `text`. `parse` reads the numbers into `context`; it returns where the
 * path begins, NULL where the text is none of the plugin's. The path goes to `path`, at most
 * path_max bytes. TOW_E_ENV where it is not a position that the plugin wrote.
 */
int tow_file_place_get(const struct tow_position *position,
                       const char *(*parse)(void *context, const char *text), void *context,
                       char *path, size_t path_max, struct tow_error *err);

/* Goes to a place of a file that was just opened. TOW_E_ENV where the bytes before it are no longer
 * what they were. */
int tow_file_place_go(struct tow_window *window, const struct tow_file_place *place,
                      const char *path, const struct tow_host *host, struct tow_error *err);

#endif
