#include "unit.h"

#include <inttypes.h>

#include "fake_host.h"
#include "plugins/databricks_copy/ledger.h"
#include "plugins/databricks_copy/token.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void put(struct fake_host *fake, const char *key, const char *value)
{
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(fake->host.ledger_put(&fake->host, key, value, (uint32_t)strlen(value), &err), err);
}

static const char *fact(const struct fake_host *fake, const char *key)
{
    static char text[TOW_POSITION_MAX + 1];
    const struct tow_position *value = fake_host_fact(fake, key);

    if (!value)
        return "";
    memcpy(text, value->bytes, value->length);
    text[value->length] = '\0';
    return text;
}

static void test_loads_are_known_by_name(void **state)
{
    const struct tow_copy_load load = {.name = "l1_abc",
                                       .null_text = "~abc",
                                       .mode = 2,
                                       .format = 1,
                                       .keys = UINT64_MAX,
                                       .table = "`a`.`b`",
                                       .stage = "/Volumes/a/b/c"};
    struct tow_copy_names names = {.items = NULL};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_copy_load read;
    struct fake_host fake;

    (void)state;
    fake_host_init(&fake);
    assert_int_equal(tow_copy_load_get(&fake.host, "l1", &read, &err), TOW_END);
    assert_ok(tow_copy_load_put(&fake.host, "l1", &load, &err), err);
    assert_string_equal(fact(&fake, "load/l1"),
                        "copy1\nl1_abc\n~abc\nmerge\nndjson\n18446744073709551615\n`a`.`b`\n"
                        "/Volumes/a/b/c");
    assert_ok(tow_copy_load_get(&fake.host, "l1", &read, &err), err);
    assert_memory_equal(&read.keys, &load.keys, sizeof load.keys);
    assert_string_equal(read.name, load.name);
    assert_string_equal(read.null_text, load.null_text);
    assert_string_equal(read.table, load.table);
    assert_string_equal(read.stage, load.stage);
    assert_int_equal(read.mode, 2);
    assert_int_equal(read.format, 1);
    assert_ok(tow_copy_loads(&fake.host, &names, &err), err);
    assert_int_equal(names.count, 1);
    assert_string_equal(names.items[0], "l1");
    tow_copy_names_release(&names);
    assert_ok(tow_copy_load_remove(&fake.host, "l1", &err), err);
    assert_int_equal(tow_copy_load_get(&fake.host, "l1", &read, &err), TOW_END);
    fake_host_release(&fake);
}

static void test_generations_rise(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;
    uint32_t generation;

    (void)state;
    fake_host_init(&fake);
    for (uint32_t i = 1; i <= 3; i++) {
        assert_ok(tow_copy_generation_next(&fake.host, "l", &generation, &err), err);
        assert_int_equal(generation, i);
    }
    fake.host.worker = 1;
    assert_ok(tow_copy_generation_next(&fake.host, "l", &generation, &err), err);
    assert_int_equal(generation, 1);
    assert_ok(tow_copy_generations_remove(&fake.host, "l", &err), err);
    assert_int_equal(fake.fact_count, 0);
    fake_host_release(&fake);
}

