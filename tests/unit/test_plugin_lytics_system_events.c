#include "http_fixture.h"
#include "lytics_far.h"
#include "plugins/lytics_system_events/position.h"
#include "plugins/lytics_system_events/window.h"
#include "source_drive.h"
#include "unit.h"

tow_plugin_entry lytics_system_events_LTX_tow_plugin_entry;

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define NOW    (INT64_C(1767268800) * SECOND) /* 2026-01-01T12:00:00Z */

/* A far end, and settings that lead there, with room for more. */
struct job {
    struct lytics_far *far;
    const char *settings[24];
    struct drive drive;
};

static void job_init(struct job *job, const char *const *more)
{
    const char *const access[] = {"token", "at.hush", "api_url", NULL};
    size_t count = 0;

    job->far = calloc(1, sizeof *job->far);
    assert_non_null(job->far);
    http_fixture_clean_environment();
    lytics_far_start(job->far);
    for (; access[count]; count++)
        job->settings[count] = access[count];
    job->settings[count++] = http_server_base(job->far->server);
    for (; more && *more; more++)
        job->settings[count++] = *more;
    job->settings[count] = NULL;
    drive_init(&job->drive, lytics_system_events_LTX_tow_plugin_entry(), job->settings);
    job->drive.fake.now_us = NOW;
}

static void job_release(struct job *job)
{
    drive_release(&job->drive);
    lytics_far_stop(job->far);
    free(job->far);
}

#define SET(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Each of the events [first, first + count) is there once, and no other. */
static void assert_events(struct job *job, int first, int count)
{
    const char *rows = drive_rows(&job->drive);

    assert_int_equal(job->drive.row_count, count);
    for (int i = first; i < first + count; i++) {
        char mark[32];

        snprintf(mark, sizeof mark, "e%d,", i);
        if (strncmp(rows, mark, strlen(mark)) == 0)
            continue;
        snprintf(mark, sizeof mark, "\ne%d,", i);
        if (!strstr(rows, mark))
            fail_msg("event %d is not there", i);
    }
}

/* ---- loads ----------------------------------------------------------------------------------- */

static void test_a_load_goes_on_behind_each_of_its_batches(void **state)
{
    struct job job;

    (void)state;
    for (int stop = 1;; stop++) {
        int code;

        job_init(&job, SET("window", "1h", "start_date", "2026-01-01"));
        job.drive.fake.host.batch_rows = 7;
        for (int i = 0; i < 120; i++)
            lytics_far_event(job.far, i, NOW - (i + 1) * 300 * SECOND);
        code = drive_run(&job.drive, stop);
        job.drive.fake.now_us += 1800 * SECOND; /* it ends where it would have ended */
        lytics_far_event(job.far, 120, NOW + 60 * SECOND);
        drive_whole(&job.drive);
        assert_events(&job, 0, code == TOW_END ? 121 : 120);
        drive_whole(&job.drive);
        assert_events(&job, 0, 121);
        job_release(&job);
        if (code == TOW_END)
            break;
    }
}

static void test_a_load_goes_on_among_events_of_one_moment(void **state)
{
    struct job job;

    (void)state;
    for (int stop = 1;; stop++) {
        int code;

        job_init(&job, SET("start_date", "2026-01-01T11:00:00Z"));
        job.drive.fake.host.batch_rows = 10;
        for (int i = 0; i < 100; i++)
            lytics_far_event(job.far, i, NOW - (i / 40 + 1) * 60 * SECOND);
        code = drive_run(&job.drive, stop);
        drive_whole(&job.drive);
        assert_events(&job, 0, 100);
        job_release(&job);
        if (code == TOW_END)
            break;
        assert_true(stop < 50);
    }
}

static void test_batches_keep_to_the_limit_of_rows(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, SET("start_date", "2026-01-01T11:00:00Z"));
    job.drive.fake.host.batch_rows = 10;
    for (int i = 0; i < 95; i++)
        lytics_far_event(job.far, i, NOW - (i + 1) * SECOND);
    for (size_t rows = 0; drive_run(&job.drive, 1) == TOW_OK; rows = job.drive.row_count)
        assert_true(job.drive.row_count - rows <= 10);
    assert_events(&job, 0, 95);
    job_release(&job);
}

