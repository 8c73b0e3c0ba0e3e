/* connectors/webhook/spool.h: what was committed is read, once and in order, whatever happened. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/webhook/spool.h"
#include "nomem.h"
#include "scratch.h"
#include "unit.h"

static char folder[160];
static struct tow_error err;

static int set_up(void **state)
{
    int result = scratch_setup(state);

    if (result == 0)
        snprintf(folder, sizeof folder, "%s/a/spool", ((struct scratch *)*state)->folder);
    err = (struct tow_error)TOW_ERROR_INIT;
    return result;
}

static const struct tow_spool_settings small = {
    .folder = folder, .segment_bytes = 4096, .max_bytes = 1 << 20, .max_message = 1000};

static struct tow_spool *open_spool(void)
{
    struct tow_spool *spool;

    assert_ok(tow_spool_open(&small, &spool, &err), err);
    return spool;
}

static void add(struct tow_spool *spool, const char *text)
{
    assert_ok(tow_spool_add(spool, text, strlen(text), 1234567, &err), err);
}

static void commit(struct tow_spool *spool)
{
    assert_ok(tow_spool_commit(spool, &err), err);
}

/* The next message is that text; returns the place behind it. */
static struct tow_spool_place expect(struct tow_spool *spool, struct tow_spool_place at,
                                     const char *text)
{
    struct tow_spool_message message;

    assert_ok(tow_spool_read(spool, at, &message, &err), err);
    assert_int_equal(message.length, strlen(text));
    assert_memory_equal(message.bytes, text, message.length);
    assert_int_equal(message.received_us, 1234567);
    assert_true(tow_spool_before(at, message.next));
    return message.next;
}

static void expect_end(struct tow_spool *spool, struct tow_spool_place at)
{
    struct tow_spool_message message;

    assert_int_equal(tow_spool_read(spool, at, &message, &err), TOW_END);
}

static const struct tow_spool_place start;

/* ---- the usual way -------------------------------------------------------------------------- */

static void test_what_is_committed_is_read_in_order(void **state)
{
    struct tow_spool *spool = open_spool();

    (void)state;
    expect_end(spool, start);
    add(spool, "one");
    add(spool, "");
    expect_end(spool, start);
    commit(spool);
    struct tow_spool_place at = expect(spool, start, "one");
    at = expect(spool, at, "");
    expect_end(spool, at);
    add(spool, "three");
    commit(spool);
    at = expect(spool, at, "three");
    expect_end(spool, at);
    tow_spool_free(spool);
}

static void test_nobody_else_can_look_into_its_folder(void **state)
{
    mode_t mask = umask(0);
    struct stat info;

    (void)state;
    tow_spool_free(open_spool());
    umask(mask);
    assert_int_equal(stat(folder, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
}

static void test_places_hold_over_reopening_and_segments(void **state)
{
    struct tow_spool *spool = open_spool();
    struct tow_spool_place at = start;
    char text[200];

    (void)state;
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof text, "message %d %0*d", i, i % 150, i);
        add(spool, text);
        commit(spool);
        if (i % 70 == 69) {
            tow_spool_free(spool);
            spool = open_spool();
            assert_int_equal(tow_spool_cut(spool), 0);
        }
    }
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof text, "message %d %0*d", i, i % 150, i);
        at = expect(spool, at, text);
        if (i == 150) {
            tow_spool_free(spool);
            spool = open_spool();
        }
    }
    expect_end(spool, at);
    assert_true(at.segment > 5);
    tow_spool_free(spool);
}

static int files(void)
{
    char command[256];
    int count = 0;

    snprintf(command, sizeof command, "ls %s | grep -c spool", folder);
    FILE *listing = popen(command, "r");
    assert_non_null(listing);
    assert_int_equal(fscanf(listing, "%d", &count), 1);
    pclose(listing);
    return count;
}

static void test_what_was_read_can_be_dropped_and_makes_room(void **state)
{
    struct tow_spool *spool = open_spool();
    struct tow_spool_place at = start;
    struct tow_spool_message message;
    char text[900];

    (void)state;
    memset(text, 'x', sizeof text);
    int added = 0;
    while (tow_spool_add(spool, text, sizeof text, 0, &err) == TOW_OK) {
        added++;
        commit(spool);
    }
    assert_int_equal(err.code, TOW_E_RATE);
    assert_true(added > 1000);
    for (int i = 0; i < added; i++) {
        assert_ok(tow_spool_read(spool, at, &message, &err), err);
        at = message.next;
    }
    int before = files();
    assert_ok(tow_spool_drop(spool, at, &err), err);
    assert_true(before > 200);
    assert_int_equal(files(), 1);
    add(spool, "again");
    commit(spool);
    at = expect(spool, at, "again");
    tow_spool_free(spool);
    spool = open_spool();
    expect_end(spool, at);
    tow_spool_free(spool);
}

