/* The csv plugin: many files, compressed files, streams, resuming and the ledger. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "csv_fixture.h"
#include "plugins/csv/resume.h"
#include "random.h"
#include "unit.h"

tow_plugin_entry csv_LTX_tow_plugin_entry;

#define SET(...) ((const char *const[]){__VA_ARGS__, NULL})

static void write_gzip(const char *path, const void *bytes, size_t length, const char *mode)
{
    gzFile file = gzopen(path, mode);

    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, (unsigned)length), length);
    assert_int_equal(gzclose(file), Z_OK);
}

/* Modification times that do not depend on how fast the test runs. */
static void set_time(const char *path, time_t seconds)
{
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};

    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void write_at(const struct scratch *scratch, const char *name, const char *text,
                     time_t seconds)
{
    csv_write(scratch, name, text);
    set_time(csv_path(scratch, name), seconds);
}

/* ---- many files ----------------------------------------------------------------------------- */

static void test_files_of_a_folder_are_read_in_order(void **state)
{
    struct fake_host fake;
    struct csv_run run;

    csv_write(*state, "b.csv", "a,b\n3,4\n");
    csv_write(*state, "a.csv", "a,b\n1,2\n");
    csv_write(*state, ".c.csv.tmp", "half a f");
    csv_write(*state, "c.csv", "");
    csv_write(*state, "d.csv", "a,b\n");
    csv_write(*state, "e.csv", "b,a\n6,5");
    fake_host_init(&fake);
    csv_run_whole(&run, &fake, SET("path", csv_path(*state, "")), 0);
    assert_text(&run.rows, "2 [1] [2]\n2 [3] [4]\n2 [5] [6]\n");
    assert_int_equal(run.batches, 3);
    assert_string_equal(run.origin, csv_path(*state, "e.csv"));
    csv_run_release(&run);
    fake_host_release(&fake);
}

static void test_columns_are_mapped_by_name(void **state)
{
    struct fake_host fake;
    struct csv_run run;

    csv_write(*state, "1.csv", "a,b,c\n1,2,3\n");
    csv_write(*state, "2.csv", "c,a,b\n3,1,2\n,,\n");
    csv_write(*state, "3.csv", "b,\"c\",a\n\"2\",\"3\",\"1\"\n");
    fake_host_init(&fake);
    csv_run_whole(&run, &fake, SET("path", csv_path(*state, "*.csv")), 0);
    assert_text(&run.rows, "2 [1] [2] [3]\n2 [1] [2] [3]\n3 null null null\n2 [1] [2] [3]\n");
    csv_run_release(&run);
    fake_host_release(&fake);
}

static void test_a_file_with_other_columns_is_named(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;
    struct csv_run run;

    csv_write(*state, "1.csv", "a,b,c\n1,2,3\n");
    csv_write(*state, "2.csv", "c,x,a,y\n");
    fake_host_init(&fake);
    csv_run_init(&run, &fake, SET("path", csv_path(*state, "")), 0);
    assert_ok(csv_run_open(&run, NULL, &err), err);
    assert_ok(csv_run_read(&run, &err), err);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(csv_run_read(&run, &err), TOW_E_ENV);
        assert_says(err,
                    "2.csv does not have the columns of the first file: it lacks \"b\" and has "
                    "more: \"x\", \"y\"");
    }
    csv_run_release(&run);
    fake_host_release(&fake);
}

static void test_no_files_are_an_empty_load_where_the_columns_are_known(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;
    struct csv_run run;

    fake_host_init(&fake);
    csv_run_whole(&run, &fake, SET("path", csv_path(*state, "*.csv"), "columns", "a,b"), 0);
    assert_int_equal(run.batches, 0);
    csv_run_release(&run);
    csv_run_init(&run, &fake, SET("path", csv_path(*state, "*.csv")), 0);
    assert_int_equal(csv_run_open(&run, NULL, &err), TOW_E_ENV);
    assert_says(err, "*.csv: there is no file with a header");
    csv_run_release(&run);
    fake_host_release(&fake);
}