static void test_a_page_that_fails_is_asked_for_again_and_nothing_is_lost(void **state)
{
    struct job job;

    (void)state;
    for (int at = 1; at < 40; at += 3) {
        job_init(&job, SET("window", "3h", "page_limit", "10"));
        job.far->fails_at = at;
        for (int i = 0; i < 100; i++)
            lytics_far_event(job.far, i, NOW - (i + 1) * 600 * SECOND);
        drive_whole(&job.drive);
        assert_int_equal(job.drive.passing, 1);
        assert_events(&job, 0, 100);
        job_release(&job);
    }
}

static void test_windows_meet_without_gap_and_without_overlap(void **state)
{
    struct job job;

    (void)state;
    for (int variant = 0; variant < 8; variant++) {
        job_init(&job, SET("window", "1h", "page_limit", "10", "start_date", "2026-01-01"));
        job.far->is_ascending = variant & 1;
        job.far->has_bounds_in = variant >> 1 & 1;
        job.far->keeps_silent = variant >> 2 & 1;
        for (int i = 0; i < 11; i++)
            for (int j = -2; j < 3; j++)
                lytics_far_event(job.far, 5 * i + j + 2, NOW - (i + 1) * HOUR + j);
        drive_whole(&job.drive);
        assert_events(&job, 0, 55);
        job_release(&job);
    }
}

static void test_an_api_that_hands_out_fewer_rows_than_were_asked_for_loses_none(void **state)
{
    struct job job;

    (void)state;
    for (int cap = 1; cap < 5; cap++) {
        job_init(&job, SET("window", "6h", "page_limit", "50"));
        job.far->page_max = cap;
        job.far->keeps_silent = 1;
        for (int i = 0; i < 40; i++)
            lytics_far_event(job.far, i, NOW - (i + 1) * 60 * SECOND);
        drive_whole(&job.drive);
        assert_events(&job, 0, 40);
        job_release(&job);
    }
}

/* ---- pages that move ------------------------------------------------------------------------- */

static void insert_newest(struct lytics_far *far, int request)
{
    if (request <= 30)
        lytics_far_event(far, 1000 + request, NOW - 90 * SECOND + request);
}

static void test_rows_that_come_in_front_shift_no_event_out(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, SET("window", "6h", "page_limit", "10", "start_date", "2026-01-01T09:00:00Z"));
    job.far->before = insert_newest;
    for (int i = 0; i < 100; i++)
        lytics_far_event(job.far, i, NOW - (i + 2) * 100 * SECOND);
    drive_whole(&job.drive);
    job.far->before = NULL;
    job.drive.fake.now_us += SECOND;
    drive_whole(&job.drive);
    for (int i = 0; i < 100; i++) {
        char text[64], line[160];

        *tow_put_timestamp(text, NOW - (i + 2) * 100 * SECOND, 1) = '\0';
        snprintf(line, sizeof line, "e%d,%s,7,,,,,,", i, text);
        assert_int_equal(drive_count(&job.drive, line), 1);
    }
    assert_int_equal(job.drive.row_count, 100 + job.far->event_count - 100);
    job_release(&job);
}

static int removed;

static void remove_oldest(struct lytics_far *far, int request)
{
    (void)request;
    if (removed > 0 && far->event_count > 30) {
        memmove(far->events, far->events + 15,
                sizeof *far->events * (size_t)(far->event_count - 15));
        far->event_count -= 15;
        removed--;
    }
}

static void test_rows_that_vanish_in_front_have_the_window_read_again(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, SET("window", "6h", "page_limit", "10", "start_date", "2026-01-01T07:00:00Z"));
    job.far->is_ascending = 1;
    job.far->before = remove_oldest;
    for (int i = 0; i < 100; i++)
        lytics_far_event(job.far, 99 - i, NOW - (100 - i) * 100 * SECOND);
    removed = 2;
    drive_whole(&job.drive);
    assert_int_equal(job.drive.passing, 0);
    for (int i = 0; i < 70; i++) { /* those that stayed */
        char text[64], line[160];

        *tow_put_timestamp(text, NOW - (i + 1) * 100 * SECOND, 1) = '\0';
        snprintf(line, sizeof line, "e%d,%s,7,,,,,,", i, text);
        assert_int_equal(drive_count(&job.drive, line), 1);
    }
    job_release(&job);
}

