/* The source lytics_audience over an audience in memory: each member once, whatever happens. */
#include "unit.h"

#include "fake_audience.h"
#include "fake_host.h"
#include "towpath/batch.h"

#define MEMBERS     230
#define BATCHES_MAX 400
#define SET(...) \
    ((const char *const[]){"token", "t", "audience", "vip", "page_rows", "10", __VA_ARGS__, NULL})

extern tow_plugin_entry lytics_audience_LTX_tow_plugin_entry;

/* A load, as the state has it. */
struct load {
    struct fake_host fake;
    const struct tow_source_ops *ops;
    const char *const *settings;
    void *self;
    struct ArrowSchema schema;
    struct tow_position position; /* of the last checkpoint */
    int met[MEMBERS];             /* by checkpoints */
    int64_t rejects;
    struct tow_error err;
};

static void load_init(struct load *load, const char *const *settings)
{
    memset(load, 0, sizeof *load);
    fake_host_init(&load->fake);
    load->ops = lytics_audience_LTX_tow_plugin_entry()->source;
    load->settings = settings;
    load->err = (struct tow_error)TOW_ERROR_INIT;
    load->position.size = sizeof load->position;
    fake_audience = (struct fake_audience){.members = MEMBERS, .bad_member = -1};
}

static void load_close(struct load *load)
{
    if (!load->self)
        return;
    load->ops->close(load->self);
    fake_instance_free(load->self);
    load->self = NULL;
}

static void load_release(struct load *load)
{
    load_close(load);
    fake_host_release(&load->fake);
}

static int load_open(struct load *load)
{
    load_close(load);
    load->err = (struct tow_error)TOW_ERROR_INIT;
    load->self = fake_instance_new(lytics_audience_LTX_tow_plugin_entry(), load->settings);
    return load->ops->open(load->self, &load->fake.host, &load->position, &load->err);
}

/* What came with a batch is in the state, all of it or nothing. */
static void load_checkpoint(struct load *load, struct tow_batch *batch)
{
    const struct ArrowArray *numbers = batch->array.children[1];

    for (int64_t i = 0; i < batch->array.length; i++)
        load->met[((const int64_t *)numbers->buffers[1])[i]]++;
    if (batch->mark_key)
        assert_ok(load->fake.host.ledger_put(&load->fake.host, batch->mark_key, batch->mark_value,
                                             (uint32_t)strlen(batch->mark_value), &load->err),
                  load->err);
    load->position.length = batch->position.length;
    memcpy(load->position.bytes, batch->position.bytes, batch->position.length);
}

/* Reads so many batches, or to the end: the class of the last call. What may pass is tried again.
 */
static int load_read(struct load *load, int batches)
{
    int code = TOW_OK, tries = 0;

    while (batches-- > 0) {
        struct tow_batch batch = {.size = sizeof batch,
                                  .position = {.size = sizeof batch.position}};

        load->err = (struct tow_error)TOW_ERROR_INIT;
        code = load->ops->read(load->self, &batch, &load->err);
        if (code == TOW_E_TRANSIENT && ++tries < 20)
            continue;
        if (code != TOW_OK)
            return code;
        load_checkpoint(load, &batch);
        batch.array.release(&batch.array);
    }
    return code;
}

static void assert_whole(const struct load *load)
{
    for (int i = 0; i < MEMBERS; i++)
        if (load->met[i] != 1)
            fail_msg("member %d came %d times", i, load->met[i]);
}

static void test_every_member_is_a_row(void **state)
{
    struct load load;

    (void)state;
    load_init(&load, SET("splits", "1"));
    assert_ok(load_open(&load), load.err);
    assert_int_equal(load_read(&load, BATCHES_MAX), TOW_END);
    assert_whole(&load);
    assert_int_equal(fake_audience.pages, 23);
    assert_int_equal(load.position.length > 0, 1);
    load_release(&load);
    for (int parallel = 0; parallel < 2; parallel++) {
        load_init(&load, SET("splits", "7", "parallel", parallel ? "5" : "1"));
        assert_ok(load_open(&load), load.err);
        assert_int_equal(load_read(&load, BATCHES_MAX), TOW_END);
        assert_whole(&load);
        load_release(&load);
    }
}