static void test_batches_hold_to_the_hosts_limits(void **state)
{
    char text[4000] = "a\n";
    struct fake_host fake;
    struct csv_run run;
    size_t length = 2;

    for (int i = 0; i < 100; i++)
        length += (size_t)sprintf(text + length, "%020d\n", i);
    csv_write(*state, "in.csv", text);
    fake_host_init(&fake);
    fake.host.batch_rows = 10;
    csv_run_whole(&run, &fake, SET("path", csv_path(*state, "in.csv")), 0);
    assert_int_equal(run.batches, 10);
    csv_run_release(&run);
    fake.host.batch_rows = 1000;
    fake.host.batch_bytes = 100;
    csv_run_whole(&run, &fake, SET("path", csv_path(*state, "in.csv")), 0);
    assert_int_equal(run.batches, 25);
    csv_run_release(&run);
    fake_host_release(&fake);
}

/* ---- compressed files ----------------------------------------------------------------------- */

static void test_compressed_files_are_read_as_one_text(void **state)
{
    struct fake_host fake;
    struct csv_run run;

    write_gzip(csv_path(*state, "in.csv"), "a,b\n1,", 6, "w");
    write_gzip(csv_path(*state, "in.csv"), "2\n3,4", 5, "a");
    fake_host_init(&fake);
    for (size_t window = 0; window < 20; window++) {
        csv_run_whole(&run, &fake, SET("path", csv_path(*state, "in.csv")), window);
        assert_text(&run.rows, "2 [1] [2]\n3 [3] [4]\n");
        csv_run_release(&run);
    }
    fake_host_release(&fake);
}

static void test_a_cut_gzip_gives_its_whole_rows_and_then_fails_for_good(void **state)
{
    char text[20000] = "a,b\n", *packed;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer expected = {0};
    size_t length = 4, size;
    uint64_t seed = RANDOM_SEED;
    struct fake_host fake;
    struct csv_run run;

    for (int i = 0; i < 500; i++)
        length +=
            (size_t)sprintf(text + length, "%d,%llx\n", i, (unsigned long long)random_next(&seed));
    write_gzip(csv_path(*state, "in.gz"), text, length, "w");
    packed = scratch_read(csv_path(*state, "in.gz"), &size);
    scratch_write(csv_path(*state, "in.gz"), packed, size / 2);
    free(packed);
    fake_host_init(&fake);
    fake.host.batch_rows = 50;
    csv_run_init(&run, &fake, SET("path", csv_path(*state, "in.gz")), 0);
    assert_ok(csv_run_open(&run, NULL, &err), err);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(csv_run_read_all(&run, &err), TOW_E_ENV);
        assert_says(err, "in.gz ends in the middle of a gzip member, at offset ");
    }
    assert_in_range(run.batches, 3, 9);
    length = 4;
    seed = RANDOM_SEED;
    for (int i = 0; expected.size < run.rows.size; i++)
        assert_int_equal(tow_buffer_printf(&expected, &err, "%d [%d] [%llx]\n", i + 2, i,
                                           (unsigned long long)random_next(&seed)),
                         TOW_OK);
    assert_int_equal(expected.size, run.rows.size);
    assert_memory_equal(expected.data, run.rows.data, expected.size);
    tow_buffer_release(&expected);
    csv_run_release(&run);
    fake_host_release(&fake);
}

/* ---- resuming ------------------------------------------------------------------------------- */

static void write_input(void **state)
{
    csv_write(*state, "1.csv", "a,b\n1,2\n3\n\"4\n5\",\"6\"\n\n7,\"8\n9,10\n");
    csv_write(*state, "2.csv", "");
    csv_write(*state, "3.csv", "b,a\n12,11\n1,2,3\n");
    csv_write(*state, "4.csv", "a,b\n");
    write_gzip(csv_path(*state, "5.csv.gz"), "a,b\n\"13\",14\n15,16\n17,18", 23, "w");
}

