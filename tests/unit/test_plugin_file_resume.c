#include "unit.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "connectors/files/output_lock.h"
#include "file_load.h"
#include "scratch.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- loads that stop ------------------------------------------------------------------------ */

static void check_resume(void **state, const char *name)
{
    struct load load;

    load_init(&load, state, name, NULL);
    assert_ok(load_open(&load), load.err);
    assert_ok(load_write(&load, 1, 1000), load.err);
    assert_ok(load_flush(&load), load.err);
    assert_ok(load_write(&load, 1001, 50000), load.err);
    load_restart(&load);
    assert_ok(load_write(&load, 1001, 10), load.err);
    load_restart(&load);
    assert_ok(load_write(&load, 1001, 500), load.err);
    assert_ok(load_flush(&load), load.err);
    load_restart(&load);
    assert_ok(load_flush(&load), load.err);
    assert_ok(load_finish(&load), load.err);
    assert_true(fake_host_logged(&load.fake, TOW_LOG_INFO, "1500 rows"));
    load_release(&load);
    assert_rows(state, name, 1, 1500);
    assert_int_equal(file_count(state), 1);
}

static void test_a_stopped_load_goes_on_where_it_was_durable(void **state)
{
    check_resume(state, "out.csv");
}

static void test_a_stopped_gzip_load_goes_on_where_it_was_durable(void **state)
{
    check_resume(state, "out.csv.gz");
}

static void test_a_flush_before_any_row_is_a_place_to_go_on_from(void **state)
{
    static const char *const names[] = {"a.csv", "a.csv.gz"};

    for (size_t i = 0; i < COUNT(names); i++) {
        struct load load;

        load_init(&load, state, names[i], NULL);
        assert_ok(load_open(&load), load.err);
        assert_ok(load_flush(&load), load.err);
        load_restart(&load);
        assert_ok(load_write(&load, 1, 2), load.err);
        assert_ok(load_flush(&load), load.err);
        assert_ok(load_finish(&load), load.err);
        load_release(&load);
        assert_rows(state, names[i], 1, 2);
    }
}

static void test_finish_again_finds_the_work_done(void **state)
{
    struct load load;

    load_init(&load, state, "out.csv", NULL);
    load_run(&load, 3);
    load_restart(&load);
    assert_ok(load_flush(&load), load.err);
    assert_ok(load_finish(&load), load.err);
    load_release(&load);
    assert_rows(state, "out.csv", 1, 3);
    assert_int_equal(file_count(state), 1);
}

static void check_more_rows_after_publishing(void **state, const char *name)
{
    struct load load;
    char hidden[64], path[300];

    load_init(&load, state, name, NULL);
    load_run(&load, 3);
    /* As if a run had died while it copied the published file to go on with it. */
    snprintf(hidden, sizeof hidden, ".%s.tmp", name);
    file_path(state, hidden, path);
    load_stop(&load);
    scratch_write(path, "par", 3);
    load_start(&load);
    assert_ok(load_open(&load), load.err);
    assert_false(file_exists(state, hidden));
    assert_ok(load_write(&load, 4, 2), load.err);
    assert_ok(load_flush(&load), load.err);
    assert_rows(state, name, 1, 3);
    assert_ok(load_finish(&load), load.err);
    load_release(&load);
    assert_rows(state, name, 1, 5);
}

static void test_rows_after_publishing_come_out_with_the_next_finish(void **state)
{
    check_more_rows_after_publishing(state, "out.csv");
    check_more_rows_after_publishing(state, "out.csv.gz");
}

static void test_a_load_whose_data_are_gone_is_refused(void **state)
{
    struct load load;
    char hidden[300];

    load_init(&load, state, "out.csv", NULL);
    assert_ok(load_open(&load), load.err);
    assert_ok(load_write(&load, 1, 3), load.err);
    assert_ok(load_flush(&load), load.err);
    load_stop(&load);
    file_path(state, ".out.csv.tmp", hidden);
    scratch_write(hidden, "short", 5);
    scratch_write(load.path, "older result", 12);
    load_start(&load);
    assert_int_equal(load_open(&load), TOW_E_ENV);
    assert_says(load.err, "is shorter");
    load_stop(&load);
    assert_int_equal(unlink(hidden), 0);
    load_start(&load);
    assert_int_equal(load_open(&load), TOW_E_ENV);
    assert_says(load.err, "is not there");
    load_release(&load);
    assert_file(state, "out.csv", "older result");
}

