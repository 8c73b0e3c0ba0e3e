#include "unit.h"

#include "run/overlay.h"
#include "state_fixture.h"

#define LEDGER "sink:a"

struct walk {
    char seen[512];
    struct tow_overlay *overlay;
    const char *remove, *put; /* keys that the visit to the first entry changes */
    int stop;
};

static int32_t walk_visit(void *context, const char *key, const void *value, uint32_t length)
{
    struct walk *walk = context;
    struct tow_error err = TOW_ERROR_INIT;
    size_t used = strlen(walk->seen);

    snprintf(walk->seen + used, sizeof walk->seen - used, "%s=%.*s ", key, (int)length,
             (const char *)value);
    if (walk->remove)
        assert_ok(tow_overlay_remove(walk->overlay, LEDGER, walk->remove, &err), err);
    if (walk->put)
        assert_ok(tow_overlay_put(walk->overlay, LEDGER, walk->put, "new", 3, &err), err);
    walk->remove = walk->put = NULL;
    return walk->stop;
}

static void assert_walk(struct tow_overlay *overlay, const char *prefix, const char *text)
{
    struct walk walk = {.overlay = overlay};
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_overlay_each(overlay, LEDGER, prefix, walk_visit, &walk, &err), err);
    assert_string_equal(walk.seen, text);
}

static struct tow_state *state_with(const struct scratch *scratch, const char *keys)
{
    struct tow_state *state = open_state(scratch, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;

    for (; *keys; keys++) {
        const char key[] = {'k', '/', *keys, '\0'};

        assert_ok(tow_state_ledger_put(state, "job", LEDGER, key, "old", 3, &err), err);
    }
    return state;
}

static void put(struct tow_overlay *overlay, const char *key, const char *value)
{
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_overlay_put(overlay, LEDGER, key, value, (uint32_t)strlen(value), &err), err);
}

static struct tow_overlay *overlay_over(struct tow_state *state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_overlay *overlay = tow_overlay_new(state, "job", &err);

    assert_non_null(overlay);
    return overlay;
}

static void test_what_is_put_is_seen_and_the_state_stays(void **fixture)
{
    struct tow_state *state = state_with(*fixture, "ab");
    struct tow_overlay *overlay = overlay_over(state);
    struct tow_position value = {.size = sizeof value};
    struct tow_error err = TOW_ERROR_INIT;

    put(overlay, "k/b", "new");
    put(overlay, "k/c", "1");
    put(overlay, "k/c", "2");
    assert_ok(tow_overlay_remove(overlay, LEDGER, "k/a", &err), err);
    assert_ok(tow_overlay_get(overlay, LEDGER, "k/b", &value, &err), err);
    assert_position(&value, "new");
    assert_ok(tow_overlay_get(overlay, LEDGER, "k/c", &value, &err), err);
    assert_position(&value, "2");
    assert_int_equal(tow_overlay_get(overlay, LEDGER, "k/a", &value, &err), TOW_END);
    assert_int_equal(tow_overlay_get(overlay, "sink:b", "k/c", &value, &err), TOW_END);
    tow_overlay_free(overlay);

    overlay = overlay_over(state);
    assert_walk(overlay, "k/", "k/a=old k/b=old ");
    tow_overlay_free(overlay);
    tow_state_close(state);
}

static void test_a_walk_goes_by_key_through_both(void **fixture)
{
    struct tow_state *state = state_with(*fixture, "bdf");
    struct tow_overlay *overlay = overlay_over(state);
    struct tow_error err = TOW_ERROR_INIT;

    put(overlay, "k/a", "1");
    put(overlay, "k/c", "2");
    put(overlay, "k/d", "3");
    put(overlay, "k/g", "4");
    put(overlay, "j", "outside");
    put(overlay, "l", "outside");
    assert_ok(tow_overlay_remove(overlay, LEDGER, "k/f", &err), err);
    assert_ok(tow_overlay_put(overlay, "sink:b", "k/e", "other", 5, &err), err);
    assert_walk(overlay, "k/", "k/a=1 k/b=old k/c=2 k/d=3 k/g=4 ");
    assert_walk(overlay, "k/d", "k/d=3 ");
    assert_walk(overlay, "x", "");
    tow_overlay_free(overlay);
    tow_state_close(state);
}

static void test_a_visit_may_change_the_ledger_and_end_the_walk(void **fixture)
{
    struct tow_state *state = state_with(*fixture, "ac");
    struct tow_overlay *overlay = overlay_over(state);
    struct walk changing = {.overlay = overlay, .remove = "k/c", .put = "k/b"};
    struct walk stopping = {.overlay = overlay, .stop = 7};
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_overlay_each(overlay, LEDGER, "k/", walk_visit, &changing, &err), err);
    assert_string_equal(changing.seen, "k/a=old k/b=new ");
    assert_int_equal(tow_overlay_each(overlay, LEDGER, "k/", walk_visit, &stopping, &err), 7);
    assert_string_equal(stopping.seen, "k/a=old ");
    tow_overlay_free(overlay);
    tow_state_close(state);
}

static void test_over_nothing_there_is_only_what_was_put(void **fixture)
{
    struct tow_overlay *overlay = overlay_over(NULL);
    struct tow_position value = {.size = sizeof value};
    struct tow_error err = TOW_ERROR_INIT;
    char many[16];

    (void)fixture;
    assert_int_equal(tow_overlay_get(overlay, LEDGER, "k", &value, &err), TOW_END);
    for (int i = 99; i >= 0; i--) {
        snprintf(many, sizeof many, "k/%02d", i);
        put(overlay, many, "");
    }
    assert_ok(tow_overlay_get(overlay, LEDGER, "k/42", &value, &err), err);
    assert_int_equal(value.length, 0);
    assert_walk(overlay, "k/4", "k/40= k/41= k/42= k/43= k/44= k/45= k/46= k/47= k/48= k/49= ");
    tow_overlay_free(overlay);
}

static void test_values_are_bounded_and_cut_to_what_fits(void **fixture)
{
    struct tow_overlay *overlay = overlay_over(NULL);
    struct tow_position value = {.size = offsetof(struct tow_position, bytes) + 3};
    struct tow_error err = TOW_ERROR_INIT;
    char bytes[TOW_POSITION_MAX + 1];

    (void)fixture;
    memset(bytes, 'x', sizeof bytes);
    assert_int_equal(tow_overlay_put(overlay, LEDGER, "k", bytes, sizeof bytes, &err), TOW_E_BUG);
    assert_says(err, "at most 4096");
    assert_ok(tow_overlay_put(overlay, LEDGER, "k", bytes, TOW_POSITION_MAX, &err), err);
    assert_ok(tow_overlay_get(overlay, LEDGER, "k", &value, &err), err);
    assert_int_equal(value.length, 3);
    assert_int_equal(value.bytes[3], 0);
    tow_overlay_free(overlay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_what_is_put_is_seen_and_the_state_stays),
        SCRATCH_TEST(test_a_walk_goes_by_key_through_both),
        SCRATCH_TEST(test_a_visit_may_change_the_ledger_and_end_the_walk),
        SCRATCH_TEST(test_over_nothing_there_is_only_what_was_put),
        SCRATCH_TEST(test_values_are_bounded_and_cut_to_what_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
