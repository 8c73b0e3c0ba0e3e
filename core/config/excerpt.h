/*
 * What a message shows of a value: one short line, whatever the value holds.
 */
#ifndef CORE_CONFIG_EXCERPT_H
#define CORE_CONFIG_EXCERPT_H

#include <stddef.h>

#define TOW_EXCERPT_MAX 68

/*
 * The text, cut after at most 64 bytes with "..." behind; control characters and bytes that are
 * not UTF-8 are shown as '?'. Returns out. Secrets have no place here.
 */
const char *tow_excerpt(const char *text, size_t length, char out[TOW_EXCERPT_MAX]);

#endif