static void test_rows_that_never_stand_still_are_left_to_the_core(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, SET("window", "6h", "page_limit", "10", "start_date", "2026-01-01T07:00:00Z"));
    job.far->is_ascending = 1;
    job.far->before = remove_oldest;
    for (int i = 0; i < 4000; i++)
        lytics_far_event(job.far, i, NOW - (4001 - i) * SECOND);
    removed = 1000000;
    drive_run(&job.drive, -1);
    assert_true(job.drive.passing > 0);
    job_release(&job);
}

static void test_windows_are_halved_down_to_a_second(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, SET("window", "6h", "start_date", "2026-01-01"));
    for (int i = 0; i < 3000; i++)
        lytics_far_event(job.far, i, NOW - HOUR + i * 250000);
    for (int i = 3000; i < 4500; i++)
        lytics_far_event(job.far, i, NOW - 2 * HOUR + i);
    drive_whole(&job.drive);
    assert_events(&job, 0, 4500);
    assert_in_range(job.far->deepest, 1000, 1600);
    job_release(&job);
}

/* ---- one load and the next ------------------------------------------------------------------- */

static void test_late_events_are_found_within_the_overlap(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, SET("overlap", "10m"));
    for (int i = 0; i < 20; i++)
        lytics_far_event(job.far, i, NOW - (i + 1) * 60 * SECOND);
    drive_whole(&job.drive);
    lytics_far_event(job.far, 20, NOW - 599 * SECOND);
    lytics_far_event(job.far, 21, NOW - 1);
    lytics_far_event(job.far, 22, NOW);
    lytics_far_event(job.far, 99, NOW - 601 * SECOND); /* too late */
    job.drive.fake.now_us += HOUR;
    drive_whole(&job.drive);
    assert_events(&job, 0, 23);
    drive_whole(&job.drive);
    drive_whole(&job.drive);
    assert_events(&job, 0, 23);
    job_release(&job);
}

static void test_loads_in_quick_succession_hand_out_each_event_once(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, SET("overlap", "15m"));
    for (int i = 0; i < 60; i++) {
        lytics_far_event(job.far, 2 * i, NOW + i * 20 * SECOND - 1);
        lytics_far_event(job.far, 2 * i + 1, NOW + i * 20 * SECOND - 300 * SECOND);
        job.drive.fake.now_us = NOW + i * 20 * SECOND;
        drive_whole(&job.drive);
        assert_events(&job, 0, 2 * i + 2);
    }
    job_release(&job);
}

static void remember_too_many(const char *overlap)
{
    struct job job;

    job_init(&job, SET("overlap", overlap));
    for (int i = 0; i < 900; i++) /* the last 500 in the very last second */
        lytics_far_event(job.far, i, i < 400 ? NOW - (i + 2) * SECOND : NOW - 1000 * (i - 399));
    drive_whole(&job.drive);
    assert_events(&job, 0, 900);
    for (int i = 900; i < 1000; i++)
        lytics_far_event(job.far, i, NOW + (i - 900) * 10000);
    job.drive.fake.now_us += HOUR;
    drive_whole(&job.drive);
    drive_whole(&job.drive);
    assert_events(&job, 0, 1000);
    job_release(&job);
}

static void test_where_too_many_are_to_be_remembered_none_comes_twice_or_is_lost(void **state)
{
    (void)state;
    remember_too_many("15m");
    remember_too_many("1500ms"); /* its seconds end behind the load */
    remember_too_many("0s");
}

static void test_an_end_that_is_yet_to_come_is_waited_for(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, SET("end_date", "2026-01-02", "overlap", "0s"));
    lytics_far_event(job.far, 0, NOW - HOUR);
    drive_whole(&job.drive);
    lytics_far_event(job.far, 1, NOW + HOUR);
    lytics_far_event(job.far, 2, NOW + 12 * HOUR - 1);
    lytics_far_event(job.far, 3, NOW + 12 * HOUR);
    job.drive.fake.now_us = NOW + 2 * HOUR;
    drive_whole(&job.drive);
    assert_events(&job, 0, 2);
    job.drive.fake.now_us = NOW + 48 * HOUR;
    drive_whole(&job.drive);
    drive_whole(&job.drive);
    assert_events(&job, 0, 3);
    job_release(&job);
}

