/*
 * Text in aligned columns: lists with a head line, and blocks of name and value without one.
 */
#ifndef CORE_CONSOLE_TABLE_H
#define CORE_CONSOLE_TABLE_H

#include <stdio.h>

#include "towpath/error.h"

struct tow_table;

struct tow_table_column {
    const char *head; /* NULL in all columns: no head line */
    int right;        /* 1: aligned right, for numbers */
    int width;        /* at least; tables that follow each other line up by it */
};

/* `columns` are borrowed. Never NULL: without memory, adding does nothing and printing says so. */
struct tow_table *tow_table_new(const struct tow_table_column *columns, size_t count);
/* The next cell, in order of rows; control characters in it become spaces. table may be NULL. */
void tow_table_add(struct tow_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Ends the row; cells that are missing are empty. */
void tow_table_end_row(struct tow_table *table);
/* Prints and frees. Each line starts with `indent` spaces. */
int tow_table_print(struct tow_table *table, int indent, FILE *to, struct tow_error *err);

#endif
