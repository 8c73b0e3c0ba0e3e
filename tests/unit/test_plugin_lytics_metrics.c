#include "http_fixture.h"
#include "lytics_far.h"
#include "plugins/lytics_metrics/points.h"
#include "source_drive.h"
#include "unit.h"

tow_plugin_entry lytics_metrics_LTX_tow_plugin_entry;

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define NOW    (INT64_C(1767268800) * SECOND) /* 2026-01-01T12:00:00Z */

struct job {
    struct lytics_far *far;
    const char *settings[32];
    struct drive drive;
};

#define SET(...) ((const char *const[]){__VA_ARGS__, NULL})
#define STREAMS  "dimension", "stream", "dimension_type", "size", "settle", "0s", "lookback", "7d"

static void job_init(struct job *job, int ids, const char *const *more)
{
    size_t count = 0;

    job->far = calloc(1, sizeof *job->far);
    assert_non_null(job->far);
    http_fixture_clean_environment();
    lytics_far_start(job->far);
    for (job->far->id_count = 0; job->far->id_count < ids; job->far->id_count++)
        snprintf(job->far->ids[job->far->id_count], 16, "s%d", job->far->id_count);
    job->settings[count++] = "token";
    job->settings[count++] = "at.hush";
    job->settings[count++] = "api_url";
    job->settings[count++] = http_server_base(job->far->server);
    for (; *more; more++)
        job->settings[count++] = *more;
    job->settings[count] = NULL;
    drive_init(&job->drive, lytics_metrics_LTX_tow_plugin_entry(), job->settings);
    job->drive.fake.now_us = NOW;
}

static void job_release(struct job *job)
{
    drive_release(&job->drive);
    lytics_far_stop(job->far);
    free(job->far);
}

/* The row of a bucket, as a load that began then hands it out. */
static void bucket_line(char line[200], const char *id, int64_t at, int64_t exported)
{
    char ts[64], then[64];

    *tow_put_timestamp(ts, at, 1) = '\0';
    *tow_put_timestamp(then, exported, 1) = '\0';
    snprintf(line, 200, "stream,%s,size,%s,%g,%s", id, ts, lytics_far_value(at), then);
}

/* Each bucket of [from, to) of these ids is there once. */
static void assert_buckets(struct job *job, int first, int ids, int64_t from, int64_t to,
                           int64_t step, int64_t exported)
{
    for (int i = first; i < first + ids; i++)
        for (int64_t at = from; at < to; at += step) {
            char line[200];

            bucket_line(line, job->far->ids[i], at, exported);
            if (drive_count(&job->drive, line) != 1)
                fail_msg("%zu times: %s", drive_count(&job->drive, line), line);
        }
}

/* ---- loads ----------------------------------------------------------------------------------- */

static void test_a_load_goes_on_behind_each_of_its_batches_with_its_own_times(void **state)
{
    struct job job;

    (void)state;
    for (int stop = 1;; stop++) {
        int code;

        job_init(&job, 5, SET(STREAMS, "batch_requests", "2"));
        job.drive.fake.host.batch_rows = 37;
        code = drive_run(&job.drive, stop);
        if (code != TOW_END) {
            job.drive.fake.now_us += 5 * HOUR; /* another day, the same load */
            drive_whole(&job.drive);
        }
        assert_int_equal(job.drive.row_count, 5 * 84);
        assert_buckets(&job, 0, 5, NOW - 168 * HOUR, NOW, 2 * HOUR, NOW);
        job_release(&job);
        if (code == TOW_END)
            break;
    }
}

static void test_the_next_load_begins_where_this_one_ended(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, 3, SET(STREAMS));
    drive_whole(&job.drive);
    job.drive.fake.now_us += HOUR; /* no bucket has ended */
    drive_whole(&job.drive);
    assert_int_equal(job.drive.row_count, 3 * 84);
    job.drive.fake.now_us += 4 * HOUR;
    drive_whole(&job.drive);
    assert_int_equal(job.drive.row_count, 3 * 86);
    assert_buckets(&job, 0, 3, NOW, NOW + 4 * HOUR, 2 * HOUR, NOW + 5 * HOUR);
    job_release(&job);
}