static void test_a_place_that_was_dropped_is_refused(void **state)
{
    struct tow_spool *spool = open_spool();
    struct tow_spool_message message;

    (void)state;
    add(spool, "one");
    commit(spool);
    struct tow_spool_place at = expect(spool, start, "one");
    tow_spool_free(spool);
    spool = open_spool();
    assert_ok(tow_spool_drop(spool, (struct tow_spool_place){2, 16}, &err), err);
    assert_int_equal(tow_spool_read(spool, at, &message, &err), TOW_E_CONFIG);
    assert_says(err, "not the spool that the job was reading");
    at = (struct tow_spool_place){99, 16};
    assert_int_equal(tow_spool_read(spool, at, &message, &err), TOW_E_CONFIG);
    at = (struct tow_spool_place){2, 5000};
    assert_int_equal(tow_spool_read(spool, at, &message, &err), TOW_E_CONFIG);
    tow_spool_free(spool);
}

/* ---- what may go wrong ---------------------------------------------------------------------- */

static void test_two_processes_cannot_have_it(void **state)
{
    struct tow_spool *spool = open_spool(), *other;

    (void)state;
    assert_int_equal(tow_spool_open(&small, &other, &err), TOW_E_ENV);
    assert_says(err, "in use by another process");
    assert_null(other);
    tow_spool_free(spool);
    tow_spool_free(open_spool());
}

static void test_a_message_that_is_too_long_is_refused(void **state)
{
    struct tow_spool *spool = open_spool();
    char text[1001] = {0};

    (void)state;
    assert_int_equal(tow_spool_add(spool, text, sizeof text, 0, &err), TOW_E_DATA);
    assert_says(err, "at most 1000");
    tow_spool_free(spool);
}

static const char *segment(int number)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%020d.spool", folder, number);
    return path;
}

/* Two messages in segment 1. */
static void two_messages(void)
{
    struct tow_spool *spool = open_spool();

    add(spool, "first");
    commit(spool);
    add(spool, "second");
    commit(spool);
    tow_spool_free(spool);
}

static void test_a_torn_end_is_cut_off_at_every_byte(void **state)
{
    const off_t whole = 16 + 16 + 5 + 16 + 6;

    (void)state;
    for (off_t length = 16 + 16 + 5; length < whole; length++) {
        two_messages();
        assert_int_equal(truncate(segment(1), length), 0);
        struct tow_spool *spool = open_spool();
        assert_int_equal(tow_spool_cut(spool), length - (16 + 16 + 5));
        struct tow_spool_place at = expect(spool, start, "first");
        expect_end(spool, at);
        add(spool, "third");
        commit(spool);
        expect(spool, at, "third");
        tow_spool_free(spool);
        char command[256];
        snprintf(command, sizeof command, "rm -r %s", folder);
        assert_int_equal(system(command), 0);
    }
}

/* A message that cannot be looked at is not torn, but acknowledged. */
static void test_memory_that_runs_out_cuts_nothing_off(void **state)
{
    struct tow_spool *spool = NULL;
    int rc = TOW_E_NOMEM;

    (void)state;
    two_messages();
    for (long allowed = 0; rc == TOW_E_NOMEM; allowed++) {
        nomem_after(allowed);
        rc = tow_spool_open(&small, &spool, &err);
        nomem_stop();
    }
    assert_ok(rc, err);
    assert_int_equal(tow_spool_cut(spool), 0);
    expect_end(spool, expect(spool, expect(spool, start, "first"), "second"));
    tow_spool_free(spool);
}

static void test_a_segment_that_was_never_begun_is_begun_again(void **state)
{
    (void)state;
    for (off_t length = 0; length < 16; length++) {
        two_messages();
        tow_spool_free(open_spool());
        assert_int_equal(truncate(segment(2), length), 0);
        struct tow_spool *spool = open_spool();
        struct tow_spool_place at = expect(spool, expect(spool, start, "first"), "second");
        expect_end(spool, at);
        add(spool, "third");
        commit(spool);
        expect(spool, at, "third");
        tow_spool_free(spool);
        char command[256];
        snprintf(command, sizeof command, "rm -r %s", folder);
        assert_int_equal(system(command), 0);
    }
}

