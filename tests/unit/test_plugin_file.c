#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file_load.h"
#include "scratch.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- one file ------------------------------------------------------------------------------- */

static void test_a_file_appears_complete_on_finish(void **state)
{
    struct load load;

    load_init(&load, state, "out.csv", NULL);
    assert_ok(load_open(&load), load.err);
    assert_ok(load_write(&load, 1, 2), load.err);
    assert_ok(load_flush(&load), load.err);
    assert_false(file_exists(state, "out.csv"));
    assert_ok(load_write(&load, 3, 1), load.err);
    assert_ok(load_flush(&load), load.err);
    assert_ok(load_finish(&load), load.err);
    assert_file(state, "out.csv", "id,name\n1,row 1\n2,row 2\n3,row 3\n");
    assert_true(fake_host_logged(&load.fake, TOW_LOG_INFO, "3 rows"));
    load_release(&load);
    assert_int_equal(file_count(state), 1);
}

static int threads_of_this_process(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;

    assert_non_null(tasks);
    while (readdir(tasks))
        count++;
    closedir(tasks);
    return count - 2; /* "." and ".." */
}

/* A sink that is alone with its file has threads that compress; one of many routes has none. */
static void test_helpers_compress_a_file_unless_it_is_one_of_many(void **state)
{
    cpu_set_t processors;

    assert_int_equal(sched_getaffinity(0, sizeof processors, &processors), 0);
    for (uint32_t routed = 0; routed < 2; routed++) {
        const int before = threads_of_this_process();
        struct load load;

        load_init(&load, state, "out.csv.gz", NULL);
        load.fake.host.routed = routed;
        assert_ok(load_open(&load), load.err);
        assert_ok(load_write(&load, 1, 30000), load.err);
        assert_int_equal(threads_of_this_process() > before, !routed && CPU_COUNT(&processors) > 1);
        assert_ok(load_flush(&load), load.err);
        assert_ok(load_finish(&load), load.err);
        load_release(&load);
        assert_rows(state, "out.csv.gz", 1, 30000);
    }
}

static void test_the_name_tells_format_and_compression(void **state)
{
    static const struct {
        const char *name, *text;
        int gzip;
    } cases[] = {
        {"a.csv", "id,name\n1,row 1\n", 0},
        {"a.tsv", "id\tname\n1\trow 1\n", 0},
        {"a.ndjson", "{\"id\":1,\"name\":\"row 1\"}\n", 0},
        {"a.jsonl", "{\"id\":1,\"name\":\"row 1\"}\n", 0},
        {"a.JSON", "{\"id\":1,\"name\":\"row 1\"}\n", 0},
        {"a.csv.gz", "id,name\n1,row 1\n", 1},
        {"a.Tsv.GZ", "id\tname\n1\trow 1\n", 1},
        {"a.jsonl.gz", "{\"id\":1,\"name\":\"row 1\"}\n", 1},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct load load;
        char path[300], *raw;
        size_t length;

        load_init(&load, state, cases[i].name, NULL);
        load_run(&load, 1);
        assert_file(state, cases[i].name, cases[i].text);
        file_path(state, cases[i].name, path);
        raw = scratch_read(path, &length);
        assert_int_equal(memcmp(raw, "\x1f\x8b", 2) == 0, cases[i].gzip);
        free(raw);
        load_release(&load);
    }
}