static void test_0d_begins_with_what_comes_after(void **state)
{
    struct job job;

    (void)state;
    job_init(
        &job, 2,
        SET("dimension", "stream", "dimension_type", "size", "settle", "0s", "lookback", "0d"));
    drive_whole(&job.drive);
    assert_int_equal(job.drive.row_count, 0);
    assert_int_equal(job.far->metric_requests, 0);
    job.drive.fake.now_us += 6 * HOUR;
    drive_whole(&job.drive);
    assert_int_equal(job.drive.row_count, 2 * 3);
    assert_buckets(&job, 0, 2, NOW, NOW + 6 * HOUR, 2 * HOUR, NOW + 6 * HOUR);
    job_release(&job);
}

static void test_a_bucket_is_held_back_until_it_is_settled(void **state)
{
    struct job job;

    (void)state;
    job_init(
        &job, 1,
        SET("dimension", "stream", "dimension_type", "size", "settle", "10m", "lookback", "7d"));
    drive_whole(&job.drive);
    assert_buckets(&job, 0, 1, NOW - 168 * HOUR, NOW - 2 * HOUR, 2 * HOUR, NOW);
    assert_int_equal(job.drive.row_count, 83);
    job.drive.fake.now_us += 601 * SECOND;
    drive_whole(&job.drive);
    assert_int_equal(job.drive.row_count, 84);
    job_release(&job);
}

static void test_an_id_that_turns_up_later_begins_where_its_metric_stands(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, 2, SET(STREAMS));
    drive_whole(&job.drive);
    snprintf(job.far->ids[job.far->id_count++], 16, "new");
    job.drive.fake.now_us += 2 * HOUR;
    drive_whole(&job.drive);
    assert_int_equal(job.drive.row_count, 2 * 84 + 3);
    assert_buckets(&job, 2, 1, NOW, NOW + 2 * HOUR, 2 * HOUR, NOW + 2 * HOUR);
    job_release(&job);
}

static void test_an_id_that_is_listed_twice_is_exported_once(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, 3, SET(STREAMS, "batch_requests", "2"));
    snprintf(job.far->ids[job.far->id_count++], 16, "s0");
    snprintf(job.far->ids[job.far->id_count++], 16, "s2");
    drive_whole(&job.drive);
    assert_int_equal(job.drive.row_count, 3 * 84);
    job_release(&job);
}

static void test_an_id_that_vanished_and_came_back_lacks_nothing(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, 3, SET(STREAMS));
    drive_whole(&job.drive);
    job.far->id_count = 2;
    job.drive.fake.now_us += 4 * HOUR;
    drive_whole(&job.drive);
    job.far->id_count = 3;
    job.drive.fake.now_us += 4 * HOUR;
    drive_whole(&job.drive);
    assert_int_equal(job.drive.row_count, 3 * 88);
    assert_buckets(&job, 2, 1, NOW, NOW + 8 * HOUR, 2 * HOUR, NOW + 8 * HOUR);
    job_release(&job);
}

static void test_an_id_that_failed_is_asked_for_again_from_where_it_was(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, 4, SET(STREAMS, "batch_requests", "3"));
    job.far->broken = "s1";
    drive_whole(&job.drive);
    assert_int_equal(job.drive.row_count, 3 * 84);
    assert_true(fake_host_logged(&job.drive.fake, TOW_LOG_WARN, "it broke"));
    job.drive.fake.now_us += 2 * HOUR;
    drive_whole(&job.drive);
    job.far->broken = NULL;
    job.drive.fake.now_us += 2 * HOUR;
    drive_whole(&job.drive);
    assert_int_equal(job.drive.row_count, 4 * 86);
    assert_buckets(&job, 1, 1, NOW - 168 * HOUR, NOW + 4 * HOUR, 2 * HOUR, NOW + 4 * HOUR);
    job_release(&job);
}

