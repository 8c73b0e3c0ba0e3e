/* Arrays made by hand, as another library would hand them over: nothing in here uses the kit. */
#ifndef TESTS_UNIT_FOREIGN_H
#define TESTS_UNIT_FOREIGN_H

#include <string.h>

#include "towpath/arrow.h"

#define FOREIGN_COLUMNS 4

/* A batch in the caller's storage. Buffers are the caller's too; releases are counted. */
struct foreign_batch {
    struct ArrowArray array;
    struct ArrowArray child[FOREIGN_COLUMNS];
    struct ArrowArray *children[FOREIGN_COLUMNS];
    const void *buffers[FOREIGN_COLUMNS][3];
    const void *validity[1];
    int released; /* arrays that were released, parent and children */
};

static inline void foreign_release_child(struct ArrowArray *array)
{
    (*(int *)array->private_data)++;
    array->release = NULL;
}

static inline void foreign_release(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release)
            array->children[i]->release(array->children[i]);
    foreign_release_child(array);
}

static inline void foreign_init(struct foreign_batch *batch, int64_t length)
{
    memset(batch, 0, sizeof *batch);
    for (int i = 0; i < FOREIGN_COLUMNS; i++)
        batch->children[i] = &batch->child[i];
    batch->array.length = length;
    batch->array.n_buffers = 1;
    batch->array.buffers = batch->validity;
    batch->array.children = batch->children;
    batch->array.release = foreign_release;
    batch->array.private_data = &batch->released;
}

/* Adds a column as long as the batch: validity and values; bytes where it has offsets. Nulls are
 * not counted where there is a validity buffer. */
static inline struct ArrowArray *foreign_add(struct foreign_batch *batch, const void *validity,
                                             const void *values, const void *bytes)
{
    int64_t column = batch->array.n_children++;
    struct ArrowArray *child = &batch->child[column];

    batch->buffers[column][0] = validity;
    batch->buffers[column][1] = values;
    batch->buffers[column][2] = bytes;
    child->length = batch->array.length;
    child->null_count = validity ? -1 : 0;
    child->n_buffers = bytes ? 3 : 2;
    child->buffers = batch->buffers[column];
    child->release = foreign_release_child;
    child->private_data = &batch->released;
    return child;
}

#endif
