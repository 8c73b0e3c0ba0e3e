/* plugins/lytics_audience_changes: what messages tell, and what was told before. */
#include <unistd.h>

#include "nomem.h"
#include "plugins/lytics_audience_changes/change.h"
#include "plugins/lytics_audience_changes/seen.h"
#include "scratch.h"
#include "unit.h"

static struct tow_error err;

/* ---- messages ------------------------------------------------------------------------------- */

static const char *const audiences[] = {"vip", "id-2"};
static struct tow_change_rules rules;
static char told[4096];

static int begin(void **state)
{
    err = (struct tow_error)TOW_ERROR_INIT;
    rules = (struct tow_change_rules){.audiences = {audiences, 2}, .id_field = "e\"mail"};
    return scratch_setup(state);
}

static int tell(void *context, const struct tow_change *change, struct tow_error *own)
{
    char *end = told + strlen(told);

    (void)own;
    if (change->code)
        sprintf(end, "!%s ", change->code);
    else
        sprintf(end, "%.*s/%.*s@%lld%c ", (int)change->id.length,
                change->id.text ? change->id.text : "-", (int)change->slug.length,
                change->slug.text, (long long)change->at_us, change->is_exit ? 'x' : 'e');
    return context && strlen(told) > 10 ? TOW_END : TOW_OK;
}

static int tells(const char *body, const char *expected)
{
    struct tow_change_reader reader = {0};

    told[0] = '\0';
    int rc = tow_change_each(&reader, &rules, body, strlen(body), tell, NULL, &err);
    tow_change_reader_release(&reader);
    assert_string_equal(told, expected);
    return rc;
}

#define EVENTS(list) "\"segment_events\":[" list "]"
#define ENTER        "{\"slug\":\"vip\",\"event\":\"enter\",\"enter\":\"1970-01-01T00:00:01Z\"}"
#define EXIT \
    "{\"id\":\"id-2\",\"slug\":\"two\",\"event\":\"exit\",\"exit\":\"1970-01-01T00:00:02.5Z\"}"

static void test_a_profile_tells_of_each_event_that_is_asked_for(void **state)
{
    (void)state;
    assert_int_equal(
        tells("{\"data\":{\"e\\u0022mail\":\"a\\u00e4\"," EVENTS(
                  ENTER ",{\"slug\":\"other\",\"event\":\"enter\",\"enter\":\"x\"}," EXIT) "}}",
              "a\xc3\xa4/vip@1000000e a\xc3\xa4/two@2500000x "),
        TOW_OK);
}

static void test_the_last_of_members_with_one_name_counts(void **state)
{
    (void)state;
    tells("{\"data\":{\"e\\\"mail\":\"a\",\"e\\\"mail\":\"b\"," EVENTS(ENTER) "}}",
          "b/vip@1000000e ");
}

static void test_what_a_visit_returns_ends_a_message(void **state)
{
    struct tow_change_reader reader = {0};
    const char *body = "[{\"e\\\"mail\":1," EVENTS(ENTER "," EXIT) "},{}]";

    (void)state;
    told[0] = '\0';
    assert_int_equal(tow_change_each(&reader, &rules, body, strlen(body), tell, told, &err),
                     TOW_END);
    assert_string_equal(told, "1/vip@1000000e ");
    tow_change_reader_release(&reader);
}

static void test_what_is_put_is_read_back(void **state)
{
    struct tow_buffer out = {0};
    const char *id = "\"\\\"x\\u0001\"";

    (void)state;
    assert_ok(tow_change_put(&out, rules.id_field, (struct tow_json_part){id, strlen(id)}, "id-2",
                             "sl\"ug", -1500000, 1, &err),
              err);
    assert_ok(tow_buffer_append(&out, "", 1, &err), err);
    tells(out.data, "\"x\x01/sl\"ug@-1500000x ");
    tow_buffer_release(&out);
}

static void test_bad_messages_have_a_reason_each(void **state)
{
    (void)state;
    tells("", "!not_json ");
    tells("null", "!not_json ");
    tells("[1, \"x\", [], {}]",
          "!no_segment_events !no_segment_events !no_segment_events !no_segment_events ");
    tells("{\"data\":null}", "!no_segment_events ");
    tells("{\"segment_events\":{}}", "!no_segment_events ");
    tells("{" EVENTS("1, {}, null, " ENTER) "}", "!missing_id ");
    tells("{" EVENTS("{\"id\":\"vip\",\"event\":\"enter\"}") "}", "!bad_event ");
    tells("{" EVENTS("{\"slug\":\"vip\",\"event\":\"enter\"}") "}", "!bad_timestamp ");
    tells("{" EVENTS("{\"slug\":\"vip\",\"event\":[]}") "}", "!bad_event ");
}

static void test_ids_that_are_empty_lists_are_missing(void **state)
{
    (void)state;
    tells("{\"e\\\"mail\":[]," EVENTS(ENTER) "}", "!missing_id ");
    tells("{\"e\\\"mail\":{}," EVENTS(ENTER) "}", "!missing_id ");
    rules.multi_id = TOW_CHANGE_MULTI_EXPLODE;
    tells("{\"e\\\"mail\":[\"a\",null,\"\",[1]]," EVENTS(ENTER) "}",
          "a/vip@1000000e !missing_id !missing_id [1]/vip@1000000e ");
    rules.missing_id = TOW_CHANGE_MISSING_NULL;
    tells("{\"e\\\"mail\":[\"a\",null,\"\",\"b\"]," EVENTS(ENTER) "}",
          "a/vip@1000000e /vip@1000000e /vip@1000000e b/vip@1000000e ");
    rules.missing_id = TOW_CHANGE_MISSING_FAIL;
    assert_int_equal(tells("{" EVENTS(ENTER) "}", ""), TOW_E_DATA);
    assert_says(err, "e\"mail");
}