static void test_the_only_id_that_is_left_of_a_load_may_fail(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, 3, SET(STREAMS, "batch_requests", "1"));
    assert_int_equal(drive_run(&job.drive, 2), TOW_OK);
    job.far->broken = "s2";
    drive_whole(&job.drive);
    assert_int_equal(job.drive.row_count, 2 * 84);
    job_release(&job);
}

static void test_a_metric_that_fails_for_all_ids_stops_the_load(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, 1, SET(STREAMS));
    job.far->broken = "s0";
    assert_int_equal(drive_run(&job.drive, -1), TOW_E_ENV);
    assert_says(job.drive.err, "for all of 1 ids, first with \"it broke\"");
    job.far->broken = NULL;
    drive_whole(&job.drive);
    assert_int_equal(job.drive.row_count, 84);
    job_release(&job);
}

static void test_requests_that_fail_are_made_again_and_nothing_is_lost(void **state)
{
    struct job job;

    (void)state;
    for (int at = 1; at < 6; at++) {
        job_init(&job, 7, SET(STREAMS, "batch_requests", "2"));
        job.far->fails_at = at;
        drive_whole(&job.drive);
        assert_int_equal(job.drive.passing, 1);
        assert_int_equal(job.drive.row_count, 7 * 84);
        assert_buckets(&job, 0, 7, NOW - 168 * HOUR, NOW, 2 * HOUR, NOW);
        job_release(&job);
    }
}

static void test_long_series_are_asked_for_in_pieces(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, 1,
             SET("dimension", "stream", "dimension_type", "size", "settle", "0s", "lookback", "14d",
                 "interval", "1m"));
    job.drive.fake.host.batch_rows = 3000;
    drive_whole(&job.drive);
    assert_int_equal(job.drive.row_count, 14 * 1440);
    assert_int_equal(job.far->metric_requests, 3);
    job_release(&job);
}

static void test_several_metrics_are_one_job(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, 2,
             SET("metrics", "stream:size,stream:seen:s9", "settle", "0s", "lookback", "7d"));
    drive_whole(&job.drive);
    assert_int_equal(job.drive.row_count, 3 * 84);
    job.drive.fake.now_us += 2 * HOUR;
    drive_whole(&job.drive);
    assert_int_equal(job.drive.row_count, 3 * 85);
    job_release(&job);
}

static void test_ids_of_one_metric_that_are_named_begin_each_for_itself(void **state)
{
    struct job job;

    (void)state;
    for (int stop = 1; stop < 6; stop++) {
        job_init(&job, 0,
                 SET("metrics", "stream:size:a,stream:size:b", "settle", "0s", "lookback", "7d"));
        assert_int_equal(drive_run(&job.drive, stop), stop < 5 ? TOW_OK : TOW_END);
        drive_whole(&job.drive);
        assert_int_equal(job.drive.row_count, 2 * 84);
        job_release(&job);
    }
}

static void test_other_buckets_do_not_go_on_from_there(void **state)
{
    static const char *const changes[][2] = {{"interval", "1h"}, {"aggregation", "max"}};
    struct job job;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        job_init(&job, 1, SET(STREAMS, changes[i][0], i ? "sum" : "2h"));
        drive_whole(&job.drive);
        job.settings[13] = changes[i][1];
        assert_string_equal(job.settings[12], changes[i][0]);
        assert_int_equal(drive_run(&job.drive, -1), TOW_E_CONFIG);
        assert_says(job.drive.err, "do not go on from there");
        job_release(&job);
    }
}

/* ---- what it does not take ------------------------------------------------------------------- */

