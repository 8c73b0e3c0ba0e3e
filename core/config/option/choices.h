/*
 * "csv|ndjson": the choices of an option.
 */
#ifndef CORE_CONFIG_OPTION_CHOICES_H
#define CORE_CONFIG_OPTION_CHOICES_H

#include <stddef.h>

#define TOW_CHOICES_MAX     32 /* of one option */
#define TOW_CHOICE_TEXT_MAX 48 /* bytes of one, with its end */

/* The choice that starts at *p, in out; moves *p to the next, or to NULL. 0, or -1 where it is
 * empty or too long. */
int tow_choices_next(const char **p, char out[TOW_CHOICE_TEXT_MAX]);
/* Index of a choice; -1 where it is none of them. */
int tow_choices_find(const char *choices, const char *text);
/* The nearest choice, in out; NULL where none is near. */
const char *tow_choices_nearest(const char *choices, const char *text,
                                char out[TOW_CHOICE_TEXT_MAX]);

#endif
