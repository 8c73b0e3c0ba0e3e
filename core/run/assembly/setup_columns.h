/* The columns that a job's source must have for its sink. */
#ifndef CORE_RUN_ASSEMBLY_SETUP_COLUMNS_H
#define CORE_RUN_ASSEMBLY_SETUP_COLUMNS_H

#include "run/assembly/assembly.h"

struct setup_columns {
    struct ArrowSchema schema; /* released where nobody says which columns there must be */
    char **shapes;             /* one for each column; "" where there is none */
    size_t count;
};

/*
 * Asks the sink, and leads the names back through the job's `columns`. Nobody knows where the sink
 * takes whatever there is, or where transforms stand between. Release it in every case.
 */
int setup_columns_find(const struct tow_assembly *assembly, struct setup_columns *out,
                       struct tow_error *err);
/* Those of a schema, without shapes. */
int setup_columns_plain(const struct ArrowSchema *schema, struct setup_columns *out,
                        struct tow_error *err);
void setup_columns_release(struct setup_columns *columns);

#endif
