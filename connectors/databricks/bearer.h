/* The value of an Authorization header, from the access token of a login's answer (OAuth 2.0). */
#ifndef CONNECTORS_DATABRICKS_BEARER_H
#define CONNECTORS_DATABRICKS_BEARER_H

#include "towpath/error.h"
#include "towpath/json.h"

#define TOW_BEARER "Bearer "

/* "Bearer " and what the JSON string stands for, as a new text, to be wiped by tow_secret_free.
 * TOW_E_DATA, with nothing in err, where that is empty or not fit for a header. */
int tow_bearer_make(struct tow_json_part string, char **bearer, struct tow_error *err);

#endif
