/*
 * Fields of profiles as columns: which there are, what they are called in a table, and of which
 * type they are.
 *
 * A name that a table cannot have without column mapping is changed: each of ` ,;{}()=`, tab and
 * line end becomes '_'. Names that differ in case only are one to Databricks: those behind the
 * first get a number (first_name, first_name1). Names that need no change come first.
 */
#ifndef PLUGINS_LYTICS_AUDIENCE_COLUMNS_H
#define PLUGINS_LYTICS_AUDIENCE_COLUMNS_H

#include "connectors/lytics/catalog.h"
#include "towpath/batch.h"

struct tow_member_column {
    char *field, *name;
    enum tow_lytics_kind kind;
};

/* Zero-initialized is empty and valid. */
struct tow_member_columns {
    struct tow_member_column *items;
    size_t count, capacity;
    size_t *by_field; /* indexes, in order of field */
};

void tow_member_columns_release(struct tow_member_columns *columns);
int tow_member_columns_add(struct tow_member_columns *columns, const char *field,
                           enum tow_lytics_kind kind, struct tow_error *err);
/* Leaves those that are listed, in the order of the list; TOW_E_CONFIG names one that is not there.
 */
int tow_member_columns_pick(struct tow_member_columns *columns, const struct tow_strings *fields,
                            struct tow_error *err);
/* Once, after the last one: names them. TOW_E_CONFIG where there is none. */
int tow_member_columns_end(struct tow_member_columns *columns, struct tow_error *err);

/* Index of a field's column, by the bytes of its name; -1 where there is none. */
int64_t tow_member_columns_find(const struct tow_member_columns *columns, const char *field,
                                size_t length);

/* is_text: every value but json is a string. */
int tow_member_columns_schema(const struct tow_member_columns *columns, int is_text,
                              struct ArrowSchema *out, struct tow_error *err);

#endif
