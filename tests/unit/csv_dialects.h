/* Dialects of CSV in which texts are made by chance, or by a fuzzer. */
#ifndef TESTS_UNIT_CSV_DIALECTS_H
#define TESTS_UNIT_CSV_DIALECTS_H

#include <stddef.h>

struct csv_dialect {
    const char *delimiter, *quote, *escape, *comment, *null_text;
};

static const struct csv_dialect csv_dialects[] = {
    {",", "\"", "", "", NULL},       {",", "\"", "", "#", "a"},
    {"\t", "\"", "", "", "\\N"},     {";", "'", "", "", NULL},
    {",", "", "", "", NULL},         {"\t", "", "\\", "", "\\N"},
    {",", "\"", "\\", "", NULL},     {"||", "\"", "", "", NULL},
    {"|,|", "\"", "\\", "##", "ab"}, {"\xC2\xA6", "\"", "", "", NULL},
    {",", "\"", "\"", "#,", NULL},   {"||", "", "\\", "", NULL},
    {" ", "\"", "", "", NULL},       {"|", "\"", "", "\\", "b"},
    {",", "5", "", "", "1"},         {",", "-", "", "", NULL},
};

#define CSV_DIALECTS (sizeof csv_dialects / sizeof *csv_dialects)

#endif