/* A process dies after each number of batches; tokens last, or do not, and the order of the scan
 * stays, or changes. */
static void run_with_death(const char *const *settings, int batches, int expires, int shift,
                           int *is_over)
{
    struct load load;

    load_init(&load, settings);
    assert_ok(load_open(&load), load.err);
    *is_over = load_read(&load, batches) == TOW_END;
    fake_audience.epoch += expires;
    fake_audience.shift = shift;
    assert_ok(load_open(&load), load.err);
    if (load_read(&load, BATCHES_MAX) != TOW_END)
        fail_msg("after %d batches: %s", batches, load.err.message);
    assert_whole(&load);
    load_release(&load);
}

static void test_a_load_that_goes_on_neither_loses_nor_doubles(void **state)
{
    (void)state;
    for (int kind = 0; kind < 9; kind++)
        for (int batches = 0, is_over = 0; !is_over; batches++) {
            const int expires = kind > 2, shift = kind > 5 ? 77 : 0;
            const char *const *settings = kind % 3 == 0   ? SET("splits", "1")
                                          : kind % 3 == 1 ? SET("splits", "7")
                                                          : SET("splits", "9", "parallel", "4");

            run_with_death(settings, batches, expires, shift, &is_over);
        }
}

static void test_a_token_that_expires_at_any_page_costs_nothing(void **state)
{
    (void)state;
    for (int page = 1; page < 24; page++)
        for (int parallel = 0; parallel < 2; parallel++) {
            struct load load;

            load_init(&load, SET("splits", parallel ? "3" : "1", "parallel", parallel ? "3" : "1"));
            fake_audience.expires_at = page;
            assert_ok(load_open(&load), load.err);
            if (load_read(&load, BATCHES_MAX) != TOW_END)
                fail_msg("page %d: %s", page, load.err.message);
            assert_whole(&load);
            if (page > 1 && !parallel)
                assert_true(fake_host_logged(&load.fake, TOW_LOG_WARN, "the scan begins anew"));
            load_release(&load);
        }
}

static void test_a_page_that_fails_is_asked_for_again(void **state)
{
    struct load load;

    (void)state;
    load_init(&load, SET("splits", "1"));
    fake_audience.fails_at = 5;
    assert_ok(load_open(&load), load.err);
    assert_int_equal(load_read(&load, BATCHES_MAX), TOW_END);
    assert_whole(&load);
    assert_int_equal(fake_audience.pages, 24);
    load_release(&load);
}

static void test_batches_that_are_full_end_within_a_page(void **state)
{
    struct load load;

    (void)state;
    for (int death = 0; death < 12; death++) {
        load_init(&load, SET("splits", "1"));
        load.fake.host.batch_rows = 4;
        assert_ok(load_open(&load), load.err);
        load_read(&load, death);
        assert_ok(load_open(&load), load.err);
        assert_int_equal(load_read(&load, BATCHES_MAX), TOW_END);
        assert_whole(&load);
        load_release(&load);
    }
}

static void test_a_profile_that_is_rejected_comes_once(void **state)
{
    struct load load;

    (void)state;
    for (int pause = 0; pause < 2; pause++) {
        load_init(&load, SET("splits", "1"));
        fake_audience.bad_member = 42;
        load.fake.reject_pause = (size_t)pause;
        assert_ok(load_open(&load), load.err);
        load_read(&load, 8);
        fake_audience.epoch++;
        assert_ok(load_open(&load), load.err);
        assert_int_equal(load_read(&load, BATCHES_MAX), TOW_END);
        assert_int_equal(load.met[42], 0);
        load.met[42] = 1;
        assert_whole(&load);
        assert_int_equal(load.fake.reject_count, 1);
        assert_string_equal(load.fake.rejects[0].code, "bad_value");
        assert_string_equal(load.fake.rejects[0].raw, "{\"_id\":\"u42\",\"n\":1.542}");
        assert_string_equal(load.fake.rejects[0].origin, "/api/segment/a1/scan");
        load_release(&load);
    }
}