static void change_byte(const char *path, off_t at)
{
    int fd = open(path, O_RDWR);
    char byte;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x40;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void test_damage_in_an_older_segment_is_told(void **state)
{
    struct tow_spool_message message;

    (void)state;
    two_messages();
    tow_spool_free(open_spool());
    change_byte(segment(1), 16 + 16 + 2);
    struct tow_spool *spool = open_spool();
    assert_int_equal(tow_spool_read(spool, start, &message, &err), TOW_E_ENV);
    assert_says(err, "damaged at offset 16");
    tow_spool_free(spool);
}

static void test_a_file_that_is_no_segment_is_told(void **state)
{
    struct tow_spool_message message;

    (void)state;
    two_messages();
    tow_spool_free(open_spool());
    change_byte(segment(1), 3);
    struct tow_spool *spool = open_spool();
    assert_int_equal(tow_spool_read(spool, start, &message, &err), TOW_E_ENV);
    assert_says(err, "no segment of a spool");
    tow_spool_free(spool);
}

/* A disk that fails is not taken for a file that is none of ours. */
static void test_a_segment_that_cannot_be_read_is_told(void **state)
{
    struct tow_spool_message message;

    (void)state;
    two_messages();
    tow_spool_free(open_spool());
    assert_int_equal(unlink(segment(1)), 0);
    assert_int_equal(mkdir(segment(1), 0700), 0);
    struct tow_spool *spool = open_spool();
    assert_int_equal(tow_spool_read(spool, start, &message, &err), TOW_E_ENV);
    assert_says(err, strerror(EISDIR));
    tow_spool_free(spool);
}

static void test_other_files_in_the_folder_are_left_alone(void **state)
{
    char path[256];

    (void)state;
    two_messages();
    snprintf(path, sizeof path, "%s/notes.txt", folder);
    scratch_write(path, "x", 1);
    snprintf(path, sizeof path, "%s/7.spool", folder);
    scratch_write(path, "x", 1);
    struct tow_spool *spool = open_spool();
    expect(spool, start, "first");
    tow_spool_free(spool);
    assert_int_equal(access(path, F_OK), 0);
}

static int fill_the_disk(const struct scratch *scratch)
{
    const struct rlimit limit = {2048, 2048};
    struct tow_error own = TOW_ERROR_INIT;
    struct tow_spool *spool;
    char text[900] = {0};
    int rc = TOW_OK, added = 0;

    (void)scratch;
    signal(SIGXFSZ, SIG_IGN);
    if (tow_spool_open(&small, &spool, &own) || setrlimit(RLIMIT_FSIZE, &limit))
        return 1;
    while (!rc && added < 10) {
        rc = tow_spool_add(spool, text, sizeof text, 0, &own);
        if (!rc)
            rc = tow_spool_commit(spool, &own);
        added += !rc;
    }
    int refused = tow_spool_add(spool, text, 1, 0, &own);
    tow_spool_free(spool);
    return rc == TOW_E_ENV && refused == TOW_E_ENV && added == 2 ? 0 : 2;
}

static void test_a_full_disk_takes_nothing_more_and_loses_nothing(void **state)
{
    struct tow_spool_message message;

    assert_int_equal(scratch_child(*state, fill_the_disk, 0), 0);
    struct tow_spool *spool = open_spool();
    assert_true(tow_spool_cut(spool) > 0);
    assert_ok(tow_spool_read(spool, start, &message, &err), err);
    assert_ok(tow_spool_read(spool, message.next, &message, &err), err);
    expect_end(spool, message.next);
    tow_spool_free(spool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define SPOOL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, scratch_teardown)
        SPOOL_TEST(test_what_is_committed_is_read_in_order),
        SPOOL_TEST(test_nobody_else_can_look_into_its_folder),
        SPOOL_TEST(test_places_hold_over_reopening_and_segments),
        SPOOL_TEST(test_what_was_read_can_be_dropped_and_makes_room),
        SPOOL_TEST(test_a_place_that_was_dropped_is_refused),
        SPOOL_TEST(test_two_processes_cannot_have_it),
        SPOOL_TEST(test_a_message_that_is_too_long_is_refused),
        SPOOL_TEST(test_a_torn_end_is_cut_off_at_every_byte),
        SPOOL_TEST(test_memory_that_runs_out_cuts_nothing_off),
        SPOOL_TEST(test_a_segment_that_was_never_begun_is_begun_again),
        SPOOL_TEST(test_damage_in_an_older_segment_is_told),
        SPOOL_TEST(test_a_file_that_is_no_segment_is_told),
        SPOOL_TEST(test_a_segment_that_cannot_be_read_is_told),
        SPOOL_TEST(test_other_files_in_the_folder_are_left_alone),
        SPOOL_TEST(test_a_full_disk_takes_nothing_more_and_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
