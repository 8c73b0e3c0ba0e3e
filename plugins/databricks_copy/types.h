/*
 * Values as text, and columns of a table: which SQL types hold every value of a type here, and what
 * makes them out of a staged cell (Databricks SQL reference, cast function).
 */
#ifndef PLUGINS_DATABRICKS_COPY_TYPES_H
#define PLUGINS_DATABRICKS_COPY_TYPES_H

#include "towpath/batch.h"
#include "towpath/rowtext.h"

/*
 * 1 where text of a type may stand in SQL as it is: words, digits, brackets that match, names in
 * backticks, so that it cannot end before it does. Types come from the far end, and from job files.
 */
int tow_copy_type_is_safe(const char *sql_type);

/* 1 where a column of that SQL type holds every value of the type, unchanged. A limit of length
 * (VARCHAR) is left to the table, which refuses what is too long. */
int tow_copy_type_fits(struct tow_type type, const char *sql_type);

/* 1 where rows of a merge can be told apart by such a column. */
int tow_copy_type_is_key(const char *sql_type);

/* Appends the expression that makes a value of a column out of `cell`, the SQL text of a STRING.
 * The types must fit. */
int tow_copy_type_cast(struct tow_buffer *out, struct tow_type type, const char *sql_type,
                       const char *cell, struct tow_error *err);

#endif