/* Rows and rejects of the rest together are those of a run in one go, from each position. */
static void resume_everywhere(const char *const *settings, size_t window)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer rows = {0}, rejects = {0};
    struct fake_host fake;
    struct csv_run whole;

    fake_host_init(&fake);
    csv_run_whole(&whole, &fake, settings, window);
    for (size_t stop = 1;; stop++) {
        struct csv_run run;
        int code = TOW_OK;

        fake_host_release(&fake);
        fake_host_init(&fake);
        fake.host.batch_rows = 1;
        csv_run_init(&run, &fake, settings, window);
        assert_ok(csv_run_open(&run, NULL, &err), err);
        for (size_t i = 0; i < stop && code == TOW_OK; i++)
            code = csv_run_read(&run, &err);
        rows = run.rows;
        rejects = run.rejects;
        run.rows = run.rejects = (struct tow_buffer){0};
        if (code == TOW_OK) {
            struct tow_position position = run.position;

            csv_run_release(&run);
            csv_run_init(&run, &fake, settings, window);
            assert_ok(csv_run_open(&run, &position, &err), err);
            assert_int_equal(csv_run_read_all(&run, &err), TOW_END);
            assert_ok(tow_buffer_append(&rows, run.rows.data, run.rows.size, &err), err);
            assert_ok(tow_buffer_append(&rejects, run.rejects.data, run.rejects.size, &err), err);
        }
        csv_run_release(&run);
        assert_int_equal(rows.size, whole.rows.size);
        assert_memory_equal(rows.data, whole.rows.data, rows.size);
        assert_int_equal(rejects.size, whole.rejects.size);
        assert_memory_equal(rejects.data, whole.rejects.data, rejects.size);
        tow_buffer_release(&rows);
        tow_buffer_release(&rejects);
        if (code == TOW_END) {
            assert_in_range(stop, 8, 14);
            break;
        }
    }
    csv_run_release(&whole);
    fake_host_release(&fake);
}

static void test_every_position_resumes_without_gap_or_repeat(void **state)
{
    write_input(state);
    for (size_t window = 0; window < 40; window += 3)
        resume_everywhere(SET("path", csv_path(*state, "")), window);
}

static void test_every_position_resumes_with_a_ledger_too(void **state)
{
    write_input(state);
    resume_everywhere(SET("path", csv_path(*state, ""), "incremental", "file"), 0);
}

/* Reads one batch of one row and stops there. */
static struct tow_position stop_after_one(struct fake_host *fake, const char *const *settings)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_position position;
    struct csv_run run;
    uint32_t rows = fake->host.batch_rows;

    fake->host.batch_rows = 1;
    csv_run_init(&run, fake, settings, 0);
    assert_ok(csv_run_open(&run, NULL, &err), err);
    assert_ok(csv_run_read(&run, &err), err);
    position = run.position;
    csv_run_release(&run);
    fake->host.batch_rows = rows;
    return position;
}

static void assert_resume_fails(struct fake_host *fake, const char *const *settings,
                                const struct tow_position *position, const char *says)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct csv_run run;
    int code;

    csv_run_init(&run, fake, settings, 0);
    code = csv_run_open(&run, position, &err);
    if (code == TOW_OK)
        code = csv_run_read(&run, &err);
    assert_int_equal(code, TOW_E_ENV);
    assert_says(err, says);
    csv_run_release(&run);
}

static void test_a_file_that_changed_before_the_position_is_refused(void **state)
{
    const char *const *settings = SET("path", csv_path(*state, "in.csv"));
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_position position;
    struct fake_host fake;
    struct csv_run run;

    fake_host_init(&fake);
    csv_write(*state, "in.csv", "a,b\n1,2\n3,4\n");
    position = stop_after_one(&fake, settings);
    csv_write(*state, "in.csv", "a,b\n1,9\n3,4\n");
    assert_resume_fails(&fake, settings, &position,
                        "in.csv changed before the point where the last run stopped, offset 8");
    assert_resume_fails(&fake, settings, &position, "`towpath state reset test`");
    csv_write(*state, "in.csv", "a,b\n1,");
    assert_resume_fails(&fake, settings, &position, "has 6 bytes, but was read up to offset 8");
    csv_write(*state, "in.csv", "a,b\n1,2\n5,6\n");
    csv_run_init(&run, &fake, settings, 0);
    assert_ok(csv_run_open(&run, &position, &err), err);
    assert_int_equal(csv_run_read_all(&run, &err), TOW_END);
    assert_text(&run.rows, "3 [5] [6]\n");
    csv_run_release(&run);
    assert_int_equal(unlink(csv_path(*state, "in.csv")), 0);
    csv_write(*state, "other.csv", "a,b\n");
    assert_resume_fails(&fake, SET("path", csv_path(*state, "")), &position,
                        "in.csv, in which the last run stopped, is not there any more");
    fake_host_release(&fake);
}

