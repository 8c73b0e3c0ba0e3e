/* The lines of a batch's rows (tow_batch.lines), gathered in a builder of one column. */
#ifndef PLUGINS_SHARED_LINES_H
#define PLUGINS_SHARED_LINES_H

#include "towpath/batch.h"

/* Moves them out of the builder, unless *ready still holds those of a batch that could not be
 * handed over; without any, *ready stays released. */
static inline int tow_lines_take(struct tow_builder *builder, struct ArrowArray *ready,
                                 struct tow_error *err)
{
    struct ArrowArray whole;
    int code;

    if (ready->release || tow_builder_rows(builder) == 0)
        return TOW_OK;
    code = tow_builder_finish(builder, &whole, err);
    if (code != TOW_OK)
        return code;
    *ready = *whole.children[0];
    whole.children[0]->release = NULL;
    whole.release(&whole);
    return TOW_OK;
}

#endif
