#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "kit/batch/bits.h"
#include "towpath/batch.h"

struct tow_share {
    atomic_size_t references;
    struct ArrowArray array;
};

/* A struct array with its children: what slices and tow_struct_make hand out. The children may be
 * moved out; they need nothing of this. */
struct share_struct {
    struct tow_share *share; /* NULL: none */
    const void *buffers[1];
    struct ArrowArray **children;
    struct ArrowArray child[];
};

struct tow_share *tow_share_new(struct ArrowArray *array, struct tow_error *err)
{
    struct tow_share *share = malloc(sizeof *share);

    if (!share) {
        tow_error_nomem(err);
        return NULL;
    }
    atomic_init(&share->references, 1);
    share->array = *array;
    array->release = NULL;
    return share;
}

const struct ArrowArray *tow_share_array(const struct tow_share *share)
{
    return &share->array;
}

struct tow_share *tow_share_ref(struct tow_share *share)
{
    atomic_fetch_add_explicit(&share->references, 1, memory_order_relaxed);
    return share;
}

void tow_share_unref(struct tow_share *share)
{
    if (!share || atomic_fetch_sub_explicit(&share->references, 1, memory_order_acq_rel) > 1)
        return;
    share->array.release(&share->array);
    free(share);
}

static void share_release_column(struct ArrowArray *array)
{
    tow_share_unref(array->private_data);
    array->release = NULL;
}

static void share_release_struct(struct ArrowArray *array)
{
    struct share_struct *made = array->private_data;

    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release)
            array->children[i]->release(array->children[i]);
    tow_share_unref(made->share);
    free(made);
    array->release = NULL;
}

/* Rows [first, first + count) of a child, as numbered in its parent without the parent's offset.
 * The buffers stay those of the share. */
static void share_init_column(struct tow_share *share, const struct ArrowArray *child,
                              int64_t first, int64_t count, struct ArrowArray *out)
{
    *out = *child;
    out->offset += first;
    out->length = count;
    if (!child->buffers[0] || child->null_count == 0)
        out->null_count = 0;
    else if (first != 0 || count != child->length)
        out->null_count = -1;
    out->private_data = tow_share_ref(share);
    out->release = share_release_column;
}

/* Parts of a batch carry the nulls of its columns only, so rows that are null as a whole would turn
 * up as values. */
static int share_check_rows(const struct ArrowArray *array, int64_t first, int64_t count,
                            struct tow_error *err)
{
    if (first < 0 || count < 0 || first > array->length || count > array->length - first)
        return tow_error_set(err, TOW_E_BUG,
                             "rows from %" PRId64 ", %" PRId64 " of them, of a batch of %" PRId64,
                             first, count, array->length);
    if (array->buffers[0] && array->null_count != 0 &&
        tow_bits_count(array->buffers[0], array->offset + first, count) < count)
        return tow_error_set(err, TOW_E_UNSUPPORTED, "the batch has rows that are null as a whole");
    return TOW_OK;
}

int tow_share_column(struct tow_share *share, int64_t column, struct ArrowArray *out,
                     struct tow_error *err)
{
    const struct ArrowArray *array = &share->array;
    int code;

    out->release = NULL;
    if (column < 0 || column >= array->n_children)
        return tow_error_set(err, TOW_E_BUG, "column %" PRId64 " of %" PRId64 " was asked for",
                             column, array->n_children);
    code = share_check_rows(array, 0, array->length, err);
    if (code == TOW_OK)
        share_init_column(share, array->children[column], array->offset, array->length, out);
    return code;
}

/* A struct array with room for children, none of them made; it has no release yet. */
static int share_init_struct(struct ArrowArray *out, int64_t count, int64_t length,
                             struct tow_error *err)
{
    size_t each = sizeof(struct ArrowArray) + sizeof(struct ArrowArray *);
    struct share_struct *made;
    size_t size;

    out->release = NULL;
    if (count < 0 || __builtin_mul_overflow((size_t)count, each, &size) ||
        __builtin_add_overflow(size, sizeof *made, &size))
        return tow_error_set(err, TOW_E_BUG, "a batch of %" PRId64 " columns", count);
    made = calloc(1, size);
    if (!made)
        return tow_error_nomem(err);
    made->children = (struct ArrowArray **)&made->child[count];
    for (int64_t i = 0; i < count; i++)
        made->children[i] = &made->child[i];
    *out = (struct ArrowArray){.length = length,
                               .n_buffers = 1,
                               .n_children = count,
                               .buffers = made->buffers,
                               .children = made->children,
                               .private_data = made};
    return TOW_OK;
}

int tow_share_slice(struct tow_share *share, int64_t first, int64_t count, struct ArrowArray *out,
                    struct tow_error *err)
{
    const struct ArrowArray *array = &share->array;
    struct share_struct *made;
    int code = share_check_rows(array, first, count, err);

    out->release = NULL;
    if (code == TOW_OK)
        code = share_init_struct(out, array->n_children, count, err);
    if (code != TOW_OK)
        return code;
    made = out->private_data;
    made->share = tow_share_ref(share);
    for (int64_t i = 0; i < array->n_children; i++)
        share_init_column(share, array->children[i], array->offset + first, count, &made->child[i]);
    out->release = share_release_struct;
    return TOW_OK;
}

static int share_check_columns(const struct ArrowArray *columns, int64_t count, int64_t length,
                               struct tow_error *err)
{
    for (int64_t i = 0; i < count; i++) {
        if (!columns[i].release)
            return tow_error_set(err, TOW_E_BUG, "column %" PRId64 " is released", i);
        if (columns[i].length != length)
            return tow_error_set(
                err, TOW_E_BUG, "column %" PRId64 ": %" PRId64 " rows where %" PRId64 " are needed",
                i, columns[i].length, length);
    }
    return TOW_OK;
}

int tow_struct_make(struct ArrowArray *out, struct ArrowArray *columns, int64_t count,
                    int64_t length, struct tow_error *err)
{
    struct share_struct *made;
    int code;

    out->release = NULL;
    code = share_check_columns(columns, count, length, err);
    if (code == TOW_OK)
        code = share_init_struct(out, count, length, err);
    if (code != TOW_OK)
        return code;
    made = out->private_data;
    for (int64_t i = 0; i < count; i++) {
        made->child[i] = columns[i];
        columns[i].release = NULL;
    }
    out->release = share_release_struct;
    return TOW_OK;
}
