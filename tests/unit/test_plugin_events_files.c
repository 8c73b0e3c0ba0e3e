/* The source events over many files: the ledger, going on, files that grow, and starting from now.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "events_fixture.h"
#include "random.h"
#include "unit.h"

static struct fake_host fake;

static int setup(void **state)
{
    int failed = scratch_setup(state);

    fake_host_init(&fake);
    return failed;
}

static int teardown(void **state)
{
    fake_host_release(&fake);
    return scratch_teardown(state);
}

static void touch(void **state, const char *name, int64_t seconds)
{
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};

    assert_int_equal(utimensat(AT_FDCWD, events_path(*state, name), times, 0), 0);
}

/* ---- whole files ---------------------------------------------------------------------------- */

/* EVT-7: the job runs again and again, and each time exports what is new. */
static void test_evt_7_a_later_run_reads_only_new_files(void **state)
{
    const char *const *settings = SET("path", events_path(*state, "*.ndjson"), "stream", "s");

    assert_events(&fake, settings, NULL, "", NULL);
    events_write(*state, "b.ndjson", "{\"id\":1}\n");
    assert_events(&fake, settings, NULL, "1 ", NULL);
    events_write(*state, "a.ndjson", "{\"id\":2}\n");
    assert_events(&fake, settings, NULL, "2 ", NULL);
    assert_events(&fake, settings, NULL, "", NULL);
}

static void test_without_the_ledger_every_run_reads_all(void **state)
{
    const char *const *settings =
        SET("path", events_path(*state, ""), "stream", "s", "incremental", "none");

    events_write(*state, "a", "{\"id\":1}\n");
    assert_events(&fake, settings, NULL, "1 ", NULL);
    assert_events(&fake, settings, NULL, "1 ", NULL);
    assert_int_equal(fake.fact_count, 0);
}

static void test_a_file_that_has_changed_is_dealt_with_as_told(void **state)
{
    const char *path = events_path(*state, "");

    events_write(*state, "a", "{\"id\":1}\n");
    touch(state, "a", 1000);
    assert_events(&fake, SET("path", path, "stream", "s"), NULL, "1 ", NULL);
    events_write(*state, "a", "{\"id\":1}\n{\"id\":2}\n");
    assert_events_fail(&fake, SET("path", path, "stream", "s"), TOW_E_ENV,
                       "has grown since it was loaded: 9 bytes");
    assert_events(&fake, SET("path", path, "stream", "s", "on_change", "skip"), NULL, "", NULL);
    assert_true(fake_host_logged(&fake, TOW_LOG_WARN, "left out"));
    assert_events(&fake, SET("path", path, "stream", "s", "on_change", "reload"), NULL, "1 2 ",
                  NULL);
    assert_events(&fake, SET("path", path, "stream", "s"), NULL, "", NULL);
}

static void test_a_file_waits_for_its_marker(void **state)
{
    const char *const *by_ending =
        SET("path", events_path(*state, "*.ndjson"), "stream", "s", "done_marker", ".done");
    const char *const *by_name =
        SET("path", events_path(*state, "*.ndjson"), "stream", "s", "done_marker", "_SUCCESS");

    events_write(*state, "a.ndjson", "{\"id\":1}\n");
    events_write(*state, "b.ndjson", "{\"id\":2}\n");
    events_write(*state, "b.ndjson.done", "");
    assert_events(&fake, by_ending, NULL, "2 ", NULL);
    assert_events(&fake, by_name, NULL, "", NULL);
    events_write(*state, "_SUCCESS", "");
    assert_events(&fake, by_name, NULL, "1 ", NULL);
}