static void test_positions_that_are_none_are_refused(void **state)
{
    static const char *const texts[] = {"x",
                                        "csv 1 8 3 1 0 0 0\n",
                                        "csv 1 8 3 1 0 0 9\n/x",
                                        "csv 2 8 3 1 0 0 0\n/x",
                                        "csv 1 8 0 1 0 0 0\n/x",
                                        "csv 1 99999999999999999999 3 1 0 0 0\n/x",
                                        "csv 1 8 3 1 2 0 0\n/x",
                                        "csv 1 8 3 1 0 4294967296 0\n/x",
                                        "csv 1 9999 3 1 0 0 5000\n/x",
                                        "csv 1 8 3 1 0 0\n/x",
                                        "csv 1 -8 3 1 0 0 0\n/x"};
    struct tow_csv_resume resume;
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct tow_position position = {.size = sizeof position,
                                        .length = (uint32_t)strlen(texts[i])};

        memcpy(position.bytes, texts[i], position.length);
        assert_int_equal(tow_csv_resume_get(&resume, &position, &err), TOW_E_ENV);
        assert_says(err, "is none of this plugin's");
    }
}

static void test_positions_come_back_as_they_were(void **state)
{
    static struct tow_csv_resume resume, again;
    struct tow_position position = {.size = sizeof position};
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    resume = (struct tow_csv_resume){{INT64_MAX, UINT32_MAX, 4096}, INT64_MAX, INT64_MAX, 1, ""};
    memset(resume.path, 'p', TOW_CSV_PATH_MAX);
    resume.path[3] = '\n';
    tow_csv_resume_put(&resume, &position);
    assert_in_range(position.length, 1, TOW_POSITION_MAX);
    assert_ok(tow_csv_resume_get(&again, &position, &err), err);
    assert_memory_equal(&resume, &again, sizeof resume);
    for (uint32_t length = 1; length < position.length - TOW_CSV_PATH_MAX; length++) {
        struct tow_position cut = position;

        cut.length = length;
        assert_int_equal(tow_csv_resume_get(&again, &cut, &err), TOW_E_ENV);
    }
}

/* ---- the ledger ----------------------------------------------------------------------------- */

/* A whole load. */
static int load(struct fake_host *fake, const char *const *settings, struct csv_run *run,
                struct tow_error *err)
{
    int code;

    csv_run_init(run, fake, settings, 0);
    code = csv_run_open(run, NULL, err);
    return code == TOW_OK ? csv_run_read_all(run, err) : code;
}

static void assert_loads(struct fake_host *fake, const char *const *settings, const char *rows)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct csv_run run;

    if (load(fake, settings, &run, &err) != TOW_END)
        fail_msg("%s", err.message);
    assert_text(&run.rows, rows);
    csv_run_release(&run);
}

static void test_incremental_loads_each_file_once(void **state)
{
    const char *const *settings =
        SET("path", csv_path(*state, ""), "incremental", "file", "on_change", "fail");
    char key[300];
    struct fake_host fake;

    fake_host_init(&fake);
    write_at(*state, "b.csv", "a\n1\n", 1000);
    write_at(*state, "empty.csv", "a\n", 1000);
    assert_loads(&fake, settings, "2 [1]\n");
    assert_int_equal(fake.fact_count, 2);
    snprintf(key, sizeof key, "file:%s", csv_path(*state, "b.csv"));
    assert_non_null(fake_host_fact(&fake, key));
    assert_memory_equal(fake_host_fact(&fake, key)->bytes,
                        "size=4 mtime_ns=1000000000000 head=", 35);
    assert_loads(&fake, settings, "");
    write_at(*state, "a.csv", "a\n2\n", 1000);
    assert_loads(&fake, settings, "2 [2]\n");
    assert_loads(&fake, settings, "");
    fake_host_release(&fake);
}