/* Want of memory is no reason to refuse a message. */
static void test_a_message_tells_the_same_or_memory_is_short(void **state)
{
    const char *body = "{\"\\u0064ata\":{\"e\\u0022mail\":\"a\\u00e4\","
                       "\"segment\\u005fevents\":[" ENTER "," EXIT "]}}";
    const char *both = "a\xc3\xa4/vip@1000000e a\xc3\xa4/two@2500000x ";
    int code, n = 0;

    (void)state;
    do {
        struct tow_change_reader reader = {0};

        told[0] = '\0';
        err = (struct tow_error)TOW_ERROR_INIT;
        nomem_after_here(n++);
        code = tow_change_each(&reader, &rules, body, strlen(body), tell, NULL, &err);
        if (!nomem_stop())
            n = -1;
        tow_change_reader_release(&reader);
        assert_int_equal(code, n < 0 ? TOW_OK : TOW_E_NOMEM);
        assert_memory_equal(told, both, strlen(told)); /* what it had told by then */
        assert_true(n >= 0 || strcmp(told, both) == 0);
    } while (n >= 0);
}

/* ---- what was told before ------------------------------------------------------------------- */

static struct tow_seen *open_seen(const struct scratch *scratch, int64_t entries)
{
    struct tow_seen *seen;
    char path[256];

    snprintf(path, sizeof path, "%s/seen", scratch->folder);
    assert_ok(tow_seen_open(path, entries, &seen, &err), err);
    return seen;
}

static int again(struct tow_seen *seen, const char *text, uint64_t offset, int64_t now)
{
    const struct tow_seen_place place = {{1, offset}, 0};
    struct tow_seen_key key = {1, 2};

    tow_seen_hash(&key, text, strlen(text));
    return tow_seen_again(seen, &key, place, now, 100);
}

static void test_a_change_at_a_later_place_is_a_repetition(void **state)
{
    struct tow_seen *seen = open_seen(*state, 1000);

    assert_int_equal(again(seen, "a", 10, 1), 0);
    assert_int_equal(again(seen, "b", 20, 2), 0);
    assert_int_equal(again(seen, "a", 30, 3), 1);
    assert_int_equal(again(seen, "a", 10, 4), 0); /* read anew after a kill */
    assert_int_equal(again(seen, "a", 30, 5), 1);
    tow_seen_close(seen);
    seen = open_seen(*state, 1000);
    assert_int_equal(again(seen, "a", 40, 6), 1);
    assert_int_equal(again(seen, "b", 20, 7), 0);
    assert_int_equal(again(seen, "b", 5, 8), 0); /* a spool that begins anew */
    tow_seen_close(seen);
}

static void test_behind_the_window_it_is_new(void **state)
{
    struct tow_seen *seen = open_seen(*state, 1000);

    assert_int_equal(again(seen, "a", 10, 0), 0);
    assert_int_equal(again(seen, "a", 20, 100), 1);
    assert_int_equal(again(seen, "a", 30, 101), 0);
    assert_int_equal(again(seen, "a", 40, 200), 1);
    tow_seen_close(seen);
}

static void test_the_oldest_go_where_there_are_many(void **state)
{
    struct tow_seen *seen = open_seen(*state, 1024);
    char text[32];
    int known = 0;

    for (int i = 0; i < 10000; i++) {
        snprintf(text, sizeof text, "change %d", i);
        assert_int_equal(again(seen, text, (uint64_t)i, i / 200), 0);
    }
    for (int i = 9500; i < 10000; i++) {
        snprintf(text, sizeof text, "change %d", i);
        known += again(seen, text, (uint64_t)(20000 + i), 50);
    }
    assert_in_range(known, 480, 500);
    tow_seen_close(seen);
}

static void test_a_file_of_another_size_or_kind_begins_anew(void **state)
{
    const struct scratch *scratch = *state;
    struct tow_seen *seen = open_seen(scratch, 1000);
    char path[256];

    again(seen, "a", 10, 1);
    tow_seen_close(seen);
    seen = open_seen(scratch, 2000);
    assert_int_equal(again(seen, "a", 20, 2), 0);
    tow_seen_close(seen);
    snprintf(path, sizeof path, "%s/seen", scratch->folder);
    scratch_write(path, "no table", 8);
    seen = open_seen(scratch, 2000);
    assert_int_equal(again(seen, "a", 30, 3), 0);
    tow_seen_close(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CHANGES_TEST(name) cmocka_unit_test_setup_teardown(name, begin, scratch_teardown)
        CHANGES_TEST(test_a_profile_tells_of_each_event_that_is_asked_for),
        CHANGES_TEST(test_the_last_of_members_with_one_name_counts),
        CHANGES_TEST(test_what_a_visit_returns_ends_a_message),
        CHANGES_TEST(test_what_is_put_is_read_back),
        CHANGES_TEST(test_bad_messages_have_a_reason_each),
        CHANGES_TEST(test_ids_that_are_empty_lists_are_missing),
        CHANGES_TEST(test_a_message_tells_the_same_or_memory_is_short),
        CHANGES_TEST(test_a_change_at_a_later_place_is_a_repetition),
        CHANGES_TEST(test_behind_the_window_it_is_new),
        CHANGES_TEST(test_the_oldest_go_where_there_are_many),
        CHANGES_TEST(test_a_file_of_another_size_or_kind_begins_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
