/* Children, what the service manager hears, and texts as files. */
#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/child.h"
#include "daemon/notify.h"
#include "daemon/text_file.h"
#include "state_fixture.h"

static void shell(struct tow_child *child, const char *script, const struct tow_child_files *files)
{
    char *const argv[] = {"/bin/sh", "-c", (char *)(uintptr_t)script, NULL};
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_child_start(child, argv, files, &err), err);
}

static void reap(struct tow_child *child, int *exit_code, int *signal_number)
{
    struct pollfd end = {.fd = child->fd, .events = POLLIN};

    assert_int_equal(poll(&end, 1, 30000), 1);
    tow_child_reap(child, exit_code, signal_number);
    assert_int_equal(child->pid, 0);
    assert_int_equal(child->fd, -1);
}

static const struct tow_child_files nothing = {-1, -1, -1, -1};

static void test_a_child_says_how_it_ended(void **fixture)
{
    struct tow_child child = TOW_CHILD_NONE;
    int exit_code, signal_number;

    (void)fixture;
    shell(&child, "exit 7", &nothing);
    reap(&child, &exit_code, &signal_number);
    assert_int_equal(exit_code, 7);
    assert_int_equal(signal_number, 0);
    shell(&child, "kill -SEGV $$", &nothing);
    reap(&child, &exit_code, &signal_number);
    assert_int_equal(exit_code, 0);
    assert_int_equal(signal_number, SIGSEGV);
}

static void test_a_program_that_is_not_there_is_named(void **fixture)
{
    char *const argv[] = {"/nowhere/towpath", NULL};
    struct tow_child child = TOW_CHILD_NONE;
    struct tow_error err = TOW_ERROR_INIT;

    (void)fixture;
    assert_int_equal(tow_child_start(&child, argv, &nothing, &err), TOW_E_ENV);
    assert_says(err, "starting /nowhere/towpath: No such file");
    assert_int_equal(child.pid, 0);
}

static void test_a_child_gets_its_files_and_no_others(void **fixture)
{
    struct tow_error err = TOW_ERROR_INIT;
    int in = tow_text_file("read\n", 5, &err), text = tow_text_file("text\n", 5, &err);
    int why = tow_text_file("", 0, &err), secret = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const struct tow_child_files files = {in, why, text, why};
    struct tow_child child = TOW_CHILD_NONE;
    int exit_code, signal_number;
    char said[64] = "";

    (void)fixture;
    assert_true(in >= 10 && text >= 10 && why >= 10);
    shell(&child,
          "cat; cat /proc/self/fd/3; test ! -e /proc/self/fd/5 || echo more; "
          "echo why > /proc/self/fd/4",
          &files);
    reap(&child, &exit_code, &signal_number);
    assert_int_equal(exit_code, 0);
    /* Opening the file anew starts at its beginning: what was there is written over. */
    assert_true(pread(why, said, sizeof said - 1, 0) > 0);
    assert_string_equal(said, "why\n");
    assert_null(strstr(said, "more"));
    close(in);
    close(text);
    close(why);
    close(secret);
}

static void test_a_child_is_asked_to_end_and_then_killed_with_all_of_its_own(void **fixture)
{
    struct tow_child child = TOW_CHILD_NONE;
    int exit_code, signal_number, ends[2];
    char byte;

    (void)fixture;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const struct tow_child_files files = {-1, ends[1], -1, -1};
    shell(&child, "trap '' TERM; (trap '' TERM; sleep 1000) & echo; while :; do sleep 1000; done",
          &files);
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(tow_child_tick(&child, 5), INT64_MAX);
    tow_child_stop(&child, 10, 100);
    tow_child_stop(&child, 50, 100);
    assert_int_equal(tow_child_tick(&child, 109), 110);
    assert_int_equal(kill(child.pid, 0), 0);
    tow_child_tick(&child, 110);
    reap(&child, &exit_code, &signal_number);
    assert_int_equal(signal_number, SIGKILL);
    /* Whoever still held the pipe is gone, too. */
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
}

