/* The csv plugin where each allocation fails in turn: it says so, and goes on when called again. */
#include <zlib.h>

#include "bare_host.h"
#include "csv_fixture.h"
#include "nomem.h"
#include "plugins/csv/source.h"
#include "unit.h"

tow_plugin_entry csv_LTX_tow_plugin_entry;

/* ---- a load --------------------------------------------------------------------------------- */

struct load {
    const struct tow_source_ops *ops;
    void *self;
    int64_t rows, bytes, marks;
    int has_failed; /* 1: an allocation */
    int wishes;     /* 1: for one column as an integer; rows are counted as text all the same */
    int64_t typed;
};

static int open_armed(struct load *load, const struct tow_host *host, struct tow_error *err)
{
    static const char *const nulls[] = {"3"};
    const struct tow_wish wish = {
        .size = sizeof wish, .column = 0, .type = "int32", .null_if = {nulls, 1}};
    const struct tow_position start = {.size = sizeof start};
    struct ArrowSchema schema = {.release = NULL};
    int code;

    nomem_pause(0);
    code = load->ops->open(load->self, host, &start, err);
    if (code == TOW_OK)
        code = load->ops->schema(load->self, &schema, err);
    if (schema.release)
        schema.release(&schema);
    schema.release = NULL;
    if (code == TOW_OK && load->wishes)
        code = load->ops->types(load->self, &wish, 1, &schema, err);
    nomem_pause(1);
    if (schema.release)
        schema.release(&schema);
    return code;
}

/* The text of a typed batch, in the place of its array. */
static void take_text(struct load *load, struct tow_batch *batch)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct ArrowArray text = {.release = NULL};
    int code;

    do {
        nomem_pause(0);
        code = batch->as_text(batch->held, &text, &err);
        nomem_pause(1);
    } while (code == TOW_E_NOMEM);
    assert_ok(code, err);
    assert_int_equal(text.length, batch->array.length);
    load->typed += text.length;
    batch->let_go(batch->held);
    batch->array.release(&batch->array);
    batch->array = text;
}

static int read_armed(struct load *load, struct tow_error *err)
{
    struct tow_batch batch = {.size = sizeof batch, .position.size = sizeof batch.position};
    int code;

    nomem_pause(0);
    code = load->ops->read(load->self, &batch, err);
    nomem_pause(1);
    if (code != TOW_OK) {
        assert_null(batch.array.release);
        return code;
    }
    if (batch.flags & TOW_BATCH_TYPED)
        take_text(load, &batch);
    load->rows += batch.array.length;
    load->marks += batch.mark_key != NULL;
    for (int64_t i = 0; i < batch.array.n_children; i++)
        load->bytes += ((const int32_t *)batch.array.children[i]->buffers[1])[batch.array.length];
    batch.array.release(&batch.array);
    if (batch.lines.release)
        batch.lines.release(&batch.lines);
    return TOW_OK;
}

static void write_files(void **state)
{
    static char text[40000];
    size_t length = 0;
    gzFile file;

    csv_write(*state, "1.csv", "a,b\n1,2\n3\n\"4\n5\",\"6\"\n\xFF,8\n");
    csv_write(*state, "2.csv", "b,a\n1,2\n");
    length = (size_t)sprintf(text, "a,b\n");
    for (int i = 0; i < 200; i++)
        length += (size_t)sprintf(text + length, "%d,%*d\n", i, i % 150 + 1, i);
    memset(text + length, 'x', 9000);
    length += 9000;
    file = gzopen(csv_path(*state, "3.gz"), "w");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, text, (unsigned)length), length);
    assert_int_equal(gzclose(file), Z_OK);
}

/* A load in which allocation `at` (-1: none) fails; returns how often a read said so. */
static int run_load(struct load *load, const struct tow_host *host, const char *const *settings,
                    long at)
{
    int wishes = load->wishes;
    struct tow_error err = TOW_ERROR_INIT;
    int code, failures = 0;

    *load = (struct load){.ops = csv_LTX_tow_plugin_entry()->source,
                          .wishes = wishes,
                          .self = fake_instance_new(csv_LTX_tow_plugin_entry(), settings)};
    ((struct tow_csv_source *)load->self)->window_size = 100;
    nomem_pause(1);
    nomem_after(at);
    bare_forget();
    code = open_armed(load, host, &err);
    if (code == TOW_E_NOMEM) {
        load->ops->close(load->self);
        code = open_armed(load, host, &err);
    }
    assert_ok(code, err);
    do {
        code = read_armed(load, &err);
        failures += code == TOW_E_NOMEM;
    } while (code == TOW_OK || code == TOW_E_NOMEM);
    load->has_failed = nomem_stop();
    assert_int_equal(code, TOW_END);
    load->ops->close(load->self);
    fake_instance_free(load->self);
    return failures;
}

static void fail_each_allocation(void **state, int wishes)
{
    const char *const settings[] = {
        "path",    csv_path(*state, ""), "incremental", "file", "invalid_utf8",
        "replace", "max_row_bytes",      "8000",        NULL};
    struct load whole = {.wishes = wishes}, load = {.wishes = wishes};
    struct fake_host fake;
    int failures = 0;

    write_files(state);
    bare_host_init(&fake);
    fake.host.batch_rows = 50;
    run_load(&whole, &fake.host, settings, -1);
    assert_int_equal(whole.rows, 204);
    assert_int_equal(whole.marks, 3);
    assert_int_equal(bare_seen.reject_lines, 3 + 202);
    assert_true(wishes ? whole.typed > 150 && whole.typed < 204 : whole.typed == 0);
    for (long at = 0; at == 0 || load.has_failed; at++) {
        failures += run_load(&load, &fake.host, settings, at);
        assert_int_equal(load.rows, whole.rows);
        assert_int_equal(load.bytes, whole.bytes);
        assert_int_equal(load.marks, whole.marks);
        assert_int_equal(load.typed, whole.typed);
        assert_int_equal(bare_seen.reject_lines, 3 + 202);
    }
    assert_true(failures > 10);
    fake_host_release(&fake);
}

static void test_each_allocation_may_fail_once(void **state)
{
    fail_each_allocation(state, 0);
}

static void test_each_allocation_of_typed_batches_may_fail_once(void **state)
{
    fail_each_allocation(state, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_allocation_may_fail_once, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(test_each_allocation_of_typed_batches_may_fail_once,
                                        scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
