/*
 * Files like ~/.databrickscfg: "[section]", "key = value" or "key: value", comments behind '#' or
 * ';' at the start of a line. Keys are found in any case of letters; a section that comes twice is
 * one, a key that comes twice has its last value. A pair of double quotes around a value is left
 * out. Sections inherit nothing.
 *
 * The file may hold tokens: no message quotes a line of it.
 */
#ifndef CONNECTORS_DATABRICKS_INI_H
#define CONNECTORS_DATABRICKS_INI_H

#include <stddef.h>

#include "towpath/error.h"

#define TOW_INI_MAX ((size_t)1 << 20)

struct tow_ini {
    char *path; /* for messages */
    char *text;
    size_t length;
};

/* Reads a file: TOW_OK, or TOW_END where there is none. One that cannot be read is TOW_E_ENV, one
 * that is no such file, or longer than TOW_INI_MAX, TOW_E_CONFIG. */
int tow_ini_load(struct tow_ini *ini, const char *path, struct tow_error *err);
/* The same for bytes that are at hand; they are copied. */
int tow_ini_parse(struct tow_ini *ini, const char *path, const char *text, size_t length,
                  struct tow_error *err);
/* Wipes it. */
void tow_ini_release(struct tow_ini *ini);

/* *value is new, or NULL where section or key is absent or the value empty. A line of the section
 * that is neither comment nor key and value is TOW_E_CONFIG with its number. */
int tow_ini_get(const struct tow_ini *ini, const char *section, const char *key, char **value,
                struct tow_error *err);
int tow_ini_has(const struct tow_ini *ini, const char *section);
/* The names of the sections, with commas, as many as go into `size` bytes. */
void tow_ini_sections(const struct tow_ini *ini, char *list, size_t size);

#endif