static void test_a_child_starts_without_the_daemons_signals(void **fixture)
{
    struct tow_child child = TOW_CHILD_NONE;
    int exit_code, signal_number;
    sigset_t blocked, before;

    (void)fixture;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    signal(SIGPIPE, SIG_IGN);
    shell(&child, "kill -PIPE $$", &nothing);
    reap(&child, &exit_code, &signal_number);
    assert_int_equal(signal_number, SIGPIPE);
    shell(&child, "kill -TERM $$", &nothing);
    reap(&child, &exit_code, &signal_number);
    assert_int_equal(signal_number, SIGTERM);
    sigprocmask(SIG_SETMASK, &before, NULL);
    signal(SIGPIPE, SIG_DFL);
}

/* ---- notify --------------------------------------------------------------------------------- */

static int listen_at(const char *name, size_t length)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, name, length);
    assert_int_equal(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                     0);
    return fd;
}

static void assert_heard(int fd, const char *expected)
{
    char said[2048] = "";

    assert_true(recv(fd, said, sizeof said - 1, MSG_DONTWAIT) > 0);
    assert_string_equal(said, expected);
}

static void test_the_manager_hears_at_a_path_and_at_a_name(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct tow_notify notify;
    char path[160], name[64];
    int fd;

    snprintf(path, sizeof path, "%s/notify", scratch->folder);
    fd = listen_at(path, strlen(path));
    setenv("NOTIFY_SOCKET", path, 1);
    tow_notify_init(&notify);
    tow_notify_send(&notify, "READY=%d", 1);
    assert_heard(fd, "READY=1");
    assert_null(getenv("NOTIFY_SOCKET"));
    tow_notify_release(&notify);
    close(fd);

    snprintf(name, sizeof name, "@towpath-test-%d", (int)getpid());
    name[0] = '\0';
    fd = listen_at(name, 1 + strlen(name + 1));
    name[0] = '@';
    setenv("NOTIFY_SOCKET", name, 1);
    tow_notify_init(&notify);
    tow_notify_send(&notify, "STATUS=well");
    assert_heard(fd, "STATUS=well");
    tow_notify_release(&notify);
    close(fd);
}

static void test_nobody_listens(void **fixture)
{
    static const char *const names[] = {"",          "/",        "@",
                                        "vsock:1:2", "relative", "/nowhere/that/exists"};
    struct tow_notify notify;

    (void)fixture;
    unsetenv("NOTIFY_SOCKET");
    tow_notify_init(&notify);
    assert_int_equal(notify.fd, -1);
    tow_notify_send(&notify, "READY=1");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        tow_notify_init(&notify);
        tow_notify_send(&notify, "READY=1");
        tow_notify_release(&notify);
    }
}

static void test_the_watchdog_is_ours_or_somebody_elses(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct tow_notify notify;
    char path[160], pid[32];
    int fd;

    snprintf(path, sizeof path, "%s/notify", scratch->folder);
    fd = listen_at(path, strlen(path));
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    static const struct {
        const char *period;
        int self;
        int64_t expected;
    } cases[] = {
        {"30000000", 1, 30000}, {"30000000", 0, 0}, {"x", 1, 0}, {"-1", 1, 0}, {"10", 1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setenv("NOTIFY_SOCKET", path, 1);
        setenv("WATCHDOG_USEC", cases[i].period, 1);
        setenv("WATCHDOG_PID", cases[i].self ? pid : "1", 1);
        tow_notify_init(&notify);
        assert_int_equal(notify.watchdog_ms, cases[i].expected);
        assert_null(getenv("WATCHDOG_USEC"));
        tow_notify_release(&notify);
    }
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_child_says_how_it_ended),
        cmocka_unit_test(test_a_program_that_is_not_there_is_named),
        cmocka_unit_test(test_a_child_gets_its_files_and_no_others),
        cmocka_unit_test(test_a_child_is_asked_to_end_and_then_killed_with_all_of_its_own),
        cmocka_unit_test(test_a_child_starts_without_the_daemons_signals),
        SCRATCH_TEST(test_the_manager_hears_at_a_path_and_at_a_name),
        cmocka_unit_test(test_nobody_listens),
        SCRATCH_TEST(test_the_watchdog_is_ours_or_somebody_elses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
