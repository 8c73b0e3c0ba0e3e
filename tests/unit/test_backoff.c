#include "unit.h"

#include "run/backoff.h"
#include "run/host.h"
#include "towpath/clock.h"

static const struct tow_retry patient = {
    .base_ms = 100, .cap_ms = 1000, .budget_ms = 3600000, .tries = 1000};

static struct tow_error failure(int code, int64_t retry_after_ms)
{
    struct tow_error err = TOW_ERROR_INIT;

    tow_error_set(&err, code, "HTTP 503");
    err.retry_after_ms = retry_after_ms;
    return err;
}

static void test_only_passing_failures_are_tried_again(void **state)
{
    static const int final[] = {TOW_E_AUTH,  TOW_E_CONFIG, TOW_E_UNSUPPORTED, TOW_E_DATA,
                                TOW_E_NOMEM, TOW_E_BUG,    TOW_E_ENV,         TOW_E_CANCELLED};
    struct tow_backoff backoff;

    (void)state;
    for (size_t i = 0; i < sizeof final / sizeof *final; i++) {
        struct tow_error err = failure(final[i], -1);

        tow_backoff_init(&backoff, &patient);
        assert_int_equal(tow_backoff_next(&backoff, &err, NULL), TOW_BACKOFF_STOP);
        assert_string_equal(err.message, "HTTP 503");
    }
}

static void test_the_delay_doubles_up_to_the_cap_with_full_jitter(void **state)
{
    struct tow_error err = failure(TOW_E_TRANSIENT, -1);
    struct tow_backoff backoff;

    (void)state;
    tow_backoff_init(&backoff, &patient);
    for (int tries = 1; tries < 40; tries++) {
        int64_t most = tries > 4 ? 1000 : 100 << (tries - 1), least_seen = INT64_MAX, most_seen = 0;

        backoff.tries = tries;
        for (int i = 0; i < 2000; i++) {
            int64_t delay = tow_backoff_delay(&backoff, &err);

            assert_in_range(delay, 0, most);
            least_seen = delay < least_seen ? delay : least_seen;
            most_seen = delay > most_seen ? delay : most_seen;
        }
        assert_true(least_seen <= most / 10);
        assert_true(most_seen >= most - most / 10);
    }
}

static void test_what_the_far_end_asked_for_is_kept_to(void **state)
{
    struct tow_error err = failure(TOW_E_RATE, 5000);
    struct tow_backoff backoff;

    (void)state;
    tow_backoff_init(&backoff, &patient);
    for (int i = 0; i < 1000; i++)
        assert_in_range(tow_backoff_delay(&backoff, &err), 5000, 5500);
}

static void test_gives_up_after_the_tries(void **state)
{
    const struct tow_retry three = {.base_ms = 0, .cap_ms = 0, .budget_ms = 60000, .tries = 3};
    struct tow_error err = failure(TOW_E_TRANSIENT, -1);
    struct tow_backoff backoff;

    (void)state;
    tow_backoff_init(&backoff, &three);
    assert_int_equal(tow_backoff_next(&backoff, &err, NULL), TOW_BACKOFF_AGAIN);
    assert_int_equal(tow_backoff_next(&backoff, &err, NULL), TOW_BACKOFF_AGAIN);
    assert_int_equal(tow_backoff_next(&backoff, &err, NULL), TOW_BACKOFF_STOP);
    assert_string_equal(err.message, "gave up after 3 tries (retry.tries is 3): HTTP 503");
}

static void test_does_not_start_a_wait_beyond_the_budget(void **state)
{
    const struct tow_retry brief = {.base_ms = 10, .cap_ms = 10, .budget_ms = 1000, .tries = 9};
    struct tow_error err = failure(TOW_E_RATE, 60000);
    struct tow_backoff backoff;
    int64_t before = tow_monotonic_ms();

    (void)state;
    tow_backoff_init(&backoff, &brief);
    assert_int_equal(tow_backoff_next(&backoff, &err, NULL), TOW_BACKOFF_STOP);
    assert_says(err, "retry.budget is 1s");
    assert_true(tow_monotonic_ms() - before < 1000);
}

static void test_a_stop_ends_the_wait(void **state)
{
    const struct tow_retry slow = {
        .base_ms = 60000, .cap_ms = 60000, .budget_ms = 3600000, .tries = 9};
    struct tow_error err = failure(TOW_E_RATE, 60000);
    struct tow_cancel cancel;
    struct tow_backoff backoff;

    (void)state;
    assert_ok(tow_cancel_init(&cancel, &err), err);
    tow_cancel_set(&cancel, 15);
    tow_cancel_set(&cancel, 2);
    tow_backoff_init(&backoff, &slow);
    assert_int_equal(tow_backoff_next(&backoff, &err, &cancel), TOW_BACKOFF_CANCEL);
    assert_int_equal(tow_cancel_get(&cancel), 15);
    assert_int_equal(err.code, TOW_E_CANCELLED);
    assert_string_equal(err.message, "stopped while waiting to try again: HTTP 503");
    tow_cancel_release(&cancel);
}

static void test_any_number_may_be_asked_for(void **state)
{
    const int64_t asked[] = {INT64_MAX, INT64_MAX - 1, INT64_MAX / 2, 3600001};
    struct tow_backoff backoff;

    (void)state;
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        struct tow_error err = failure(TOW_E_RATE, asked[i]);

        tow_backoff_init(&backoff, &patient);
        assert_int_equal(tow_backoff_next(&backoff, &err, NULL), TOW_BACKOFF_STOP);
        assert_int_equal(err.code, TOW_E_RATE);
        assert_says(err, "retry.budget is 1h");
    }
}

static void test_progress_starts_the_budget_anew(void **state)
{
    const struct tow_retry two = {.base_ms = 0, .cap_ms = 0, .budget_ms = 60000, .tries = 2};
    struct tow_error err = failure(TOW_E_TRANSIENT, -1);
    struct tow_backoff backoff;

    (void)state;
    tow_backoff_init(&backoff, &two);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(tow_backoff_next(&backoff, &err, NULL), TOW_BACKOFF_AGAIN);
        tow_backoff_reset(&backoff);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_passing_failures_are_tried_again),
        cmocka_unit_test(test_the_delay_doubles_up_to_the_cap_with_full_jitter),
        cmocka_unit_test(test_what_the_far_end_asked_for_is_kept_to),
        cmocka_unit_test(test_gives_up_after_the_tries),
        cmocka_unit_test(test_does_not_start_a_wait_beyond_the_budget),
        cmocka_unit_test(test_a_stop_ends_the_wait),
        cmocka_unit_test(test_progress_starts_the_budget_anew),
        cmocka_unit_test(test_any_number_may_be_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