static void test_options_override_what_the_name_tells(void **state)
{
    static const struct {
        const char *name;
        const char *settings[12];
        const char *text;
    } cases[] = {
        {"data", {"format", "ndjson", "compression", "gzip"}, "{\"id\":1,\"name\":\"row 1\"}\n"},
        {"data.ndjson", {"format", "csv", "header", "false"}, "1,row 1\n"},
        {"data.tsv", {"delimiter", "||"}, "id||name\n1||row 1\n"},
        {"data.csv",
         {"quote_all", "true", "line_end", "crlf", "delimiter", ";"},
         "\"id\";\"name\"\r\n\"1\";\"row 1\"\r\n"},
        {"data.gz", {"format", "csv", "compression", "none"}, "id,name\n1,row 1\n"},
        {"best.csv.gz", {"level", "9"}, "id,name\n1,row 1\n"},
        {"null.csv", {"null_text", "row 1"}, "id,name\n1,\"row 1\"\n"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct load load;

        load_init(&load, state, cases[i].name, cases[i].settings);
        assert_ok(load_check(&load), load.err);
        load_run(&load, 1);
        assert_file(state, cases[i].name, cases[i].text);
        load_release(&load);
    }
}

static void test_check_refuses_options_that_do_not_go_together(void **state)
{
    static const struct {
        const char *name;
        const char *settings[12];
        const char *says;
    } cases[] = {
        {"data", {NULL}, "csv or ndjson"},
        {"data.gz", {NULL}, "csv or ndjson"},
        {".csv", {NULL}, NULL},
        {"a.ndjson", {"delimiter", ";"}, "delimiter is for csv"},
        {"a.ndjson", {"null_text", "x"}, "null_text is for csv"},
        {"a.ndjson", {"quote_all", "true"}, "quote_all is for csv"},
        {"a.ndjson", {"line_end", "crlf"}, "line_end is for csv"},
        {"a.csv", {"omit_nulls", "true"}, "omit_nulls is for ndjson"},
        {"a.csv", {"level", "3"}, "level 3 is for gzip"},
        {"a.csv", {"max_rows", "5"}, "max_rows needs {part}"},
        {"a.csv", {"max_bytes", "5MB"}, "max_bytes needs {part}"},
        {"{part}{part}.csv", {NULL}, "twice"},
        {"{part}/a.csv", {NULL}, "file name only"},
        {"a.csv", {"delimiter", "\""}, "quote"},
        {"a.csv", {"null_text", "a,b"}, "null text"},
        {"missing/a.csv", {NULL}, "missing"},
        {"", {"format", "csv"}, "names a folder"},
        {"missing/a.csv", {"mkdirs", "true"}, NULL},
        {"a-{part}.csv", {NULL}, NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct load load;

        load_init(&load, state, cases[i].name, cases[i].settings);
        if (cases[i].says) {
            assert_int_not_equal(load_check(&load), TOW_OK);
            assert_says(load.err, cases[i].says);
            /* What check refuses, a run does not get far with either. */
            assert_int_not_equal(load_open(&load), TOW_OK);
            assert_says(load.err, cases[i].says);
        } else {
            assert_ok(load_check(&load), load.err);
        }
        load_release(&load);
        assert_int_equal(file_count(state), 0);
    }
}

static void test_check_refuses_a_folder_under_the_name(void **state)
{
    struct load load;

    load_init(&load, state, "out.csv", NULL);
    assert_int_equal(mkdir(load.path, 0700), 0);
    assert_int_equal(load_check(&load), TOW_E_ENV);
    assert_says(load.err, "is a folder");
    load_release(&load);
}

static void test_begin_without_a_host_only_looks(void **state)
{
    struct ArrowSchema none = {.format = "i", .name = ""};
    struct load load;
    const struct tow_sink_ops *ops;

    load_init(&load, state, "out.csv", NULL);
    ops = load.plugin->sink;
    assert_true(ops->flags & TOW_SINK_OFFLINE_BEGIN);
    assert_ok(ops->begin(load.self, NULL, &load.schema, &load.err), load.err);
    assert_int_not_equal(ops->begin(load.self, NULL, &none, &load.err), TOW_OK);
    assert_int_equal(file_count(state), 0);
    load_release(&load);
}

static void test_no_rows_make_an_empty_result(void **state)
{
    static const struct {
        const char *name, *text;
    } cases[] = {{"a.csv", "id,name\n"},
                 {"a.ndjson", ""},
                 {"a.csv.gz", "id,name\n"},
                 {"a.ndjson.gz", ""},
                 {"a-{part}.csv", NULL}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct load load;

        load_init(&load, state, cases[i].name, NULL);
        load_run(&load, 0);
        if (cases[i].text)
            assert_file(state, cases[i].name, cases[i].text);
        load_release(&load);
    }
    assert_file(state, "a-00001.csv", "id,name\n");
}

static void test_a_new_load_replaces_the_earlier_result(void **state)
{
    struct load load;

    for (int64_t rows = 3; rows >= 1; rows--) {
        load_init(&load, state, "out.csv", NULL);
        load_run(&load, rows);
        load_release(&load);
        assert_rows(state, "out.csv", 1, rows);
    }
    /* One that is given up changes nothing, and its leftovers do not show up in the next. */
    load_init(&load, state, "out.csv", NULL);
    assert_ok(load_open(&load), load.err);
    assert_ok(load_write(&load, 1, 1000), load.err);
    assert_ok(load_flush(&load), load.err);
    load_release(&load);
    assert_rows(state, "out.csv", 1, 1);
    load_init(&load, state, "out.csv", NULL);
    load_run(&load, 2);
    load_release(&load);
    assert_rows(state, "out.csv", 1, 2);
    assert_int_equal(file_count(state), 1);
}

static void test_folders_are_made_when_asked(void **state)
{
    static const char *const settings[] = {"mkdirs", "true", NULL};
    struct load load;

    load_init(&load, state, "a/b/out.csv", settings);
    assert_ok(load_check(&load), load.err);
    load_run(&load, 1);
    load_release(&load);
    assert_rows(state, "a/b/out.csv", 1, 1);
}

static void test_large_batches_go_out_in_slices(void **state)
{
    struct load load;

    load_init(&load, state, "out.csv", NULL);
    load_run(&load, 100000);
    load_release(&load);
    assert_rows(state, "out.csv", 1, 100000);
}

static void test_single_null_columns_are_warned_about_once(void **state)
{
    static const struct tow_field field = {"id", {TOW_TYPE_INT64, 0, 0}, 0};
    struct tow_rows rows = {.size = sizeof rows, .attempt = 1};
    struct tow_builder *builder;
    struct ArrowArray array;
    struct load load;

    load_init(&load, state, "out.csv", NULL);
    load.schema.release(&load.schema);
    assert_ok(tow_schema_make(&load.schema, &field, 1, &load.err), load.err);
    assert_ok(load_open(&load), load.err);
    for (int nulls = 0; nulls <= 2; nulls++) {
        builder = tow_builder_new_schema(&load.schema, &load.err);
        assert_ok(tow_append_int64(builder, 0, 7, &load.err), load.err);
        assert_ok(tow_builder_end_row(builder, &load.err), load.err);
        if (nulls)
            assert_ok(tow_builder_end_row(builder, &load.err), load.err);
        assert_ok(tow_builder_finish(builder, &array, &load.err), load.err);
        rows.array = &array;
        assert_ok(load.plugin->sink->write(load.self, &rows, &load.err), load.err);
        array.release(&array);
        tow_builder_free(builder);
        assert_int_equal(fake_host_logged(&load.fake, TOW_LOG_WARN, "null_text"), nulls > 0);
        assert_int_equal(load.fake.line_count, nulls > 0);
    }
    load_release(&load);
}

static void test_a_replay_never_takes_the_place_of_a_result(void **state)
{
    struct load load;

    load_init(&load, state, "out.csv", NULL);
    load_run(&load, 3);
    load_release(&load);
    load_init(&load, state, "out.csv", NULL);
    load.fake.host.replay = 1;
    assert_int_equal(load_open(&load), TOW_E_CONFIG);
    assert_says(load.err, "a replay would replace");
    assert_int_equal(file_count(state), 1);
    load_release(&load);
    load_init(&load, state, "replayed.csv", NULL);
    load.fake.host.replay = 1;
    load_run(&load, 2);
    load_restart(&load); /* with its own token, the file that is there is its own */
    assert_ok(load_finish(&load), load.err);
    load_release(&load);
    assert_rows(state, "replayed.csv", 1, 2);
    assert_rows(state, "out.csv", 1, 3);
}

static void test_each_load_has_a_file_of_its_own_where_the_path_says_so(void **state)
{
    struct load load;

    load_init(&load, state, "out-{load}.csv", NULL);
    load_run(&load, 3);
    load_restart(&load); /* the load is the same, and so is its name */
    assert_ok(load_finish(&load), load.err);
    load_release(&load);
    load_init(&load, state, "out-{load}.csv", NULL);
    load.fake.host.load_id = "load-2";
    load_run(&load, 2);
    load_release(&load);
    assert_int_equal(file_count(state), 2);
    assert_rows(state, "out-load-1.csv", 1, 3);
    assert_rows(state, "out-load-2.csv", 1, 2);
}

static void test_two_loads_of_one_path_exclude_each_other(void **state)
{
    struct load first, second;

    load_init(&first, state, "out.csv", NULL);
    load_init(&second, state, "out.csv", NULL);
    assert_ok(load_open(&first), first.err);
    assert_ok(load_write(&first, 1, 5), first.err);
    assert_int_equal(load_open(&second), TOW_E_ENV);
    assert_says(second.err, "another run");
    load_release(&second);
    assert_ok(load_flush(&first), first.err);
    assert_ok(load_finish(&first), first.err);
    load_release(&first);
    assert_rows(state, "out.csv", 1, 5);
}

/* ---- parts ---------------------------------------------------------------------------------- */

static void test_parts_hold_at_most_so_many_rows(void **state)
{
    static const char *const settings[] = {"max_rows", "40", NULL};
    struct load load;

    load_init(&load, state, "out-{part}.csv", settings);
    assert_ok(load_open(&load), load.err);
    assert_ok(load_write(&load, 1, 30), load.err);
    assert_ok(load_write(&load, 31, 75), load.err);
    assert_ok(load_flush(&load), load.err);
    assert_false(file_exists(state, "out-00001.csv"));
    assert_ok(load_write(&load, 106, 15), load.err);
    assert_ok(load_flush(&load), load.err);
    assert_ok(load_finish(&load), load.err);
    assert_true(fake_host_logged(&load.fake, TOW_LOG_INFO, "120 rows in 3 parts"));
    load_release(&load);
    assert_rows(state, "out-00001.csv", 1, 40);
    assert_rows(state, "out-00002.csv", 41, 40);
    assert_rows(state, "out-00003.csv", 81, 40);
    assert_int_equal(file_count(state), 3);
}

static void test_parts_hold_at_most_so_many_bytes(void **state)
{
    static const char *const settings[] = {"max_bytes", "1000", NULL};
    struct load load;
    char name[32];
    int64_t row = 1, part;

    load_init(&load, state, "out-{part}.csv", settings);
    load_run(&load, 500);
    load_release(&load);
    for (part = 1; row <= 500; part++) {
        char *content;
        int64_t rows = -1;

        snprintf(name, sizeof name, "out-%05" PRId64 ".csv", part);
        content = file_content(state, name);
        assert_true(strlen(content) <= 1000);
        /* Another row would not have fitted. */
        assert_true(strlen(content) > 1000 - 13 || row > 420);
        for (const char *p = content; (p = strchr(p, '\n')); p++)
            rows++;
        free(content);
        assert_rows(state, name, row, rows);
        row += rows;
    }
    assert_int_equal(row, 501);
    assert_int_equal(file_count(state), part - 1);
}

static void test_a_row_that_is_too_long_gets_a_part_of_its_own(void **state)
{
    static const char *const settings[] = {"max_bytes", "10", NULL};
    struct load load;

    load_init(&load, state, "out-{part}.csv", settings);
    load_run(&load, 3);
    load_release(&load);
    for (int64_t row = 1; row <= 3; row++) {
        char name[32];

        snprintf(name, sizeof name, "out-%05" PRId64 ".csv", row);
        assert_rows(state, name, row, 1);
    }
    assert_int_equal(file_count(state), 3);
}

static void test_parts_without_a_limit_are_one(void **state)
{
    struct load load;

    load_init(&load, state, "out-{part}.csv.gz", NULL);
    load_run(&load, 3);
    load_release(&load);
    assert_rows(state, "out-00001.csv.gz", 1, 3);
    assert_int_equal(file_count(state), 1);
}

static void test_parts_of_a_longer_result_are_named_and_left_alone(void **state)
{
    static const char *const settings[] = {"max_rows", "1", NULL};
    struct load load;

    load_init(&load, state, "out-{part}.csv", settings);
    load_run(&load, 5);
    load_release(&load);
    /* A load that is given up leaves hidden parts behind; the next one clears them away. */
    load_init(&load, state, "out-{part}.csv", settings);
    assert_ok(load_open(&load), load.err);
    assert_ok(load_write(&load, 1, 9), load.err);
    load_release(&load);
    load_init(&load, state, "out-{part}.csv", settings);
    load_run(&load, 2);
    assert_true(fake_host_logged(&load.fake, TOW_LOG_WARN, "3 parts"));
    assert_true(fake_host_logged(&load.fake, TOW_LOG_WARN, "out-00003.csv"));
    assert_true(fake_host_logged(&load.fake, TOW_LOG_WARN, "out-00005.csv"));
    load_release(&load);
    assert_rows(state, "out-00005.csv", 5, 1);
    assert_int_equal(file_count(state), 5);
}

/* ---- standard output ------------------------------------------------------------------------ */

static int write_to_stdout(struct load *load)
{
    if (load_open(load) || load_write(load, 1, 2) || load_flush(load) || load->token.length)
        return 1;
    return load_write(load, 3, 1) || load_flush(load) || load_finish(load) ? 2 : 0;
}

static void test_standard_output_gets_rows_at_each_flush(void **state)
{
    static const char *const settings[] = {"format", "csv", NULL};
    struct load load;
    char path[300];
    pid_t child;
    int status;

    load_init(&load, state, "unused", settings);
    strcpy(load.path, "-");
    load_stop(&load);
    load_start(&load);
    assert_ok(load_check(&load), load.err);
    file_path(state, "captured", path);
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(open(path, O_WRONLY | O_CREAT, 0600), STDOUT_FILENO);
        status = write_to_stdout(&load);
        load_release(&load);
        _exit(status);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    load_release(&load);
    assert_rows(state, "captured", 1, 3);
    assert_int_equal(file_count(state), 1);
}

int main(void)
{
#define SCRATCH_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_a_file_appears_complete_on_finish),
        SCRATCH_TEST(test_helpers_compress_a_file_unless_it_is_one_of_many),
        SCRATCH_TEST(test_the_name_tells_format_and_compression),
        SCRATCH_TEST(test_options_override_what_the_name_tells),
        SCRATCH_TEST(test_check_refuses_options_that_do_not_go_together),
        SCRATCH_TEST(test_check_refuses_a_folder_under_the_name),
        SCRATCH_TEST(test_begin_without_a_host_only_looks),
        SCRATCH_TEST(test_no_rows_make_an_empty_result),
        SCRATCH_TEST(test_a_new_load_replaces_the_earlier_result),
        SCRATCH_TEST(test_folders_are_made_when_asked),
        SCRATCH_TEST(test_large_batches_go_out_in_slices),
        SCRATCH_TEST(test_single_null_columns_are_warned_about_once),
        SCRATCH_TEST(test_a_replay_never_takes_the_place_of_a_result),
        SCRATCH_TEST(test_each_load_has_a_file_of_its_own_where_the_path_says_so),
        SCRATCH_TEST(test_two_loads_of_one_path_exclude_each_other),
        SCRATCH_TEST(test_parts_hold_at_most_so_many_rows),
        SCRATCH_TEST(test_parts_hold_at_most_so_many_bytes),
        SCRATCH_TEST(test_a_row_that_is_too_long_gets_a_part_of_its_own),
        SCRATCH_TEST(test_parts_without_a_limit_are_one),
        SCRATCH_TEST(test_parts_of_a_longer_result_are_named_and_left_alone),
        SCRATCH_TEST(test_standard_output_gets_rows_at_each_flush),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