/* A run that dies before its first checkpoint, and the next one, which begins a load of its own. */
static void give_up(struct load *load)
{
    assert_ok(load_open(load), load->err);
    assert_ok(load_write(load, 1, 35000), load->err);
    load_stop(load);
    load->fake.host.load_id = "load-2";
    load_start(load);
}

static void check_given_up(void **state, const char *name, const char *const *settings, int files)
{
    struct load load;

    load_init(&load, state, name, settings);
    give_up(&load);
    assert_true(file_count(state) > 0);
    load_run(&load, 30000);
    load_release(&load);
    assert_int_equal(file_count(state), files);
}

static void test_the_hidden_file_of_a_load_that_was_given_up_is_removed_by_the_next(void **state)
{
    check_given_up(state, "{load}.csv", NULL, 1);
}

static void test_hidden_parts_of_a_load_that_was_given_up_are_removed_by_the_next(void **state)
{
    static const char *const parted[] = {"max_rows", "10000", NULL};

    check_given_up(state, "out-{load}-{part}.csv.gz", parted, 3);
}

static void test_the_lock_of_a_load_whose_run_died_behind_its_end_is_removed_by_the_next(
    void **state)
{
    struct load load;
    char path[300];

    load_init(&load, state, "{load}.csv", NULL);
    load_run(&load, 3);
    load_stop(&load);
    file_path(state, ".load-1.csv.lock", path);
    scratch_write(path, "", 0); /* which a process that is killed does not remove */
    load.fake.host.load_id = "load-2";
    load_start(&load);
    load_run(&load, 2);
    load_release(&load);
    assert_rows(state, "load-1.csv", 1, 3);
    assert_rows(state, "load-2.csv", 1, 2);
    assert_int_equal(file_count(state), 2);
}

static void test_hidden_files_that_somebody_still_writes_are_left_alone(void **state)
{
    struct tow_output_lock *lock;
    struct load load;
    char path[300];

    load_init(&load, state, "{load}.csv", NULL);
    give_up(&load);
    file_path(state, "load-1.csv", path);
    lock = tow_output_lock_take(path, &load.err);
    assert_non_null(lock);
    load_run(&load, 10);
    tow_output_lock_drop(lock);
    assert_true(fake_host_logged(&load.fake, TOW_LOG_WARN, "are left behind"));
    assert_true(file_exists(state, ".load-1.csv.tmp"));
    load_release(&load);
    assert_rows(state, "load-2.csv", 1, 10);
}

static void test_a_folder_that_is_gone_has_nothing_left_behind(void **state)
{
    static const char *const settings[] = {"mkdirs", "true", NULL};
    char folder[300], hidden[300];
    struct load load;

    load_init(&load, state, "{load}/out.csv", settings);
    give_up(&load);
    file_path(state, "load-1/.out.csv.tmp", hidden);
    file_path(state, "load-1", folder);
    assert_int_equal(unlink(hidden), 0);
    assert_int_equal(rmdir(folder), 0);
    load_run(&load, 10);
    assert_false(fake_host_logged(&load.fake, TOW_LOG_WARN, "are left behind"));
    load_release(&load);
    assert_rows(state, "load-2/out.csv", 1, 10);
}

static void test_a_token_of_another_path_or_layout_is_refused(void **state)
{
    static const struct tow_field other[] = {{"id", {TOW_TYPE_INT64, 0, 0}, 0},
                                             {"title", {TOW_TYPE_STRING, 0, 0}, 0}};
    struct load load;

    load_init(&load, state, "out.csv", NULL);
    assert_ok(load_open(&load), load.err);
    assert_ok(load_write(&load, 1, 3), load.err);
    assert_ok(load_flush(&load), load.err);
    load_stop(&load);

    strcat(load.path, ".csv");
    load_start(&load);
    assert_int_equal(load_open(&load), TOW_E_CONFIG);
    assert_says(load.err, "out.csv.csv");
    load_stop(&load);

    load.path[strlen(load.path) - 4] = '\0';
    load.settings[2] = "delimiter";
    load.settings[3] = ";";
    load_start(&load);
    assert_int_equal(load_open(&load), TOW_E_CONFIG);
    assert_says(load.err, "other columns or format options");
    load_stop(&load);

    load.settings[2] = NULL;
    load.schema.release(&load.schema);
    assert_ok(tow_schema_make(&load.schema, other, COUNT(other), &load.err), load.err);
    load_start(&load);
    assert_int_equal(load_open(&load), TOW_E_CONFIG);
    assert_says(load.err, "other columns or format options");
    load_release(&load);
}