/* From behind each batch, the rest comes and nothing else, whether the ledger has moved with it. */
static void test_a_load_goes_on_behind_each_batch(void **state)
{
    const char *const *settings = SET("path", events_path(*state, "*.*"), "stream", "s");
    char *one = events_numbered(1, 7), *two = events_numbered(8, 5);
    struct tow_position positions[32];
    struct events_run run;
    size_t behind[32], count = 0;

    events_write(*state, "1.ndjson", one);
    events_write_gzip(*state, "2.gz", two);
    events_write(*state, "3.json", "[{\"id\":13}, {\"id\":14},x,{\"id\":15}]");
    fake.host.batch_rows = 2;
    events_run_init(&run, &fake, settings, 64);
    assert_ok(events_run_open(&run, NULL), run.err);
    while (events_run_read(&run) == TOW_OK) {
        positions[count] = run.position;
        behind[count++] = run.brief.size;
    }
    assert_ok(tow_buffer_append(&run.brief, "", 1, &run.err), run.err);
    assert_string_equal(run.brief.data, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 ");
    for (size_t i = 0; i < count; i++) {
        struct fake_host other;

        /* A ledger that says nothing: the position alone. */
        fake_host_init(&other);
        other.host.batch_rows = 2;
        assert_events(&other, settings, &positions[i], run.brief.data + behind[i], NULL);
        fake_host_release(&other);
    }
    assert_events(&fake, settings, &positions[count - 1], "", NULL);
    events_run_release(&run);
    free(one);
    free(two);
}

static void test_a_file_that_changed_under_a_stopped_load_is_refused(void **state)
{
    const char *const *settings = SET("path", events_path(*state, "a"), "stream", "s");
    struct tow_position position;
    struct events_run run;

    events_write(*state, "a", "{\"id\":1}\n{\"id\":2}\n");
    fake.host.batch_rows = 1;
    events_run_init(&run, &fake, settings, 0);
    assert_ok(events_run_open(&run, NULL), run.err);
    assert_ok(events_run_read(&run), run.err);
    position = run.position;
    events_run_release(&run);
    events_write(*state, "a", "{\"id\":7}\n{\"id\":2}\n");
    events_run_init(&run, &fake, settings, 0);
    assert_ok(events_run_open(&run, &position), run.err);
    assert_int_equal(events_run_read(&run), TOW_E_ENV);
    assert_says(run.err, "changed before the point");
    events_run_release(&run);
    assert_int_equal(unlink(events_path(*state, "a")), 0);
    events_write(*state, "b", "");
    events_run_init(&run, &fake, SET("path", events_path(*state, ""), "stream", "s"), 0);
    assert_int_equal(events_run_open(&run, &position), TOW_E_ENV);
    assert_says(run.err, "is not there any more");
    events_run_release(&run);
}

static void test_a_position_of_something_else_is_refused(void **state)
{
    static const char *const texts[] = {
        "csv 1 0 1 0 0 0 0\n/a",    "events 1 f 0 1 0 0 0\n",
        "events 1 f 0 0 0 0 0\n/a", "events 1 x 0 1 0 0 0\n/a",
        "events 1 f 1 1 0 0 2\n/a", "events 1 f 99999999999999999999 1 0 0 0\n/a",
        "events 1 f 0 1 0 0 0 /a",  "events 1 - 0 1 0 0 0\n/a"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct tow_position position = {.size = sizeof position};
        struct events_run run;

        position.length = (uint32_t)strlen(texts[i]);
        memcpy(position.bytes, texts[i], position.length);
        events_run_init(&run, &fake, SET("path", events_path(*state, ""), "stream", "s"), 0);
        assert_int_equal(events_run_open(&run, &position), TOW_E_ENV);
        assert_says(run.err, "none of this plugin's");
        events_run_release(&run);
    }
}

/* ---- files that grow ------------------------------------------------------------------------ */

#define TAIL(state, pattern) \
    SET("path", events_path(*(state), pattern), "stream", "s", "tail", "true")

static void test_a_file_that_grows_is_read_on_in_whole_lines(void **state)
{
    events_write(*state, "a.log", "{\"id\":1}\n{\"id\":2}\n{\"id\"");
    assert_events(&fake, TAIL(state, "a.log"), NULL, "1 2 ", NULL);
    assert_events(&fake, TAIL(state, "a.log"), NULL, "", NULL);
    events_append(*state, "a.log", ":3}\n{\"id\":4}");
    assert_events(&fake, TAIL(state, "a.log"), NULL, "3 ", NULL);
    events_append(*state, "a.log", "\n");
    assert_events(&fake, TAIL(state, "a.log"), NULL, "4 ", NULL);
    assert_events(&fake, TAIL(state, "a.log"), NULL, "", NULL);
}

static void test_a_first_line_that_is_not_whole_is_waited_for(void **state)
{
    events_write(*state, "a.log", "{\"id\":1}");
    assert_events(&fake, TAIL(state, "a.log"), NULL, "", NULL);
    assert_int_equal(fake.fact_count, 0);
    events_append(*state, "a.log", "\n");
    assert_events(&fake, TAIL(state, "a.log"), NULL, "1 ", NULL);
}

static void test_a_rotated_file_is_read_to_its_end(void **state)
{
    char old[256];

    events_write(*state, "a.log", "{\"id\":1}\n");
    assert_events(&fake, TAIL(state, "a.log"), NULL, "1 ", NULL);
    events_append(*state, "a.log", "{\"id\":2}\n");
    strcpy(old, events_path(*state, "a.log"));
    assert_int_equal(rename(old, events_path(*state, "a.log.1")), 0);
    events_write(*state, "a.log", "{\"id\":3}\n");
    assert_events(&fake, TAIL(state, "a.log"), NULL, "3 2 ", NULL);
    /* Once more, by a pattern that has both. */
    assert_int_equal(rename(events_path(*state, "a.log.1"), events_path(*state, "a.log.2")), 0);
    assert_int_equal(rename(old, events_path(*state, "a.log.1")), 0);
    events_write(*state, "a.log", "{\"id\":4}\n");
    assert_events(&fake, TAIL(state, "a.log*"), NULL, "4 ", NULL);
    assert_events(&fake, TAIL(state, "a.log"), NULL, "", NULL);
}

static void test_a_file_that_was_cut_is_read_from_its_start(void **state)
{
    events_write(*state, "a.log", "{\"id\":1}\n{\"id\":2}\n");
    assert_events(&fake, TAIL(state, "a.log"), NULL, "1 2 ", NULL);
    /* The inode stays, the first line is another. */
    events_write(*state, "a.log", "{\"id\":3}\n");
    assert_events(&fake, TAIL(state, "a.log"), NULL, "3 ", NULL);
    /* And where it is the same, less than before was there. */
    events_write(*state, "a.log", "{\"id\":3}\n{\"id\":4}\n");
    assert_events(&fake, TAIL(state, "a.log"), NULL, "4 ", NULL);
    events_write(*state, "a.log", "{\"id\":3}\n");
    assert_events(&fake, TAIL(state, "a.log"), NULL, "3 ", NULL);
    assert_true(fake_host_logged(&fake, TOW_LOG_WARN, "it was cut, and is read from its start"));
}

static void test_compressed_files_among_those_that_grow_are_read_once(void **state)
{
    events_write(*state, "a.log", "{\"id\":1}\n");
    events_write_gzip(*state, "b.log.gz", "{\"id\":2}\n{\"id\":3}");
    assert_events(&fake, TAIL(state, "*"), NULL, "1 2 3 ", NULL);
    assert_events(&fake, TAIL(state, "*"), NULL, "", NULL);
}

static void test_a_job_may_stop_following(void **state)
{
    events_write(*state, "a.log", "{\"id\":1}\n");
    assert_events(&fake, TAIL(state, "a.log"), NULL, "1 ", NULL);
    events_append(*state, "a.log", "{\"id\":2}\n{\"id\":3}");
    assert_events(&fake, SET("path", events_path(*state, "a.log"), "stream", "s"), NULL, "2 3 ",
                  NULL);
    assert_events(&fake, SET("path", events_path(*state, "a.log"), "stream", "s"), NULL, "", NULL);
}

/* Stopped behind any batch, with the marks of the batches before it and no others. */
static void test_files_that_grow_lose_and_double_nothing(void **state)
{
    uint64_t seed = RANDOM_SEED;
    char seen[400] = {0};
    int next = 1;

    fake.host.batch_rows = 3;
    while (next < 300) {
        struct tow_position position = {.size = sizeof position};
        struct events_run run;
        uint64_t reads = random_below(&seed, 5);

        for (uint64_t n = random_below(&seed, 12); n > 0 && next < 300; n--) {
            char name[16], *line = events_numbered(next++, 1);

            sprintf(name, "%d.log", (int)random_below(&seed, 3));
            events_append(*state, name, line);
            free(line);
        }
        events_run_init(&run, &fake, TAIL(state, "*"), 0);
        assert_ok(events_run_open(&run, &position), run.err);
        while (reads-- > 0 && events_run_read(&run) == TOW_OK)
            ;
        for (char *p = run.brief.data; p && p < run.brief.data + run.brief.size; p++)
            seen[strtol(p, &p, 10)]++;
        events_run_release(&run);
    }
    fake.host.batch_rows = 1000;
    struct events_run run;
    events_run_init(&run, &fake, TAIL(state, "*"), 0);
    assert_ok(events_run_open(&run, NULL), run.err);
    assert_int_equal(events_run_read_all(&run), TOW_END);
    for (char *p = run.brief.data; p && p < run.brief.data + run.brief.size; p++)
        seen[strtol(p, &p, 10)]++;
    events_run_release(&run);
    for (int i = 1; i < 300; i++)
        assert_int_equal(seen[i], 1);
}

/* ---- following ------------------------------------------------------------------------------ */

static void test_following_waits_and_goes_on(void **state)
{
    const char *const *settings = SET("path", events_path(*state, "*.log"), "stream", "s", "tail",
                                      "true", "follow", "true", "poll_interval", "100");
    struct events_run run;

    events_write(*state, "a.log", "{\"id\":1}\n");
    events_run_init(&run, &fake, settings, 0);
    assert_ok(events_run_open(&run, NULL), run.err);
    assert_ok(events_run_read(&run), run.err);
    assert_buffer(&run.brief, "1 ");
    assert_ok(events_run_read(&run), run.err);
    assert_int_equal(run.count, 1);
    events_append(*state, "a.log", "{\"id\":2}\n");
    events_write(*state, "b.log", "{\"id\":3}\n");
    for (int i = 0; i < 50 && run.count < 3; i++)
        assert_ok(events_run_read(&run), run.err);
    assert_buffer(&run.brief, "1 2 3 ");
    /* Rotated between two looks, with a line that nobody had seen. */
    events_append(*state, "a.log", "{\"id\":4}\n");
    assert_int_equal(rename(events_path(*state, "a.log"), events_path(*state, "a.old")), 0);
    events_write(*state, "a.log", "{\"id\":5}\n");
    for (int i = 0; i < 50 && run.count < 5; i++)
        assert_ok(events_run_read(&run), run.err);
    assert_buffer(&run.brief, "1 2 3 5 4 ");
    fake_host_cancel(&fake);
    assert_int_equal(events_run_read(&run), TOW_E_CANCELLED);
    events_run_release(&run);
}

static void test_following_says_once_that_a_file_is_left_out(void **state)
{
    const char *const *settings =
        SET("path", events_path(*state, "*.gz"), "stream", "s", "tail", "true", "follow", "true",
            "poll_interval", "100", "on_change", "skip");
    struct events_run run;
    size_t warnings = 0;

    events_write_gzip(*state, "a.gz", "{\"id\":1}\n");
    assert_events(&fake, TAIL(state, "*.gz"), NULL, "1 ", NULL);
    events_write_gzip(*state, "a.gz", "{\"id\":1}\n{\"id\":2}\n");
    events_run_init(&run, &fake, settings, 0);
    assert_ok(events_run_open(&run, NULL), run.err);
    for (int i = 0; i < 5; i++)
        assert_ok(events_run_read(&run), run.err);
    assert_int_equal(run.count, 0);
    for (size_t i = 0; i < fake.line_count; i++)
        warnings += fake.lines[i].level == TOW_LOG_WARN;
    assert_int_equal(warnings, 1);
    events_run_release(&run);
}

static void test_following_sees_a_file_that_was_written_over_with_as_many_bytes(void **state)
{
    struct events_run run;

    events_write(*state, "a.log", "{\"id\":1}\n");
    touch(state, "a.log", 1000);
    events_run_init(&run, &fake,
                    SET("path", events_path(*state, "*.log"), "stream", "s", "tail", "true",
                        "follow", "true", "poll_interval", "100"),
                    0);
    assert_ok(events_run_open(&run, NULL), run.err);
    assert_ok(events_run_read(&run), run.err);
    events_write(*state, "a.log", "{\"id\":2}\n");
    for (int i = 0; i < 50 && run.count < 2; i++)
        assert_ok(events_run_read(&run), run.err);
    assert_buffer(&run.brief, "1 2 ");
    events_run_release(&run);
}

static void test_following_deals_with_whole_files_that_change_as_told(void **state)
{
    struct events_run run;

    events_write_gzip(*state, "a.gz", "{\"id\":1}\n");
    events_run_init(&run, &fake,
                    SET("path", events_path(*state, "*.gz"), "stream", "s", "tail", "true",
                        "follow", "true", "poll_interval", "100"),
                    0);
    assert_ok(events_run_open(&run, NULL), run.err);
    assert_ok(events_run_read(&run), run.err);
    /* No checkpoint so far. */
    while (fake.fact_count > 0)
        assert_ok(fake.host.ledger_remove(&fake.host, fake.facts[0].key, &run.err), run.err);
    events_write_gzip(*state, "a.gz", "{\"id\":1}\n{\"id\":2}\n");
    for (int i = 0; i < 50; i++)
        if (events_run_read(&run) != TOW_OK)
            break;
    assert_says(run.err, "has changed since it was read");
    assert_buffer(&run.brief, "1 ");
    events_run_release(&run);
}

static void test_following_reads_on_without_a_checkpoint_in_between(void **state)
{
    const char *const *settings = SET("path", events_path(*state, "*.log"), "stream", "s", "tail",
                                      "true", "follow", "true", "poll_interval", "100");
    struct events_run run;

    /* Marks reach the ledger with a checkpoint, which may be far away. */
    events_run_init(&run, &fake, settings, 0);
    assert_ok(events_run_open(&run, NULL), run.err);
    for (int i = 1; i < 20; i++) {
        char *line = events_numbered(i, 1);

        events_append(*state, "a.log", line);
        free(line);
        for (int tries = 0; tries < 50 && run.count < i; tries++)
            assert_ok(events_run_read(&run), run.err);
        while (fake.fact_count > 0)
            assert_ok(fake.host.ledger_remove(&fake.host, fake.facts[0].key, &run.err), run.err);
    }
    assert_buffer(&run.brief, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 ");
    events_run_release(&run);
}

/* ---- from now on ---------------------------------------------------------------------------- */

/* EVT-8 */
static void test_evt_8_what_was_there_before_is_passed_over(void **state)
{
    const char *const *settings = SET("path", events_path(*state, "*"), "stream", "s",
                                      "start_from_end", "true", "start_date", "2026-01-01");

    events_write(*state, "a", "{\"id\":1}\n");
    events_write_gzip(*state, "b.gz", "{\"id\":2}\n");
    assert_events(&fake, settings, NULL, "", NULL);
    assert_true(fake_host_logged(&fake, TOW_LOG_WARN, "which are ignored"));
    /* Older than start_date, which has no say. */
    events_write(*state, "c", "{\"id\":3,\"ts\":0}\n");
    assert_events(&fake, settings, NULL, "3 ", NULL);
}

static void test_evt_8_of_files_that_grow_later_lines_are_read(void **state)
{
    const char *const *settings = SET("path", events_path(*state, "*"), "stream", "s",
                                      "start_from_end", "true", "tail", "true");

    events_write(*state, "a", "{\"id\":1}\n{\"id\":2");
    assert_events(&fake, settings, NULL, "", NULL);
    events_append(*state, "a", "}\n{\"id\":3}\n");
    events_write(*state, "b", "{\"id\":4}\n");
    assert_events(&fake, settings, NULL, "2 3 4 ", NULL);
}

static void test_who_only_looks_is_shown_what_there_is(void **state)
{
    events_write(*state, "a", "{\"id\":1}\n");
    fake.host.load_id = "";
    assert_events(&fake,
                  SET("path", events_path(*state, "*"), "stream", "s", "start_from_end", "true",
                      "tail", "true", "follow", "true"),
                  NULL, "1 ", NULL);
}

static void test_a_start_from_now_that_was_stopped_is_made_whole(void **state)
{
    const char *const *settings =
        SET("path", events_path(*state, "*"), "stream", "s", "start_from_end", "true");
    struct events_run run;
    struct tow_position position;

    events_write(*state, "a", "{\"id\":1}\n");
    events_write(*state, "b", "{\"id\":2}\n");
    events_run_init(&run, &fake, settings, 0);
    assert_ok(events_run_open(&run, NULL), run.err);
    assert_ok(events_run_read(&run), run.err);
    position = run.position;
    events_run_release(&run);
    assert_int_equal(fake.fact_count, 1);
    assert_events(&fake, settings, &position, "", NULL);
    assert_int_equal(fake.fact_count, 3);
    events_write(*state, "c", "{\"id\":3}\n");
    assert_events(&fake, settings, NULL, "3 ", NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_evt_7_a_later_run_reads_only_new_files),
        TEST(test_without_the_ledger_every_run_reads_all),
        TEST(test_a_file_that_has_changed_is_dealt_with_as_told),
        TEST(test_a_file_waits_for_its_marker),
        TEST(test_a_load_goes_on_behind_each_batch),
        TEST(test_a_file_that_changed_under_a_stopped_load_is_refused),
        TEST(test_a_position_of_something_else_is_refused),
        TEST(test_a_file_that_grows_is_read_on_in_whole_lines),
        TEST(test_a_first_line_that_is_not_whole_is_waited_for),
        TEST(test_a_rotated_file_is_read_to_its_end),
        TEST(test_a_file_that_was_cut_is_read_from_its_start),
        TEST(test_compressed_files_among_those_that_grow_are_read_once),
        TEST(test_a_job_may_stop_following),
        TEST(test_files_that_grow_lose_and_double_nothing),
        TEST(test_following_waits_and_goes_on),
        TEST(test_following_says_once_that_a_file_is_left_out),
        TEST(test_following_sees_a_file_that_was_written_over_with_as_many_bytes),
        TEST(test_following_deals_with_whole_files_that_change_as_told),
        TEST(test_following_reads_on_without_a_checkpoint_in_between),
        TEST(test_evt_8_what_was_there_before_is_passed_over),
        TEST(test_evt_8_of_files_that_grow_later_lines_are_read),
        TEST(test_who_only_looks_is_shown_what_there_is),
        TEST(test_a_start_from_now_that_was_stopped_is_made_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
