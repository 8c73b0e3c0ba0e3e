#include "plugins/databricks_copy/ordinal.h"

#include <inttypes.h>
#include <stdlib.h>

#include "towpath/batch.h"

#define ORDINAL_ROW_BITS 32

struct tow_copy_ordinal {
    struct ArrowArray joined, column;
    const void *no_buffers[1];
    const void *buffers[2]; /* no validity; the numbers */
    int64_t *numbers;
    int64_t capacity;
    struct ArrowArray *children[];
};

struct tow_copy_ordinal *tow_copy_ordinal_new(int64_t columns, struct tow_error *err)
{
    struct tow_copy_ordinal *ordinal =
        calloc(1, sizeof *ordinal + ((size_t)columns + 1) * sizeof *ordinal->children);

    if (!ordinal) {
        tow_error_nomem(err);
        return NULL;
    }
    ordinal->joined = (struct ArrowArray){
        .n_buffers = 1,
        .buffers = ordinal->no_buffers,
        .n_children = columns + 1,
        .children = ordinal->children,
    };
    ordinal->column = (struct ArrowArray){.n_buffers = 2, .buffers = ordinal->buffers};
    ordinal->children[columns] = &ordinal->column;
    return ordinal;
}

void tow_copy_ordinal_free(struct tow_copy_ordinal *ordinal)
{
    if (!ordinal)
        return;
    free(ordinal->numbers);
    free(ordinal);
}

/* Room behind the numbers, since writers may read on. */
static int ordinal_reserve(struct tow_copy_ordinal *ordinal, int64_t count, struct tow_error *err)
{
    int64_t *numbers;

    if (count <= ordinal->capacity)
        return TOW_OK;
    numbers = malloc((size_t)count * sizeof *numbers + TOW_BUFFER_SLACK);
    if (!numbers)
        return tow_error_nomem(err);
    free(ordinal->numbers);
    ordinal->numbers = numbers;
    ordinal->capacity = count;
    ordinal->buffers[1] = numbers;
    return TOW_OK;
}

int tow_copy_ordinal_join(struct tow_copy_ordinal *ordinal, const struct ArrowArray *array,
                          uint64_t seq, struct tow_error *err)
{
    const int64_t end = array->offset + array->length;
    int code;

    if (seq > INT32_MAX || array->length > UINT32_MAX)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "batch %" PRIu64 " of %" PRId64
                             " rows cannot be numbered for a merge: "
                             "2147483647 batches of 4294967295 rows are the most",
                             seq, array->length);
    code = ordinal_reserve(ordinal, end, err);
    if (code != TOW_OK)
        return code;
    /* The batch's own offset goes for all of its columns. */
    for (int64_t i = array->offset; i < end; i++)
        ordinal->numbers[i] = ((int64_t)seq << ORDINAL_ROW_BITS) + (i - array->offset);
    for (int64_t i = 0; i < ordinal->joined.n_children - 1; i++)
        ordinal->children[i] = array->children[i];
    ordinal->joined.length = array->length;
    ordinal->joined.offset = array->offset;
    ordinal->column.length = end;
    return TOW_OK;
}

const struct ArrowArray *tow_copy_ordinal_array(const struct tow_copy_ordinal *ordinal)
{
    return &ordinal->joined;
}