static void test_tokens_that_are_none_are_refused(void **state)
{
    struct load load;
    struct tow_position good;

    load_init(&load, state, "out.csv", NULL);
    assert_ok(load_open(&load), load.err);
    assert_ok(load_write(&load, 1, 3), load.err);
    assert_ok(load_flush(&load), load.err);
    good = load.token;
    assert_true(good.length > 0 && good.length <= TOW_POSITION_MAX);
    for (uint32_t length = 1; length < good.length; length++) {
        load_stop(&load);
        load_start(&load);
        load.token.length = length;
        assert_int_equal(load_open(&load), TOW_E_CONFIG);
    }
    for (uint32_t at = 0; at < good.length; at++) {
        load_stop(&load);
        load_start(&load);
        load.token = good;
        load.token.bytes[at] = '\0';
        assert_int_equal(load_open(&load), TOW_E_CONFIG);
    }
    load_stop(&load);
    load_start(&load);
    load.token = good;
    load.token.bytes[6] = '0'; /* part 0 */
    assert_int_equal(load_open(&load), TOW_E_CONFIG);
    load_stop(&load);
    load_start(&load);
    memset(load.token.bytes, '9', sizeof load.token.bytes);
    load.token.length = TOW_POSITION_MAX;
    assert_int_equal(load_open(&load), TOW_E_CONFIG);
    assert_says(load.err, "not one of this sink");
    load_release(&load);
}

/* ---- failures ------------------------------------------------------------------------------- */

static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, bytes == RLIM_INFINITY ? SIG_DFL : SIG_IGN);
}

static void test_a_full_disk_stops_the_sink_until_it_is_opened_again(void **state)
{
    struct load load;
    struct tow_position durable;

    load_init(&load, state, "out.csv", NULL);
    assert_ok(load_open(&load), load.err);
    assert_ok(load_write(&load, 1, 100), load.err);
    assert_ok(load_flush(&load), load.err);
    durable = load.token;
    limit_file_size(100000);
    assert_int_equal(load_write(&load, 101, 50000), TOW_E_ENV);
    limit_file_size(RLIM_INFINITY);
    assert_says(load.err, "nothing was published");
    assert_int_equal(load_write(&load, 101, 1), TOW_E_ENV);
    assert_says(load.err, "nothing was published");
    assert_int_equal(load_flush(&load), TOW_E_ENV);
    assert_int_equal(load_finish(&load), TOW_E_ENV);
    assert_memory_equal(&load.token, &durable, sizeof durable);
    assert_false(file_exists(state, "out.csv"));
    load_restart(&load);
    assert_ok(load_write(&load, 101, 50000), load.err);
    assert_ok(load_flush(&load), load.err);
    assert_ok(load_finish(&load), load.err);
    load_release(&load);
    assert_rows(state, "out.csv", 1, 50100);
}

static void test_a_full_disk_at_flush_keeps_the_old_token(void **state)
{
    struct load load;
    struct tow_position durable;

    load_init(&load, state, "out.csv", NULL);
    assert_ok(load_open(&load), load.err);
    assert_ok(load_write(&load, 1, 100), load.err);
    assert_ok(load_flush(&load), load.err);
    durable = load.token;
    assert_ok(load_write(&load, 101, 100), load.err);
    limit_file_size(1500);
    assert_int_equal(load_flush(&load), TOW_E_ENV);
    limit_file_size(RLIM_INFINITY);
    assert_memory_equal(&load.token, &durable, sizeof durable);
    load_restart(&load);
    assert_ok(load_flush(&load), load.err);
    assert_ok(load_finish(&load), load.err);
    load_release(&load);
    assert_rows(state, "out.csv", 1, 100);
}

/* ---- parts ---------------------------------------------------------------------------------- */

static void test_a_load_that_died_between_two_renames_publishes_the_rest(void **state)
{
    static const char *const settings[] = {"max_rows", "2", NULL};
    struct load load;
    char hidden[300], final[300];

    load_init(&load, state, "out-{part}.csv", settings);
    assert_ok(load_open(&load), load.err);
    assert_ok(load_write(&load, 1, 6), load.err);
    assert_ok(load_flush(&load), load.err);
    load_stop(&load);
    file_path(state, ".out-00001.csv.tmp", hidden);
    file_path(state, "out-00001.csv", final);
    assert_int_equal(rename(hidden, final), 0);
    load_start(&load);
    assert_ok(load_open(&load), load.err);
    assert_ok(load_flush(&load), load.err);
    assert_ok(load_finish(&load), load.err);
    load_restart(&load);
    assert_ok(load_finish(&load), load.err);
    load_release(&load);
    for (int64_t part = 1; part <= 3; part++) {
        char name[32];

        snprintf(name, sizeof name, "out-%05" PRId64 ".csv", part);
        assert_rows(state, name, 2 * part - 1, 2);
    }
}

