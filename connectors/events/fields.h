/* Some members of a JSON object, as they stand in its text. */
#ifndef CONNECTORS_EVENTS_FIELDS_H
#define CONNECTORS_EVENTS_FIELDS_H

#include <stddef.h>

#include "towpath/error.h"
#include "towpath/json.h"

/* Puts an object into `scratch` that has only the members with these names, each as it stands in
 * *object, and makes *object that. What is no object stays. */
int tow_fields_keep(struct tow_buffer *scratch, struct tow_json_part *object,
                    const char *const *names, size_t count, struct tow_error *err);

#endif
