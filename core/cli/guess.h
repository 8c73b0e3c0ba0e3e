/*
 * Types of the columns of a file, guessed from its first rows, for `init --from`.
 */
#ifndef CORE_CLI_GUESS_H
#define CORE_CLI_GUESS_H

#include "plugin/loader.h"
#include "towpath/batch.h"

/* Rows that are looked at. */
#define TOW_GUESS_ROWS 1000

struct tow_guess_column {
    char *name;
    enum tow_type_id type; /* the narrowest that all values fit: TOW_TYPE_STRING where none does */
    int nulls;             /* 1: a null was seen, or there were no rows */
};

struct tow_guess {
    struct tow_guess_column *columns;
    size_t count;
    int64_t rows;                       /* looked at */
    int64_t rejected;                   /* met among them that could not be read */
    const struct tow_option *delimiter; /* the source's option, where the file asks for another */
    const char *delimiter_value;
};

/*
 * Reads the file through the source plugin; `option` is the name of its option that takes the
 * path, which is absolute. Texts with a leading zero or plus are strings, since a number would lose
 * it. Where the file comes to one column and the source has an option `delimiter`, others are
 * tried. Release the guess in every case.
 */
int tow_guess_file(struct tow_guess *guess, const struct tow_plugin *plugin, const char *option,
                   const char *path, struct tow_error *err);
void tow_guess_release(struct tow_guess *guess);

#endif
