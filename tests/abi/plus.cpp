// plus - a source in C++, over the kit: squares of the numbers from 0 on.
#include <cstdint>
#include <towpath/batch.h>

namespace {

struct Plus {
    int64_t rows;  // option
    const tow_host *host;
    tow_builder *builder;
    int64_t next;
};

const tow_option options[] = {
    TOW_OPT_INT("rows", Plus, rows, "1000", 0, INT32_MAX, "how many squares there are"),
    TOW_OPTIONS_END,
};

const tow_field fields[] = {{"n", {TOW_TYPE_INT64, 0, 0}, 1}, {"square", {TOW_TYPE_INT64, 0, 0}, 1}};

int32_t open(void *self, const tow_host *host, const tow_position *from, tow_error *err)
{
    auto *plus = static_cast<Plus *>(self);

    plus->host = host;
    plus->next = tow_position_get_int(from, 0);
    plus->builder = tow_builder_new(fields, 2, err);
    return plus->builder ? TOW_OK : TOW_E_NOMEM;
}

int32_t schema(void *, ArrowSchema *out, tow_error *err)
{
    return tow_schema_make(out, fields, 2, err);
}

int32_t read(void *self, tow_batch *out, tow_error *err)
{
    auto *plus = static_cast<Plus *>(self);
    int64_t next = plus->next;
    int rc = next < plus->rows ? TOW_OK : TOW_END;

    tow_builder_reset(plus->builder);
    for (; !rc && next < plus->rows && !tow_builder_full(plus->builder, plus->host->batch_rows, 0); next++) {
        rc = tow_append_int64(plus->builder, 0, next, err);
        if (!rc)
            rc = tow_append_int64(plus->builder, 1, next * next, err);
        if (!rc)
            rc = tow_builder_end_row(plus->builder, err);
    }
    if (!rc)
        rc = tow_builder_finish(plus->builder, &out->array, err);
    if (rc)
        return rc;
    plus->next = next;
    tow_position_set_int(&out->position, next);
    return TOW_OK;
}

void close(void *self)
{
    tow_builder_free(static_cast<Plus *>(self)->builder);
}

}  // namespace

TOW_SOURCE_PLUGIN(plus, "1.0", "squares", Plus, options, TOW_SOURCE_OFFLINE, nullptr, open, schema, read, close)