static void test_a_changed_file_fails_is_left_out_or_loaded_again(void **state)
{
    const char *const *fail =
        SET("path", csv_path(*state, "*.csv"), "incremental", "file", "on_change", "fail");
    const char *const *skip =
        SET("path", csv_path(*state, "*.csv"), "incremental", "file", "on_change", "skip");
    const char *const *reload =
        SET("path", csv_path(*state, "*.csv"), "incremental", "file", "on_change", "reload");
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;
    struct csv_run run;

    fake_host_init(&fake);
    write_at(*state, "a.csv", "a\n1\n", 1000);
    assert_loads(&fake, fail, "2 [1]\n");
    write_at(*state, "a.csv", "a\n1\n2\n", 2000);
    assert_int_equal(load(&fake, fail, &run, &err), TOW_E_ENV);
    assert_says(err, "a.csv has grown since it was loaded: 4 bytes of 1970-01-01T00:16:40Z then, 6 "
                     "bytes of 1970-01-01T00:33:20Z now");
    assert_says(err, "\"reload\"");
    csv_run_release(&run);
    write_at(*state, "a.csv", "a\n2\n3\n", 2000);
    assert_int_equal(load(&fake, fail, &run, &err), TOW_E_ENV);
    assert_says(err, "a.csv has changed since");
    csv_run_release(&run);
    assert_loads(&fake, skip, "");
    assert_true(fake_host_logged(&fake, TOW_LOG_WARN, "left out"));
    assert_loads(&fake, reload, "2 [2]\n3 [3]\n");
    assert_true(fake_host_logged(&fake, TOW_LOG_WARN, "loaded again"));
    assert_loads(&fake, fail, "");
    set_time(csv_path(*state, "a.csv"), 3000);
    assert_int_equal(load(&fake, fail, &run, &err), TOW_E_ENV);
    csv_run_release(&run);
    fake_host_release(&fake);
}

static void test_a_finished_file_that_grows_is_not_read_on_silently(void **state)
{
    const char *const *settings = SET("path", csv_path(*state, "*.csv"), "incremental", "file");
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;
    struct csv_run run;

    fake_host_init(&fake);
    write_at(*state, "a.csv", "a\n1\n", 1000);
    write_at(*state, "b.csv", "a\n2\n", 1000);
    csv_run_init(&run, &fake, settings, 0);
    assert_ok(csv_run_open(&run, NULL, &err), err);
    assert_ok(csv_run_read(&run, &err), err);
    assert_non_null(run.mark_key);
    fake.host.ledger_put(&fake.host, run.mark_key, run.mark_value, (uint32_t)strlen(run.mark_value),
                         &err);
    write_at(*state, "a.csv", "a\n1\n3\n", 2000);
    csv_run_close(&run);
    assert_int_equal(csv_run_open(&run, &run.position, &err), TOW_E_ENV);
    assert_says(err, "a.csv has grown");
    csv_run_close(&run);
    write_at(*state, "a.csv", "a\n1\n", 1000);
    assert_ok(csv_run_open(&run, &run.position, &err), err);
    assert_int_equal(csv_run_read_all(&run, &err), TOW_END);
    assert_text(&run.rows, "2 [1]\n2 [2]\n");
    csv_run_release(&run);
    fake_host_release(&fake);
}

