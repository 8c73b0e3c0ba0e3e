/* kit/guests.h: who brings no request in time is shown out. */
#include "kit/guests.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

#define COUNT 3

struct fixture {
    struct tow_guests guests;
    struct tow_guest guest[COUNT];
    int pair[COUNT][2];
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    fixture->guests.patience_ms = 100;
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fixture->pair[i]), 0);
        tow_guests_come(&fixture->guests, &fixture->guest[i], fixture->pair[i][0], 1000 + i);
    }
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < COUNT; i++) {
        close(fixture->pair[i][0]);
        close(fixture->pair[i][1]);
    }
    free(fixture);
    return 0;
}

/* Whether the far end of a guest's connection has seen it end. */
static int is_out(const struct fixture *fixture, int i)
{
    struct pollfd fd = {.fd = fixture->pair[i][1], .events = POLLIN};

    return poll(&fd, 1, 0) == 1 && fd.revents & POLLHUP;
}

static void test_nobody_is_shown_out_before_the_time(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(tow_guests_look(&fixture->guests, 1099), 1100);
    for (int i = 0; i < COUNT; i++)
        assert_false(is_out(fixture, i));
}

static void test_whose_time_is_over_is_shown_out(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(tow_guests_look(&fixture->guests, 1101), 1102);
    assert_true(is_out(fixture, 0));
    assert_true(is_out(fixture, 1));
    assert_false(is_out(fixture, 2));
}

static void test_a_request_brings_new_time(void **state)
{
    struct fixture *fixture = *state;

    tow_guests_renew(&fixture->guests, &fixture->guest[0], 1050);
    assert_int_equal(tow_guests_look(&fixture->guests, 1102), 1150);
    assert_false(is_out(fixture, 0));
    assert_true(is_out(fixture, 1));
    assert_true(is_out(fixture, 2));
}

static void test_who_left_is_forgotten_wherever_it_stood(void **state)
{
    static const int orders[][COUNT] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}};
    struct fixture *fixture = *state;

    for (size_t k = 0; k < sizeof orders / sizeof *orders; k++) {
        struct tow_guests *guests = &fixture->guests;

        for (int i = 0; i < COUNT; i++)
            tow_guests_leave(guests, &fixture->guest[orders[k][i]]);
        assert_int_equal(tow_guests_look(guests, 5000), INT64_MAX);
        for (int i = 0; i < COUNT; i++)
            tow_guests_come(guests, &fixture->guest[i], fixture->pair[i][0], 5000 + i);
        assert_int_equal(tow_guests_look(guests, 5000), 5100);
    }
    for (int i = 0; i < COUNT; i++)
        assert_false(is_out(fixture, i));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nobody_is_shown_out_before_the_time),
        TEST(test_whose_time_is_over_is_shown_out),
        TEST(test_a_request_brings_new_time),
        TEST(test_who_left_is_forgotten_wherever_it_stood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
