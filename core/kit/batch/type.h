/* Types and the Arrow format strings that stand for them; see towpath/batch.h for the rest. */
#ifndef KIT_BATCH_TYPE_H
#define KIT_BATCH_TYPE_H

#include "towpath/batch.h"

/* Room for the format of any type with its terminator. */
#define TOW_FORMAT_MAX 24

/* Refuses an unknown id, and decimals out of bounds: TOW_E_UNSUPPORTED. */
int tow_type_check(struct tow_type type, struct tow_error *err);

/* The type's Arrow format string; json has that of string. Returns text. */
char *tow_type_format(struct tow_type type, char text[TOW_FORMAT_MAX]);

/* Reads an Arrow format string; TOW_E_UNSUPPORTED with the reason for what version 1 lacks. */
int tow_type_from_format(const char *format, struct tow_type *out, struct tow_error *err);

#endif