static void test_a_clock_that_was_set_back_reads_nothing_anew(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, NULL);
    lytics_far_event(job.far, 0, NOW - HOUR);
    drive_whole(&job.drive);
    job.drive.fake.now_us = NOW - 24 * HOUR;
    drive_whole(&job.drive);
    job.drive.fake.now_us = NOW + HOUR;
    drive_whole(&job.drive);
    assert_events(&job, 0, 1);
    job_release(&job);
}

static void test_a_job_that_slept_long_goes_on_where_it_was(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, SET("window", "24h"));
    lytics_far_event(job.far, 0, NOW - HOUR);
    drive_whole(&job.drive);
    lytics_far_event(job.far, 1, NOW + HOUR); /* older than 30 days at the next load */
    job.drive.fake.now_us = NOW + 60 * 24 * HOUR;
    drive_whole(&job.drive);
    assert_events(&job, 0, 2);
    job_release(&job);
}

/* ---- what it does not take ------------------------------------------------------------------- */

static void test_events_that_cannot_be_rows_are_rejected(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, SET("window", "24h", "start_date", "2025-12-30"));
    job.far->answer = "{\"data\":[7,{\"id\":\"e1\"},{\"timestamp\":\"2026-01-01T11:00:00Z\"},"
                      "{\"id\":\"e2\",\"timestamp\":\"2026-01-01T10:00:00Z\",\"notes\":"
                      "\"\\ud800\"},{\"id\":\"e3\",\"timestamp\":\"2026-01-01T10:00:00.1Z\","
                      "\"notes\":{\"a\":1},\"related\":[ ],\"aid\":null}],"
                      "\"_meta\":{\"has_more\":false}}";
    drive_whole(&job.drive);
    assert_int_equal(job.drive.fake.reject_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(job.drive.fake.rejects[i].code, "bad_event");
    assert_string_equal(drive_rows(&job.drive),
                        "e3,2026-01-01T10:00:00.100Z,,,,,,\"{\"\"a\"\":1}\",[ ]\n");
    job_release(&job);
}

static void test_what_stands_in_the_state_is_not_trusted(void **state)
{
    struct job job;
    struct tow_position good;

    (void)state;
    job_init(&job, NULL);
    lytics_far_event(job.far, 0, NOW - HOUR);
    drive_whole(&job.drive);
    good = job.drive.at;
    for (uint32_t i = 1; i < good.length; i++) {
        job.drive.at = good;
        job.drive.at.length = i;
        assert_int_equal(drive_run(&job.drive, 0), TOW_E_CONFIG);
        assert_says(job.drive.err, "--full");
    }
    job.drive.at = good;
    job.drive.at.bytes[0] ^= 1;
    assert_int_equal(drive_run(&job.drive, 0), TOW_E_CONFIG);
    job_release(&job);
}

static void test_it_ends_when_it_is_told_to(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, NULL);
    fake_host_cancel(&job.drive.fake);
    assert_int_equal(drive_run(&job.drive, -1), TOW_E_CANCELLED);
    job_release(&job);
}

static int32_t put_word(void *context, const char *text, uint64_t length)
{
    snprintf(context, 32, "%.*s", (int)length, text);
    return TOW_OK;
}

static void test_the_word_aid_is_the_accounts_number(void **state)
{
    const struct tow_source_ops *ops = lytics_system_events_LTX_tow_plugin_entry()->source;
    const struct tow_position start = {.size = sizeof start};
    struct job job;
    char word[32];
    void *self;

    (void)state;
    job_init(&job, NULL);
    self = fake_instance_new(job.drive.plugin, job.settings);
    assert_ok(ops->open(self, &job.drive.fake.host, &start, &job.drive.err), job.drive.err);
    assert_string_equal(ops->names, "aid");
    assert_ok(ops->name(self, "aid", put_word, word, &job.drive.err), job.drive.err);
    assert_string_equal(word, "1234");
    ops->close(self);
    fake_instance_free(self);
    job_release(&job);
}

