#include "unit.h"

#include "state_fixture.h"

struct seen_text {
    char text[256];
    int stop; /* what visit returns */
};

static int32_t visit_entry(void *context, const char *key, const void *value, uint32_t length)
{
    struct seen_text *seen = context;

    strcat(strcat(seen->text, key), "=");
    strcat(strncat(seen->text, value, length), " ");
    return seen->stop;
}

static void test_a_ledger_is_private_to_job_and_plugin(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_position value = {.size = sizeof value};

    assert_ok(tow_state_ledger_put(state, "a", "source:csv", "k", "1", 1, &err), err);
    assert_int_equal(tow_state_ledger_get(state, "b", "source:csv", "k", &value, &err), TOW_END);
    assert_int_equal(tow_state_ledger_get(state, "a", "sink:csv", "k", &value, &err), TOW_END);
    assert_ok(tow_state_ledger_put(state, "a", "source:csv", "k", "22", 2, &err), err);
    assert_ok(tow_state_ledger_get(state, "a", "source:csv", "k", &value, &err), err);
    assert_position(&value, "22");
    assert_ok(tow_state_ledger_put(state, "a", "source:csv", "k", NULL, 0, &err), err);
    assert_ok(tow_state_ledger_get(state, "a", "source:csv", "k", &value, &err), err);
    assert_int_equal(value.length, 0);
    assert_ok(tow_state_ledger_remove(state, "a", "source:csv", "k", &err), err);
    assert_ok(tow_state_ledger_remove(state, "a", "source:csv", "k", &err), err);
    assert_int_equal(tow_state_ledger_get(state, "a", "source:csv", "k", &value, &err), TOW_END);
    tow_state_close(state);
}

static void test_a_ledger_value_is_bounded_and_cut_to_what_fits(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_position value = {.size = sizeof value};
    char bytes[TOW_POSITION_MAX + 1];

    memset(bytes, 'x', sizeof bytes);
    assert_ok(tow_state_ledger_put(state, "a", "l", "k", bytes, TOW_POSITION_MAX, &err), err);
    assert_int_equal(tow_state_ledger_put(state, "a", "l", "k", bytes, TOW_POSITION_MAX + 1, &err),
                     TOW_E_BUG);
    assert_says(err, "at most 4096");
    assert_ok(tow_state_ledger_get(state, "a", "l", "k", &value, &err), err);
    assert_int_equal(value.length, TOW_POSITION_MAX);

    memset(&value, 0, sizeof value);
    value.size = offsetof(struct tow_position, bytes) + 3;
    assert_ok(tow_state_ledger_get(state, "a", "l", "k", &value, &err), err);
    assert_int_equal(value.length, 3);
    assert_int_equal(value.bytes[2], 'x');
    assert_int_equal(value.bytes[3], 0);
    tow_state_close(state);
}

static void test_ledger_each_goes_by_key_within_a_prefix(void **fixture)
{
    static const char *const keys[] = {"b/2", "a", "b/", "b", "c", "b/10", "\xff"};
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    struct seen_text seen = {.text = ""};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_ok(tow_state_ledger_put(state, "j", "l", keys[i], "v", 1, &err), err);
    assert_ok(tow_state_ledger_put(state, "j", "m", "b/3", "v", 1, &err), err);
    assert_ok(tow_state_ledger_each(state, "j", "l", "b/", visit_entry, &seen, &err), err);
    assert_string_equal(seen.text, "b/=v b/10=v b/2=v ");
    seen.text[0] = '\0';
    assert_ok(tow_state_ledger_each(state, "j", "l", "", visit_entry, &seen, &err), err);
    assert_string_equal(seen.text, "a=v b=v b/=v b/10=v b/2=v c=v \xff=v ");
    seen = (struct seen_text){.stop = TOW_END};
    assert_int_equal(tow_state_ledger_each(state, "j", "l", "b", visit_entry, &seen, &err),
                     TOW_END);
    assert_string_equal(seen.text, "b=v ");
    tow_state_close(state);
}

static int32_t visit_no_entry(void *context, const char *key, const void *value, uint32_t length)
{
    (void)context, (void)value, (void)length;
    fail_msg("key %s in an empty ledger", key);
    return 0;
}

static int32_t visit_and_remove(void *context, const char *key, const void *value, uint32_t length)
{
    struct tow_error err = TOW_ERROR_INIT;

    (void)value, (void)length;
    return tow_state_ledger_remove(context, "j", "l", key, &err);
}

static void test_a_visitor_may_remove_what_it_is_shown(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    char key[400];

    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "%0*d", 1 + i * 19, i);
        assert_ok(tow_state_ledger_put(state, "j", "l", key, "v", 1, &err), err);
    }
    assert_ok(tow_state_ledger_each(state, "j", "l", "", visit_and_remove, state, &err), err);
    assert_ok(tow_state_ledger_each(state, "j", "l", "", visit_no_entry, NULL, &err), err);
    tow_state_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_a_ledger_is_private_to_job_and_plugin),
        SCRATCH_TEST(test_a_ledger_value_is_bounded_and_cut_to_what_fits),
        SCRATCH_TEST(test_ledger_each_goes_by_key_within_a_prefix),
        SCRATCH_TEST(test_a_visitor_may_remove_what_it_is_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