static void test_what_stands_in_the_state_is_not_trusted(void **state)
{
    const char *const texts[] = {"lm1", "lm1 x 5", "lm2 5 5", "\1\2\3"};
    const struct tow_host *host;
    struct job job;

    (void)state;
    job_init(&job, 1, SET(STREAMS));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        job.drive.at.length = (uint32_t)strlen(texts[i]);
        memcpy(job.drive.at.bytes, texts[i], strlen(texts[i]));
        assert_int_equal(drive_run(&job.drive, 0), TOW_E_CONFIG);
        assert_says(job.drive.err, "--full");
    }
    job.drive.at.length = 0;
    host = &job.drive.fake.host;
    assert_ok(host->ledger_put(host, "id:stream:size:s0", "many", 4, &job.drive.err),
              job.drive.err);
    assert_int_equal(drive_run(&job.drive, -1), TOW_E_CONFIG);
    assert_says(job.drive.err, "no mark of metrics");
    job_release(&job);
}

static void test_it_ends_when_it_is_told_to(void **state)
{
    struct job job;

    (void)state;
    job_init(&job, 1, SET(STREAMS));
    fake_host_cancel(&job.drive.fake);
    assert_int_equal(drive_run(&job.drive, -1), TOW_E_CANCELLED);
    job_release(&job);
}

#define PART(literal) ((struct tow_json_part){literal, sizeof(literal) - 1})

static void test_points_are_put_in_order_and_each_time_is_once(void **state)
{
    struct tow_points points = {.count = 0};
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    assert_ok(tow_points_read(&points,
                              PART("[{\"ts\":\"3\",\"value\":3},{\"ts\":1,\"value\":\"1.5\"},"
                                   "{\"ts\":\"3\",\"value\":4},{\"ts\":\"2\",\"value\":null},"
                                   "{\"ts\":\"9\",\"value\":9},{\"ts\":\"0\",\"value\":0}]"),
                              1000, 9000, &err),
              err);
    assert_int_equal(points.count, 2);
    assert_int_equal(points.items[0].at_us, 1000);
    assert_true(points.items[0].value == 1.5);
    assert_int_equal(points.items[1].at_us, 3000);
    assert_int_equal(points.bad_count, 0);
    assert_ok(tow_points_read(&points,
                              PART("[{\"value\":3},{\"ts\":\"99999999999999999\",\"value\":1},"
                                   "{\"ts\":\"5\",\"value\":true},{\"ts\":\"5\",\"value\":{}},[]]"),
                              0, 9000, &err),
              err);
    assert_int_equal(points.count, 0);
    assert_int_equal(points.bad_count, 5);
    assert_ok(tow_points_read(&points, (struct tow_json_part){NULL, 0}, 0, 1, &err), err);
    assert_int_equal(tow_points_read(&points, PART("7"), 0, 1, &err), TOW_E_ENV);
    tow_points_release(&points);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_load_goes_on_behind_each_of_its_batches_with_its_own_times),
        cmocka_unit_test(test_the_next_load_begins_where_this_one_ended),
        cmocka_unit_test(test_0d_begins_with_what_comes_after),
        cmocka_unit_test(test_a_bucket_is_held_back_until_it_is_settled),
        cmocka_unit_test(test_an_id_that_turns_up_later_begins_where_its_metric_stands),
        cmocka_unit_test(test_an_id_that_is_listed_twice_is_exported_once),
        cmocka_unit_test(test_an_id_that_vanished_and_came_back_lacks_nothing),
        cmocka_unit_test(test_an_id_that_failed_is_asked_for_again_from_where_it_was),
        cmocka_unit_test(test_the_only_id_that_is_left_of_a_load_may_fail),
        cmocka_unit_test(test_a_metric_that_fails_for_all_ids_stops_the_load),
        cmocka_unit_test(test_requests_that_fail_are_made_again_and_nothing_is_lost),
        cmocka_unit_test(test_long_series_are_asked_for_in_pieces),
        cmocka_unit_test(test_several_metrics_are_one_job),
        cmocka_unit_test(test_ids_of_one_metric_that_are_named_begin_each_for_itself),
        cmocka_unit_test(test_other_buckets_do_not_go_on_from_there),
        cmocka_unit_test(test_what_stands_in_the_state_is_not_trusted),
        cmocka_unit_test(test_it_ends_when_it_is_told_to),
        cmocka_unit_test(test_points_are_put_in_order_and_each_time_is_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