/* ---- what was seen --------------------------------------------------------------------------- */

static void test_the_oldest_are_forgotten_and_what_is_left_is_complete(void **state)
{
    struct tow_seen seen;

    (void)state;
    tow_seen_init(&seen, NOW);
    for (uint64_t i = 0; i < 1000; i++)
        tow_seen_add(&seen, NOW + (int64_t)(i / 3) * SECOND, i + 1);
    assert_true(seen.count <= TOW_SEEN_MAX);
    for (uint64_t i = 0; i < 1000; i++) {
        int64_t at = NOW + (int64_t)(i / 3) * SECOND;

        if (at >= seen.from_us)
            assert_true(tow_seen_has(&seen, i + 1));
    }
    assert_true(seen.from_us < NOW + 333 * SECOND);
    tow_seen_add(&seen, NOW - 1, 7777);
    assert_false(tow_seen_has(&seen, 7777));
}

static void test_a_position_is_read_as_it_was_written(void **state)
{
    struct tow_event_position position = {.next_us = NOW,
                                          .next_hash = UINT64_MAX,
                                          .end_us = NOW + 1},
                              read;
    struct tow_position bytes = {.size = sizeof bytes};
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    tow_seen_init(&position.past, NOW - HOUR);
    tow_seen_init(&position.fresh, -5);
    for (uint64_t i = 0; i < TOW_SEEN_MAX; i++) {
        tow_seen_add(&position.past, NOW - HOUR + (int64_t)i * SECOND, i << 56 | i);
        tow_seen_add(&position.fresh, (int64_t)i, UINT64_MAX - i);
    }
    tow_event_position_write(&position, &bytes);
    assert_ok(tow_event_position_read(&read, &bytes, &err), err);
    assert_int_equal(read.next_us, NOW);
    assert_true(read.next_hash == UINT64_MAX);
    assert_int_equal(read.end_us, NOW + 1);
    assert_int_equal(read.fresh.from_us, -5);
    assert_int_equal(read.past.count, TOW_SEEN_MAX);
    assert_memory_equal(read.past.hashes, position.past.hashes, sizeof read.past.hashes);
    assert_memory_equal(read.past.seconds, position.past.seconds, sizeof read.past.seconds);
    assert_memory_equal(read.fresh.hashes, position.fresh.hashes, sizeof read.fresh.hashes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_load_goes_on_behind_each_of_its_batches),
        cmocka_unit_test(test_a_load_goes_on_among_events_of_one_moment),
        cmocka_unit_test(test_batches_keep_to_the_limit_of_rows),
        cmocka_unit_test(test_a_page_that_fails_is_asked_for_again_and_nothing_is_lost),
        cmocka_unit_test(test_windows_meet_without_gap_and_without_overlap),
        cmocka_unit_test(test_an_api_that_hands_out_fewer_rows_than_were_asked_for_loses_none),
        cmocka_unit_test(test_rows_that_come_in_front_shift_no_event_out),
        cmocka_unit_test(test_rows_that_vanish_in_front_have_the_window_read_again),
        cmocka_unit_test(test_rows_that_never_stand_still_are_left_to_the_core),
        cmocka_unit_test(test_windows_are_halved_down_to_a_second),
        cmocka_unit_test(test_late_events_are_found_within_the_overlap),
        cmocka_unit_test(test_loads_in_quick_succession_hand_out_each_event_once),
        cmocka_unit_test(test_where_too_many_are_to_be_remembered_none_comes_twice_or_is_lost),
        cmocka_unit_test(test_an_end_that_is_yet_to_come_is_waited_for),
        cmocka_unit_test(test_a_clock_that_was_set_back_reads_nothing_anew),
        cmocka_unit_test(test_a_job_that_slept_long_goes_on_where_it_was),
        cmocka_unit_test(test_events_that_cannot_be_rows_are_rejected),
        cmocka_unit_test(test_what_stands_in_the_state_is_not_trusted),
        cmocka_unit_test(test_it_ends_when_it_is_told_to),
        cmocka_unit_test(test_the_word_aid_is_the_accounts_number),
        cmocka_unit_test(test_the_oldest_are_forgotten_and_what_is_left_is_complete),
        cmocka_unit_test(test_a_position_is_read_as_it_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
