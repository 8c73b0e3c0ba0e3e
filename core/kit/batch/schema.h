/* What builder and schema have in common; the public part is in towpath/batch.h. */
#ifndef KIT_BATCH_SCHEMA_H
#define KIT_BATCH_SCHEMA_H

#include "towpath/batch.h"

/* Refuses missing, empty and doubled names and types that version 1 lacks: TOW_E_UNSUPPORTED. */
int tow_fields_check(const struct tow_field *fields, size_t count, struct tow_error *err);

#endif
