/* SQL types of Databricks and towpath's own (Databricks SQL reference, Data types). */
#ifndef PLUGINS_SHARED_DATABRICKS_TYPES_H
#define PLUGINS_SHARED_DATABRICKS_TYPES_H

#include "towpath/batch.h"

/*
 * The type that values of a SQL type have here, by its text as manifests and DESCRIBE TABLE say it
 * ("BIGINT", "decimal(10,2)", "STRUCT<a: INT>", "timestamp_ntz"), in any case of letters: nested
 * types and VARIANT are json; intervals, VOID, GEOMETRY and what is not known are string. CHAR and
 * VARCHAR are string.
 */
struct tow_type tow_databricks_type(const char *type_text);

/* The SQL type of a column to create: uint64 is DECIMAL(20,0), smaller unsigned ones the next wider
 * signed, json STRING. */
#define TOW_DATABRICKS_TYPE_MAX 32
char *tow_databricks_type_sql(struct tow_type type, char text[TOW_DATABRICKS_TYPE_MAX]);

#endif