static void test_a_file_that_is_written_to_while_read_is_warned_about(void **state)
{
    const char *const *settings = SET("path", csv_path(*state, "*.csv"), "incremental", "file");
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;
    struct csv_run run;

    fake_host_init(&fake);
    fake.host.batch_rows = 1;
    write_at(*state, "a.csv", "a\n1\n2\n", 1000);
    csv_run_init(&run, &fake, settings, 0);
    assert_ok(csv_run_open(&run, NULL, &err), err);
    assert_ok(csv_run_read(&run, &err), err);
    write_at(*state, "a.csv", "a\n1\n2\n3\n", 2000);
    assert_int_equal(csv_run_read_all(&run, &err), TOW_END);
    assert_true(fake_host_logged(&fake, TOW_LOG_WARN, "a.csv changed while it was read: 6 bytes"));
    assert_memory_equal(run.mark_value, "size=6 ", 7);
    csv_run_release(&run);
    fake_host_release(&fake);
}

static void test_ledger_entries_that_are_none_are_refused(void **state)
{
    const char *const *settings = SET("path", csv_path(*state, "*.csv"), "incremental", "file");
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;
    struct csv_run run;
    char key[300];

    fake_host_init(&fake);
    csv_write(*state, "a.csv", "a\n1\n");
    snprintf(key, sizeof key, "file:%s", csv_path(*state, "a.csv"));
    fake.host.ledger_put(&fake.host, key, "size=4 mtime_ns=1", 17, &err);
    assert_int_equal(load(&fake, settings, &run, &err), TOW_E_ENV);
    assert_says(err, "\"size=4 mtime_ns=1\" is none of this plugin's");
    csv_run_release(&run);
    fake.host.ledger_put(&fake.host, key, "", 0, &err);
    assert_int_equal(load(&fake, settings, &run, &err), TOW_E_ENV);
    assert_says(err, "\"\" is none of this plugin's");
    csv_run_release(&run);
    fake_host_release(&fake);
}

/* ---- streams -------------------------------------------------------------------------------- */

struct writer {
    char path[256];
    const char *text;
};

static void *write_stream(void *context)
{
    const struct writer *writer = context;
    int fd = open(writer->path, O_WRONLY);
    size_t length = strlen(writer->text);

    for (size_t at = 0; at < length; at++)
        if (write(fd, writer->text + at, 1) != 1)
            return "failed";
    close(fd);
    return NULL;
}

static void test_a_fifo_is_read_once_header_and_rows(void **state)
{
    struct writer writer = {.text = "a,b\n1,2\n3,4\n"};
    struct fake_host fake;
    struct csv_run run;
    pthread_t thread;
    void *result;

    strcpy(writer.path, csv_path(*state, "fifo"));
    assert_int_equal(mkfifo(writer.path, 0600), 0);
    assert_int_equal(pthread_create(&thread, NULL, write_stream, &writer), 0);
    fake_host_init(&fake);
    csv_run_whole(&run, &fake, SET("path", writer.path), 0);
    pthread_join(thread, &result);
    assert_null(result);
    assert_text(&run.rows, "2 [1] [2]\n3 [3] [4]\n");
    csv_run_release(&run);
    fake_host_release(&fake);
}

static void test_a_stream_can_be_resumed_when_it_comes_again(void **state)
{
    struct writer writer = {.text = "a,b\n1,2\n3,4\n"};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_position position;
    struct fake_host fake;
    struct csv_run run;
    pthread_t thread;

    strcpy(writer.path, csv_path(*state, "fifo"));
    assert_int_equal(mkfifo(writer.path, 0600), 0);
    fake_host_init(&fake);
    assert_int_equal(pthread_create(&thread, NULL, write_stream, &writer), 0);
    fake.host.batch_rows = 1;
    csv_run_init(&run, &fake, SET("path", writer.path), 0);
    assert_ok(csv_run_open(&run, NULL, &err), err);
    assert_ok(csv_run_read(&run, &err), err);
    position = run.position;
    assert_int_equal(csv_run_read_all(&run, &err), TOW_END);
    pthread_join(thread, NULL);
    csv_run_release(&run);
    assert_int_equal(pthread_create(&thread, NULL, write_stream, &writer), 0);
    csv_run_init(&run, &fake, SET("path", writer.path), 0);
    assert_ok(csv_run_open(&run, &position, &err), err);
    assert_int_equal(csv_run_read_all(&run, &err), TOW_END);
    pthread_join(thread, NULL);
    assert_text(&run.rows, "3 [3] [4]\n");
    csv_run_release(&run);
    fake_host_release(&fake);
}