static void test_no_more_than_the_limit_is_read(void **state)
{
    struct load load;
    int count = 0;

    (void)state;
    load_init(&load, SET("size_limit", "45"));
    assert_ok(load_open(&load), load.err);
    load_read(&load, 2);
    assert_ok(load_open(&load), load.err);
    assert_int_equal(load_read(&load, BATCHES_MAX), TOW_END);
    for (int i = 0; i < MEMBERS; i++)
        count += load.met[i];
    assert_int_equal(count, 45);
    load_release(&load);
}

static void test_an_audience_without_members_ends_or_fails(void **state)
{
    struct load load;

    (void)state;
    load_init(&load, SET("splits", "3"));
    fake_audience.members = 0;
    assert_ok(load_open(&load), load.err);
    assert_int_equal(load_read(&load, BATCHES_MAX), TOW_END);
    load_release(&load);
    load_init(&load, SET("on_empty", "fail"));
    fake_audience.members = 0;
    assert_ok(load_open(&load), load.err);
    assert_int_equal(load_read(&load, BATCHES_MAX), TOW_E_ENV);
    assert_says(load.err, "has no members");
    load_release(&load);
}

static int32_t take_word(void *context, const char *text, uint64_t length)
{
    snprintf(context, 32, "%.*s", (int)length, text);
    return TOW_OK;
}

static void test_the_source_says_what_its_audience_is_called(void **state)
{
    struct load load;
    char word[32];

    (void)state;
    load_init(&load, SET("splits", "1"));
    assert_ok(load_open(&load), load.err);
    assert_ok(load.ops->name(load.self, "audience_slug", take_word, word, &load.err), load.err);
    assert_string_equal(word, "vip");
    assert_ok(load.ops->name(load.self, "audience_id", take_word, word, &load.err), load.err);
    assert_string_equal(word, "a1");
    load.fake.now_us = INT64_C(1767312000000000) - 1; /* just before 2026-01-02 */
    assert_ok(load.ops->name(load.self, "date", take_word, word, &load.err), load.err);
    assert_string_equal(word, "20260101");
    load_release(&load);
}

static void test_what_cannot_be_read_is_told(void **state)
{
    static const struct {
        const char *name, *value, *says;
    } cases[] = {
        {"audience", "nope", "no audience nope"},
        {"fields", "nope", "no field \"nope\""},
        {"fields", "n,n", "named twice"},
        {"descending", "true", "descending is for sort_field"},
        {"parallel", "2", "parallel is for the parts"},
        {"token", "", "token"},
    };
    struct load load;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        load_init(&load, SET(cases[i].name, cases[i].value));
        assert_int_equal(load_open(&load), TOW_E_CONFIG);
        assert_says(load.err, cases[i].says);
        load_release(&load);
    }
    load_init(&load, SET("splits", "1"));
    fake_audience.is_invalid = 1;
    assert_int_equal(load_open(&load), TOW_E_CONFIG);
    assert_says(load.err, "is invalid");
    load_release(&load);
}

static void test_an_unfinished_load_goes_on_with_its_own_splits(void **state)
{
    struct load load;

    (void)state;
    load_init(&load, SET("splits", "4"));
    assert_ok(load_open(&load), load.err);
    load_read(&load, 3);
    load.settings = SET("splits", "5");
    assert_int_equal(load_open(&load), TOW_E_CONFIG);
    assert_says(load.err, "has splits = 4, now it is 5");
    load_release(&load);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_member_is_a_row),
        cmocka_unit_test(test_a_load_that_goes_on_neither_loses_nor_doubles),
        cmocka_unit_test(test_a_token_that_expires_at_any_page_costs_nothing),
        cmocka_unit_test(test_a_page_that_fails_is_asked_for_again),
        cmocka_unit_test(test_batches_that_are_full_end_within_a_page),
        cmocka_unit_test(test_a_profile_that_is_rejected_comes_once),
        cmocka_unit_test(test_no_more_than_the_limit_is_read),
        cmocka_unit_test(test_an_audience_without_members_ends_or_fails),
        cmocka_unit_test(test_the_source_says_what_its_audience_is_called),
        cmocka_unit_test(test_what_cannot_be_read_is_told),
        cmocka_unit_test(test_an_unfinished_load_goes_on_with_its_own_splits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
