/*
 * Databricks SQL text in which no value leaves its place (Databricks SQL reference, Identifiers and
 * STRING type): identifiers in backticks, strings with backslash escapes, never by doubling a
 * quote.
 */
#ifndef CONNECTORS_DATABRICKS_SQL_H
#define CONNECTORS_DATABRICKS_SQL_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/rowtext.h"

/* `name`, backticks inside doubled. An empty one, or one that is not UTF-8, is TOW_E_CONFIG. */
int tow_sql_name(struct tow_buffer *out, const char *name, struct tow_error *err);
/* 'text', with backslash escapes for backslash, quote, line ends and tab; other bytes stand as they
 * are, since parsers differ in further escapes. NUL, and what is not UTF-8, is TOW_E_DATA. */
int tow_sql_string(struct tow_buffer *out, const char *text, size_t length, struct tow_error *err);

/* A table's name in one to three parts, of which the last is the table; owned texts. */
struct tow_sql_table {
    char *parts[3];
    size_t count;
};
/* "catalog.schema.table"; a part in backticks may hold dots and doubled backticks. TOW_E_CONFIG
 * for text that is no such name: empty parts, more than three, bytes that Unity Catalog refuses
 * (space, '/', control bytes), more than TOW_SQL_NAME_MAX characters. */
#define TOW_SQL_NAME_MAX 255
int tow_sql_table_parse(struct tow_sql_table *table, const char *text, struct tow_error *err);
/* The same catalog and schema with another table's name: its own with `suffix` behind it. Where
 * that would be too long, the own name is cut and a hash of it put before the suffix. A suffix is
 * at most 100 bytes of ASCII. */
int tow_sql_table_sibling(struct tow_sql_table *out, const struct tow_sql_table *table,
                          const char *suffix, struct tow_error *err);
void tow_sql_table_release(struct tow_sql_table *table);
int tow_sql_table(struct tow_buffer *out, const struct tow_sql_table *table, struct tow_error *err);

#endif