static void test_looking_at_a_stream_does_not_consume_it(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;
    struct csv_run run;

    (void)state;
    fake_host_init(&fake);
    fake.host.load_id = "";
    csv_run_init(&run, &fake, SET("path", "-"), 0);
    assert_int_equal(csv_run_open(&run, NULL, &err), TOW_END);
    csv_run_release(&run);
    csv_run_init(&run, &fake, SET("path", "-", "columns", "a,b"), 0);
    assert_ok(csv_run_open(&run, NULL, &err), err);
    assert_int_equal(run.schema.n_children, 2);
    csv_run_release(&run);
    fake_host_release(&fake);
}

static void *cancel(void *context)
{
    fake_host_cancel(context);
    return NULL;
}

static void test_waiting_for_a_stream_ends_when_cancelled(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;
    struct csv_run run;
    pthread_t thread;

    assert_int_equal(mkfifo(csv_path(*state, "fifo"), 0600), 0);
    fake_host_init(&fake);
    csv_run_init(&run, &fake, SET("path", csv_path(*state, "fifo"), "columns", "a,b"), 0);
    assert_ok(csv_run_open(&run, NULL, &err), err);
    assert_int_equal(pthread_create(&thread, NULL, cancel, &fake), 0);
    assert_int_equal(csv_run_read(&run, &err), TOW_E_CANCELLED);
    pthread_join(thread, NULL);
    csv_run_release(&run);
    fake_host_release(&fake);
}

static void test_a_cancelled_run_stops_between_windows(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;
    struct csv_run run;

    csv_write(*state, "in.csv", "a\n1\n2\n");
    fake_host_init(&fake);
    csv_run_init(&run, &fake, SET("path", csv_path(*state, "in.csv")), 0);
    assert_ok(csv_run_open(&run, NULL, &err), err);
    fake_host_cancel(&fake);
    assert_int_equal(csv_run_read(&run, &err), TOW_E_CANCELLED);
    assert_text(&run.rows, "");
    csv_run_release(&run);
    fake_host_release(&fake);
}

#define CSV_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CSV_TEST(test_files_of_a_folder_are_read_in_order),
        CSV_TEST(test_columns_are_mapped_by_name),
        CSV_TEST(test_a_file_with_other_columns_is_named),
        CSV_TEST(test_no_files_are_an_empty_load_where_the_columns_are_known),
        CSV_TEST(test_batches_hold_to_the_hosts_limits),
        CSV_TEST(test_compressed_files_are_read_as_one_text),
        CSV_TEST(test_a_cut_gzip_gives_its_whole_rows_and_then_fails_for_good),
        CSV_TEST(test_every_position_resumes_without_gap_or_repeat),
        CSV_TEST(test_every_position_resumes_with_a_ledger_too),
        CSV_TEST(test_a_file_that_changed_before_the_position_is_refused),
        CSV_TEST(test_positions_that_are_none_are_refused),
        CSV_TEST(test_positions_come_back_as_they_were),
        CSV_TEST(test_incremental_loads_each_file_once),
        CSV_TEST(test_a_changed_file_fails_is_left_out_or_loaded_again),
        CSV_TEST(test_a_finished_file_that_grows_is_not_read_on_silently),
        CSV_TEST(test_a_file_that_is_written_to_while_read_is_warned_about),
        CSV_TEST(test_ledger_entries_that_are_none_are_refused),
        CSV_TEST(test_a_fifo_is_read_once_header_and_rows),
        CSV_TEST(test_a_stream_can_be_resumed_when_it_comes_again),
        CSV_TEST(test_looking_at_a_stream_does_not_consume_it),
        CSV_TEST(test_waiting_for_a_stream_ends_when_cancelled),
        CSV_TEST(test_a_cancelled_run_stops_between_windows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
