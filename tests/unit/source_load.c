#include "source_load.h"

#include <stdlib.h>

#include "plugins/databricks/scan.h"
#include "unit.h"

tow_plugin_entry databricks_LTX_tow_plugin_entry;

static const struct tow_source_ops *ops(void)
{
    return databricks_LTX_tow_plugin_entry()->source;
}

void load_init(struct load *load, const char *const *settings)
{
    *load = (struct load){.err = TOW_ERROR_INIT};
    fake_host_init(&load->fake);
    load->fake.host.batch_rows = 2;
    load->fake.now_us = far.now_us;
    load->scan = fake_instance_new(databricks_LTX_tow_plugin_entry(), settings);
}

int load_open(struct load *load, const struct tow_position *from)
{
    static const struct tow_position start = {.size = sizeof start};
    int code = ops()->open(load->scan, &load->fake.host, from ? from : &start, &load->err);

    if (code == TOW_OK)
        code = ops()->schema(load->scan, &load->schema, &load->err);
    return code;
}

static void load_take(struct load *load, const struct tow_batch *batch)
{
    struct tow_view view;

    assert_ok(tow_array_validate(&batch->array, &load->schema, &load->err), load->err);
    tow_view_init(&view, &load->schema, &batch->array, 0);
    for (int64_t i = 0; i < batch->array.length; i++)
        assert_ok(tow_buffer_printf(&load->rows, &load->err, "%lld ",
                                    (long long)tow_view_int64(&view, i)),
                  load->err);
    load->count += batch->array.length;
    assert_true(load->batches < POSITIONS_MAX);
    load->positions[load->batches] = batch->position;
    load->row_at[load->batches++] = load->count + (int64_t)load->fake.reject_count;
}

int load_read(struct load *load)
{
    struct tow_batch batch = {.size = sizeof batch, .position.size = sizeof batch.position};
    int code = ops()->read(load->scan, &batch, &load->err);

    if (code == TOW_OK)
        load_take(load, &batch);
    if (code == TOW_END) {
        assert_int_equal(batch.flags, TOW_BATCH_COUNTED);
        load->counted = batch.counted;
        load->end = batch.position;
    }
    if (batch.array.release)
        batch.array.release(&batch.array);
    return code;
}

int load_run(struct load *load, const struct tow_position *from)
{
    int code = load_open(load, from);
    int passing = 0;

    if (code != TOW_OK)
        return code;
    while (code == TOW_OK || (code == TOW_E_TRANSIENT && passing++ < 1000))
        code = load_read(load);
    return code;
}

const char *load_rows(struct load *load)
{
    assert_int_equal(tow_buffer_append(&load->rows, "", 1, NULL), TOW_OK);
    load->rows.size--;
    return load->rows.data;
}

void load_release(struct load *load)
{
    ops()->close(load->scan);
    fake_instance_free(load->scan);
    fake_host_release(&load->fake);
    if (load->schema.release)
        load->schema.release(&load->schema);
    tow_buffer_release(&load->rows);
}

void assert_load(const char *const *settings, const struct tow_position *from, const char *ids,
                 struct tow_position *end)
{
    struct load load;
    int code;

    load_init(&load, settings);
    code = load_run(&load, from);
    if (code != TOW_END)
        fail_msg("%s: %s", tow_error_name(code), load.err.message);
    assert_string_equal(load_rows(&load), ids);
    assert_int_equal(load.counted, load.count + (int64_t)load.fake.reject_count);
    if (end)
        *end = load.end;
    load_release(&load);
}

void assert_load_fails(const char *const *settings, const struct tow_position *from, int class,
                       const char *says)
{
    struct load load;

    load_init(&load, settings);
    assert_int_equal(load_run(&load, from), class);
    assert_says(load.err, says);
    load_release(&load);
}

int load_setup(void **state)
{
    (void)state;
    unsetenv("DATABRICKS_CONFIG_PROFILE");
    far_reset();
    return 0;
}

int load_teardown(void **state)
{
    (void)state;
    far_release();
    return 0;
}

void load_fill(void)
{
    static const int seconds[] = {1, 2, 2, 2, 3, 4, 4, 5, 6};

    for (int i = 0; i < 9; i++)
        far_add(8 - i, AT(seconds[8 - i]), i % 2 ? "x" : NULL);
}
