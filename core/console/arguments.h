/*
 * Options of the command line, by tables: parsing, help and the nearest name of an unknown option
 * all come from them.
 */
#ifndef CORE_CONSOLE_ARGUMENTS_H
#define CORE_CONSOLE_ARGUMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/error.h"

/* The C type at `offset` of the target stands beside each. */
enum tow_argument_kind {
    TOW_ARGUMENT_FLAG,   /* int: 1 where given */
    TOW_ARGUMENT_TEXT,   /* const char *: NULL where absent */
    TOW_ARGUMENT_NUMBER, /* int64_t within min .. max; `fallback` where absent */
    TOW_ARGUMENT_CHOICE, /* int: which of value's parts ("text|json"); `fallback` where absent */
    TOW_ARGUMENT_TEXTS,  /* struct tow_texts: as often as one likes */
    TOW_ARGUMENT_OTHERS  /* struct tow_texts: every long option that no row has, with a value: two
                            items each, the name, up to its end or a '=', and the value; `name` is
                            what help calls them */
};

struct tow_texts {
    const char **items;
    size_t count;
};

/* One option; a row with a NULL name ends the table. Where two commands have an option of the same
 * name or letter, both take a value or none does. */
struct tow_argument {
    const char *name;
    char letter; /* 0: none */
    enum tow_argument_kind kind;
    size_t offset;     /* of the member in the target */
    const char *value; /* what help calls the value: "FILE", "text|json"; NULL for a flag */
    const char *help;
    int64_t min, max, fallback;
};

#define TOW_ARGUMENTS_END                                  \
    {                                                      \
        NULL, 0, TOW_ARGUMENT_FLAG, 0, NULL, NULL, 0, 0, 0 \
    }

/* A table and where its values go. */
struct tow_argument_set {
    const struct tow_argument *rows;
    void *target;
};

/*
 * Finds the words of a command line that are no options, at most `capacity` of them and none
 * behind "--", without keeping any value. An unknown option before the first word is refused:
 * whether it takes a value, and so which word is the command, cannot be known.
 */
int tow_arguments_words(int argc, char **argv, const struct tow_argument_set *sets,
                        size_t set_count, struct tow_texts *words, size_t capacity,
                        struct tow_error *err);

/*
 * Takes all options, in any order among the other arguments; those are left at argv[*first] and
 * behind, in their order. TOW_E_CONFIG for what is unknown (with the nearest name), lacks its
 * value, has one too many, or is out of bounds.
 */
int tow_arguments_parse(int argc, char **argv, const struct tow_argument_set *sets,
                        size_t set_count, int *first, struct tow_error *err);

/* Puts the fallbacks in place. */
void tow_arguments_defaults(const struct tow_argument_set *set);
/* Frees the lists. */
void tow_arguments_release(const struct tow_argument_set *set);

#endif
