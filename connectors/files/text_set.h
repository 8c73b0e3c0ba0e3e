/*
 * Sets of texts in files, sorted by their bytes, of any size with little memory: made by sorting
 * runs and merging them, compared by reading two of them side by side.
 */
#ifndef CONNECTORS_FILES_TEXT_SET_H
#define CONNECTORS_FILES_TEXT_SET_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/error.h"

#define TOW_TEXT_SET_MAX (1u << 20) /* bytes of one text */

struct tow_text_sorter;

/* `folder`, a descriptor that stays the caller's, is where runs lie while they are needed; they
 * have no names. `memory` is how many bytes of texts are sorted at once; 0: 4 MiB. */
struct tow_text_sorter *tow_text_sorter_new(int folder, size_t memory, struct tow_error *err);
void tow_text_sorter_free(struct tow_text_sorter *sorter);
/* TOW_E_DATA for a text longer than TOW_TEXT_SET_MAX. */
int tow_text_sorter_add(struct tow_text_sorter *sorter, const char *text, size_t length,
                        struct tow_error *err);
/* Writes the set, each text once, to `fd`, from its start. Called once; not made durable here. */
int tow_text_sorter_finish(struct tow_text_sorter *sorter, int fd, struct tow_error *err);

/* A text that is in one of two sets. Anything but TOW_OK ends the visits, and is what they return.
 */
typedef int tow_text_set_visit(void *context, const char *text, size_t length, int is_new,
                               struct tow_error *err);
/* Both are read from their start; -1 is an empty set. */
int tow_text_set_compare(int before, int now, tow_text_set_visit *visit, void *context,
                         struct tow_error *err);

#endif