static void test_parts_come_in_their_order(void **state)
{
    static const struct tow_copy_part_record records[] = {
        {{1, 1, 1}, 5, 50}, {{0, 10, 1}, 4, 40}, {{0, 2, 10}, 3, 30}, {{0, 2, 9}, 2, 20}};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_copy_parts parts;
    char name[TOW_COPY_NAME_MAX];
    struct fake_host fake;

    (void)state;
    fake_host_init(&fake);
    for (size_t i = 0; i < COUNT(records); i++)
        assert_ok(tow_copy_part_put(&fake.host, "l", &records[i], &err), err);
    assert_ok(tow_copy_parts_read(&fake.host, "l", -1, &parts, &err), err);
    assert_int_equal(parts.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(parts.items[i].rows, i + 2);
    tow_copy_parts_release(&parts);
    assert_ok(tow_copy_parts_read(&fake.host, "l", 1, &parts, &err), err);
    assert_int_equal(parts.count, 1);
    assert_int_equal(parts.items[0].bytes, 50);
    tow_copy_parts_release(&parts);
    assert_ok(tow_copy_part_remove(&fake.host, "l", &records[0].id, &err), err);
    assert_ok(tow_copy_parts_read(&fake.host, "l", 1, &parts, &err), err);
    assert_int_equal(parts.count, 0);
    tow_copy_parts_release(&parts);
    tow_copy_part_name(&records[2].id, 0, name);
    assert_string_equal(name, "w0-g2-p00010.csv.gz");
    tow_copy_part_name(&records[2].id, 1, name);
    assert_string_equal(name, "w0-g2-p00010.json.gz");
    fake_host_release(&fake);
}

static void test_a_batch_holds_what_fits_into_one_copy(void **state)
{
    struct tow_copy_batch batch = {.number = 1};
    struct tow_copy_part_record part = {{0, 1, 0}, 10, 100};

    (void)state;
    for (part.id.number = 1; part.id.number <= TOW_COPY_FILES_MAX; part.id.number++)
        assert_true(tow_copy_batch_add(&batch, &part));
    assert_false(tow_copy_batch_add(&batch, &part));
    assert_int_equal(batch.count, 1);
    assert_int_equal(tow_copy_batch_files(&batch), TOW_COPY_FILES_MAX);
    assert_int_equal(batch.rows, 10 * TOW_COPY_FILES_MAX);

    batch = (struct tow_copy_batch){.number = 1};
    part.id.number = 1;
    for (part.id.generation = 1; part.id.generation <= TOW_COPY_RANGES_MAX; part.id.generation++)
        assert_true(tow_copy_batch_add(&batch, &part));
    assert_false(tow_copy_batch_add(&batch, &part));
    assert_int_equal(batch.count, TOW_COPY_RANGES_MAX);
}

static void test_the_widest_batch_fits_its_record(void **state)
{
    struct tow_copy_batch batch = {.number = 99999999, .state = TOW_COPY_SUBMITTED};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_copy_batches batches;
    struct fake_host fake;

    (void)state;
    fake_host_init(&fake);
    for (; batch.count < TOW_COPY_RANGES_MAX; batch.count++)
        batch.ranges[batch.count] = (struct tow_copy_range){9999, 99999999, 99999998, 99999999};
    batch.rows = INT64_MAX;
    assert_ok(tow_copy_batch_put(&fake.host, "l", &batch, &err), err);
    assert_ok(tow_copy_batches_read(&fake.host, "l", &batches, &err), err);
    assert_int_equal(batches.count, 1);
    assert_int_equal(batches.items[0].count, TOW_COPY_RANGES_MAX);
    assert_memory_equal(batches.items[0].ranges, batch.ranges, sizeof batch.ranges);
    assert_int_equal(batches.items[0].state, TOW_COPY_SUBMITTED);
    assert_int_equal(batches.items[0].rows, INT64_MAX);
    assert_true(tow_copy_batch_has(&batches.items[0],
                                   &(struct tow_copy_part_id){9999, 99999999, 99999999}));
    assert_false(tow_copy_batch_has(&batches.items[0],
                                    &(struct tow_copy_part_id){9999, 99999999, 99999997}));
    tow_copy_batches_release(&batches);
    fake_host_release(&fake);
}

static void test_progress_is_kept_in_words(void **state)
{
    struct tow_copy_progress progress;
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;

    (void)state;
    fake_host_init(&fake);
    assert_ok(tow_copy_progress_get(&fake.host, "l", &progress, &err), err);
    assert_int_equal(progress.round, 1);
    assert_int_equal(progress.phase, TOW_COPY_LOADING);
    progress = (struct tow_copy_progress){2, TOW_COPY_SWAPPED};
    assert_ok(tow_copy_progress_put(&fake.host, "l", &progress, &err), err);
    assert_string_equal(fact(&fake, "phase/l"), "2 swapped");
    progress = (struct tow_copy_progress){0, 0};
    assert_ok(tow_copy_progress_get(&fake.host, "l", &progress, &err), err);
    assert_int_equal(progress.round, 2);
    assert_int_equal(progress.phase, TOW_COPY_SWAPPED);
    fake_host_release(&fake);
}

static int read_load(const struct tow_host *host, struct tow_error *err)
{
    struct tow_copy_load load;

    return tow_copy_load_get(host, "l", &load, err);
}

static int read_parts(const struct tow_host *host, struct tow_error *err)
{
    struct tow_copy_parts parts;
    int code = tow_copy_parts_read(host, "l", -1, &parts, err);

    tow_copy_parts_release(&parts);
    return code;
}

static int read_batches(const struct tow_host *host, struct tow_error *err)
{
    struct tow_copy_batches batches;
    int code = tow_copy_batches_read(host, "l", &batches, err);

    tow_copy_batches_release(&batches);
    return code;
}

static int read_progress(const struct tow_host *host, struct tow_error *err)
{
    struct tow_copy_progress progress;

    return tow_copy_progress_get(host, "l", &progress, err);
}

static int read_tables(const struct tow_host *host, struct tow_error *err)
{
    struct tow_copy_rounds rounds;
    int code = tow_copy_tables_read(host, "l", &rounds, err);

    tow_copy_rounds_release(&rounds);
    return code;
}

static int read_generation(const struct tow_host *host, struct tow_error *err)
{
    uint32_t generation;

    return tow_copy_generation_next(host, "l", &generation, err);
}

static void test_records_of_another_form_are_refused(void **state)
{
    static const struct {
        const char *key, *value;
        int (*read)(const struct tow_host *host, struct tow_error *err);
    } cases[] = {
        {"load/l", "", read_load},
        {"load/l", "copy2\na\n~\nmerge\ncsv\n1\n`t`\n/s", read_load},
        {"load/l", "copy1\n../a\n~\nmerge\ncsv\n1\n`t`\n/s", read_load},
        {"load/l", "copy1\na\n\nmerge\ncsv\n1\n`t`\n/s", read_load},
        {"load/l", "copy1\na\n~\nmerged\ncsv\n1\n`t`\n/s", read_load},
        {"load/l", "copy1\na\n~\nmerge\ncsv\n-1\n`t`\n/s", read_load},
        {"load/l", "copy1\na\n~\nmerge\ncsv\n1\n`t`", read_load},
        {"load/l", "copy1\na\n~1234567890123456\nmerge\ncsv\n1\n`t`\n/s", read_load},
        {"part/l/0/1/1", "1", read_parts},
        {"part/l/0/1/1", "1 -1", read_parts},
        {"part/l/0/1/1", "9223372036854775807 1", read_parts},
        {"part/l/0/1", "1 1", read_parts},
        {"part/l/0/1/1/1", "1 1", read_parts},
        {"part/l/10000/1/1", "1 1", read_parts},
        {"part/l/0/4294967296/1", "1 1", read_parts},
        {"part/l/x/1/1", "1 1", read_parts},
        {"copy/l/1", "", read_batches},
        {"copy/l/1", "planned 1 0 ", read_batches},
        {"copy/l/1", "planned 1 1 0.1.2-1", read_batches},
        {"copy/l/1", "planned 1 1 0.1.1-1001", read_batches},
        {"copy/l/1", "planned 1 2 0.1.1-1", read_batches},
        {"copy/l/1", "planned 1 1 0.1.1-1 0.1.1-1", read_batches},
        {"copy/l/1", "planned 1 81 0.1.1-1", read_batches},
        {"copy/l/1", "gone 1 1 0.1.1-1", read_batches},
        {"copy/l/x", "planned 1 1 0.1.1-1", read_batches},
        {"phase/l", "1", read_progress},
        {"phase/l", "0 done", read_progress},
        {"phase/l", "1 over", read_progress},
        {"phase/l", "1 done ", read_progress},
        {"table/l/0", "", read_tables},
        {"table/l/x", "", read_tables},
        {"generation/l/0000", "x", read_generation},
        {"generation/l/0000", "99999999", read_generation},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tow_error err = TOW_ERROR_INIT;
        struct fake_host fake;

        fake_host_init(&fake);
        put(&fake, cases[i].key, cases[i].value);
        if (cases[i].read(&fake.host, &err) != TOW_E_ENV)
            fail_msg("%s = \"%s\" is taken", cases[i].key, cases[i].value);
        assert_says(err, cases[i].key);
        assert_says(err, "--full");
        fake_host_release(&fake);
    }
}

static void test_tokens_read_back_and_others_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "copy1",
                                      "copy1 1 2 3",
                                      "copy1 1 2 3 4 5",
                                      "copy2 1 2 3 4",
                                      "copy1 1 2 3 ",
                                      "copy1 1 2 -3 4",
                                      "copy1 4294967295 2 3 4",
                                      "copy1 1 2 3 x",
                                      "file1 1 2 3 4 5 6 /a"};
    const struct tow_copy_token token = {4294967294u, 7, INT64_MAX, UINT64_MAX};
    struct tow_position position = {.size = sizeof position};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_copy_token read;

    (void)state;
    tow_copy_token_write(&token, &position);
    assert_ok(tow_copy_token_read(&position, &read, &err), err);
    assert_int_equal(read.generation, token.generation);
    assert_int_equal(read.parts, 7);
    assert_int_equal(read.rows, INT64_MAX);
    assert_true(read.layout == UINT64_MAX);
    for (size_t i = 0; i < COUNT(bad); i++) {
        position.length = (uint32_t)strlen(bad[i]);
        memcpy(position.bytes, bad[i], position.length);
        assert_int_equal(tow_copy_token_read(&position, &read, &err), TOW_E_CONFIG);
        assert_says(err, "not one of this sink");
    }
    position.length = TOW_POSITION_MAX + 1;
    assert_int_equal(tow_copy_token_read(&position, &read, &err), TOW_E_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loads_are_known_by_name),
        cmocka_unit_test(test_generations_rise),
        cmocka_unit_test(test_parts_come_in_their_order),
        cmocka_unit_test(test_a_batch_holds_what_fits_into_one_copy),
        cmocka_unit_test(test_the_widest_batch_fits_its_record),
        cmocka_unit_test(test_progress_is_kept_in_words),
        cmocka_unit_test(test_records_of_another_form_are_refused),
        cmocka_unit_test(test_tokens_read_back_and_others_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
