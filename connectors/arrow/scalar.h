/* Values that are not nested, as JSON text. */
#ifndef CONNECTORS_ARROW_SCALAR_H
#define CONNECTORS_ARROW_SCALAR_H

#include "connectors/arrow/ipc.h"
#include "towpath/rowtext.h"

/* Appends element i, which is not null, of a column of any type but the nested ones and null, as
 * json.h says. TOW_E_DATA, TOW_E_NOMEM; out is then as it was. */
int tow_ipc_scalar_put(const struct tow_ipc_column *column, int64_t i, struct tow_buffer *out,
                       struct tow_error *err);

#endif