static void test_a_part_that_vanished_is_not_taken_for_published(void **state)
{
    static const char *const settings[] = {"max_rows", "2", NULL};
    struct load load;
    char path[300];

    load_init(&load, state, "out-{part}.csv", settings);
    load_run(&load, 6);
    load_release(&load);
    load_init(&load, state, "out-{part}.csv", settings);
    assert_ok(load_open(&load), load.err);
    assert_ok(load_write(&load, 1, 6), load.err);
    assert_ok(load_flush(&load), load.err);
    file_path(state, ".out-00002.csv.tmp", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(load_finish(&load), TOW_E_ENV);
    assert_says(load.err, "out-00002.csv");
    load_release(&load);
}

/* ---- loads that stop anywhere --------------------------------------------------------------- */

static uint32_t random_next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

/* Writes rows 1 to `rows` with flushes, crashes and resumes in between. */
static void run_with_crashes(struct load *load, uint64_t *seed, int64_t rows)
{
    int64_t next = 1, durable = 1;

    assert_ok(load_open(load), load->err);
    while (next <= rows || durable <= rows) {
        int64_t count = 1 + random_next(seed) % 300;

        if (count > rows + 1 - next)
            count = rows + 1 - next;
        switch (random_next(seed) % 4) {
        case 0:
            load_restart(load);
            next = durable;
            break;
        case 1:
            assert_ok(load_flush(load), load->err);
            durable = next;
            break;
        default:
            assert_ok(load_write(load, next, count), load->err);
            next += count;
        }
    }
    for (int times = 0; times < 3; times++) {
        assert_ok(load_finish(load), load->err);
        load_restart(load);
    }
}

static void test_crashes_anywhere_lose_and_double_nothing(void **state)
{
    static const char *const settings[] = {"max_rows", "333", NULL};
    static const char *const names[] = {"a-{part}.csv", "b-{part}.csv.gz"};
    uint64_t seed = 11;

    for (int round = 0; round < 20; round++) {
        struct load load;

        load_init(&load, state, names[round % 2], settings);
        run_with_crashes(&load, &seed, 2000);
        load_release(&load);
        for (int64_t part = 1; part <= 7; part++) {
            char name[32];

            snprintf(name, sizeof name, "%s-%05" PRId64 ".csv%s", round % 2 ? "b" : "a", part,
                     round % 2 ? ".gz" : "");
            assert_rows(state, name, 333 * (part - 1) + 1, part < 7 ? 333 : 2);
        }
    }
    assert_int_equal(file_count(state), 14);
}

int main(void)
{
#define SCRATCH_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_a_stopped_load_goes_on_where_it_was_durable),
        SCRATCH_TEST(test_a_stopped_gzip_load_goes_on_where_it_was_durable),
        SCRATCH_TEST(test_a_flush_before_any_row_is_a_place_to_go_on_from),
        SCRATCH_TEST(test_finish_again_finds_the_work_done),
        SCRATCH_TEST(test_rows_after_publishing_come_out_with_the_next_finish),
        SCRATCH_TEST(test_a_load_whose_data_are_gone_is_refused),
        SCRATCH_TEST(test_the_hidden_file_of_a_load_that_was_given_up_is_removed_by_the_next),
        SCRATCH_TEST(test_hidden_parts_of_a_load_that_was_given_up_are_removed_by_the_next),
        SCRATCH_TEST(test_the_lock_of_a_load_whose_run_died_behind_its_end_is_removed_by_the_next),
        SCRATCH_TEST(test_hidden_files_that_somebody_still_writes_are_left_alone),
        SCRATCH_TEST(test_a_folder_that_is_gone_has_nothing_left_behind),
        SCRATCH_TEST(test_a_token_of_another_path_or_layout_is_refused),
        SCRATCH_TEST(test_tokens_that_are_none_are_refused),
        SCRATCH_TEST(test_a_full_disk_stops_the_sink_until_it_is_opened_again),
        SCRATCH_TEST(test_a_full_disk_at_flush_keeps_the_old_token),
        SCRATCH_TEST(test_a_load_that_died_between_two_renames_publishes_the_rest),
        SCRATCH_TEST(test_a_part_that_vanished_is_not_taken_for_published),
        SCRATCH_TEST(test_crashes_anywhere_lose_and_double_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
