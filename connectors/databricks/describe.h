/*
 * What DESCRIBE TABLE tells of a table's columns.
 */
#ifndef CONNECTORS_DATABRICKS_DESCRIBE_H
#define CONNECTORS_DATABRICKS_DESCRIBE_H

#include "connectors/databricks/statement.h"

/* A column; texts are its own. */
struct tow_described {
    char *name, *sql_type;
};

struct tow_description {
    struct tow_described *items;
    size_t count, capacity;
};

/* Reads the answer to DESCRIBE TABLE, which is of no use afterwards. `out` starts empty; release it
 * in any case. */
int tow_description_read(struct tow_databricks *databricks, struct tow_statement *statement,
                         struct tow_description *out, struct tow_error *err);
void tow_description_release(struct tow_description *description);

/* 1 where a statement failed since there is no such table. */
int tow_statement_lacks_table(const struct tow_statement *failed);

#endif
