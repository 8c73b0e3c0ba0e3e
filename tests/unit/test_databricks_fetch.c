#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "lake_fixture.h"
#include "towpath/clock.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define KIB          ((size_t)1024)
#define MIB          (1024 * KIB)

static const size_t small[] = {100};
static const size_t medium[] = {300 * KIB};

static int read_all(struct lake *lake, int64_t chunk)
{
    size_t at = 0;

    return lake_read(lake, chunk, &at, 0);
}

static void assert_error(struct lake *lake, int64_t chunk, int code, const char *words)
{
    int got = read_all(lake, chunk);

    if (got != code)
        fail_msg("%s, not %s: %s", tow_error_name(got), tow_error_name(code), lake->err.message);
    assert_int_equal(lake->err.code, code);
    assert_says(lake->err, words);
    assert_hushed(&lake->err);
    assert_null(strstr(lake->err.message, "?"));
}

/* ---- the usual way --------------------------------------------------------------------------- */

static void test_chunks_come_in_order_with_all_their_bytes(void **state)
{
    static const size_t lengths[] = {0, 1, 300 * KIB, 5, 128 * KIB, 2 * MIB, 128 * KIB - 16, 7};
    struct lake *lake = lake_new(0, 50, lengths, COUNT(lengths));

    (void)state;
    lake_open(lake, NULL);
    assert_lake(lake, 0);
    assert_int_equal(lake->authorized, 0);
    assert_int_equal(lake->without_extra, 0);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(lake->chunks[i].resolved, 1);
        assert_int_equal(lake->chunks[i].loaded, 1);
    }
    assert_false(tow_fetch_gone(lake->fetch));
    lake_free(lake);
}

static void test_a_reader_may_begin_later(void **state)
{
    struct lake *lake = lake_new(0, 10, small, 1);

    (void)state;
    lake_open(lake, &(struct tow_fetch_settings){.first = 7, .parallel = 2});
    assert_lake(lake, 7);
    for (int i = 0; i < 7; i++)
        assert_int_equal(lake->chunks[i].resolved, 0);
    lake_free(lake);
}

static void test_chunks_out_of_turn_are_a_bug(void **state)
{
    struct lake *lake = lake_new(0, 2, small, 1);
    const void *bytes;
    size_t length;

    (void)state;
    lake_open(lake, NULL);
    assert_int_equal(tow_fetch_next(lake->fetch, 1, &bytes, &length, &lake->err), TOW_E_BUG);
    assert_lake(lake, 0);
    assert_int_equal(tow_fetch_next(lake->fetch, 2, &bytes, &length, &lake->err), TOW_E_BUG);
    assert_int_equal(tow_fetch_next(lake->fetch, 0, &bytes, &length, NULL), TOW_E_BUG);
    lake_free(lake);
}

static void test_rows_are_those_of_the_link(void **state)
{
    struct lake *lake = lake_new(0, 3, small, 1);
    size_t at = 0;

    (void)state;
    lake_open(lake, NULL);
    assert_int_equal(read_all(lake, 0), TOW_END);
    assert_int_equal(tow_fetch_rows(lake->fetch, 0), 0);
    assert_ok(lake_read(lake, 1, &at, 1), lake->err);
    assert_int_equal(tow_fetch_rows(lake->fetch, 1), 10);
    assert_int_equal(lake_read(lake, 1, &at, 0), TOW_END);
    assert_int_equal(tow_fetch_rows(lake->fetch, 1), 10);
    lake_free(lake);
}

static void test_rows_are_those_of_the_manifest_where_the_link_has_none(void **state)
{
    struct lake *lake = lake_new(0, 2, small, 1);
    char answer[256];

    (void)state;
    snprintf(answer, sizeof answer,
             "{\"external_links\":[{\"external_link\":\"%s/storage/0\",\"http_headers\":"
             "{\"x-extra\":\"hush\"}}]}",
             http_server_base(lake->workspace->server));
    lake_event(lake, 0, (struct lake_event){.fault = LAKE_ANSWER, .text = answer});
    lake->statement.chunk_rows = calloc(2, sizeof(int64_t));
    lake->statement.chunk_rows[0] = 77;
    lake_open(lake, NULL);
    assert_int_equal(read_all(lake, 0), TOW_END);
    assert_int_equal(tow_fetch_rows(lake->fetch, 0), 77);
    lake_free(lake);
}

/* The link that came with the statement. */
static void lake_first_link(struct lake *lake, const char *expiration)
{
    char text[512];

    snprintf(text, sizeof text,
             "{\"external_links\":[{\"external_link\":\"%s/storage/0?sig=hush\",\"row_count\":5,"
             "\"http_headers\":{\"x-extra\":\"hush\"},\"expiration\":\"%s\"}]}",
             http_server_base(lake->workspace->server), expiration);
    lake->statement.first = json_loads(text, 0, NULL);
    assert_non_null(lake->statement.first);
}

static void test_the_link_that_came_along_is_used_while_it_is_good(void **state)
{
    static const struct {
        const char *expiration;
        int resolved;
    } cases[] = {{"2999-01-01T00:00:00.000Z", 0}, {"2020-01-01T00:00:00.000Z", 1}, {"soon", 0}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lake *lake = lake_new(0, 2, small, 1);

        lake_first_link(lake, cases[i].expiration);
        lake_open(lake, NULL);
        assert_lake(lake, 0);
        assert_int_equal(lake->chunks[0].resolved, cases[i].resolved);
        assert_int_equal(lake->chunks[1].resolved, 1);
        lake_free(lake);
    }
}

static void test_a_link_that_came_along_and_is_old_is_resolved_anew(void **state)
{
    struct lake *lake = lake_new(0, 1, small, 1);

    (void)state;
    lake_first_link(lake, "unknown");
    lake->statement.succeeded_ms -= 3600 * 1000;
    lake_open(lake, NULL);
    assert_lake(lake, 0);
    assert_int_equal(lake->chunks[0].resolved, 1);
    lake_free(lake);
}

/* ---- downloads that break -------------------------------------------------------------------- */

static void test_a_download_that_breaks_goes_on_where_it_stopped(void **state)
{
    struct lake *lake = lake_new(0, 1, medium, 1);
    size_t at = 0;

    (void)state;
    lake_event(lake, 0, (struct lake_event){.fault = LAKE_CUT, .at = 200 * KIB});
    lake_event(lake, 0, (struct lake_event){.fault = LAKE_CUT, .at = 50 * KIB});
    lake_open(lake, NULL);
    assert_int_equal(lake_read(lake, 0, &at, 0), TOW_E_TRANSIENT);
    assert_says(lake->err, "chunk 0 of the result");
    assert_hushed(&lake->err);
    assert_int_equal(at, 200 * KIB);
    assert_int_equal(lake->chunks[0].loaded, 1);
    assert_int_equal(lake_read(lake, 0, &at, 0), TOW_E_TRANSIENT);
    assert_int_equal(at, 250 * KIB);
    assert_int_equal(lake_read(lake, 0, &at, 0), TOW_END);
    assert_int_equal(at, 300 * KIB);
    /* By the same link, which is still good. */
    assert_int_equal(lake->chunks[0].resolved, 1);
    assert_int_equal(lake->chunks[0].loaded, 3);
    lake_free(lake);
}

static void test_storage_without_ranges_is_read_over(void **state)
{
    struct lake *lake = lake_new(0, 1, medium, 1);
    size_t at = 0;

    (void)state;
    lake_event(lake, 0, (struct lake_event){.fault = LAKE_CUT, .at = 200 * KIB});
    lake_event(lake, 0, (struct lake_event){.fault = LAKE_WHOLE});
    lake_open(lake, NULL);
    assert_int_equal(lake_read(lake, 0, &at, 0), TOW_E_TRANSIENT);
    assert_int_equal(lake_read(lake, 0, &at, 0), TOW_END);
    assert_int_equal(at, 300 * KIB);
    lake_free(lake);
}

static void test_storage_that_has_something_else_now_is_an_error(void **state)
{
    struct lake *lake = lake_new(0, 1, medium, 1);
    size_t at = 0;

    (void)state;
    lake_event(lake, 0, (struct lake_event){.fault = LAKE_CUT, .at = 100 * KIB});
    lake_event(lake, 0, (struct lake_event){.fault = LAKE_OTHER});
    lake_open(lake, NULL);
    assert_int_equal(lake_read(lake, 0, &at, 0), TOW_E_TRANSIENT);
    assert_int_equal(lake_read(lake, 0, &at, 0), TOW_E_ENV);
    assert_says(lake->err, "307201 bytes of it where it had 307200");
    /* For good. */
    assert_int_equal(lake_read(lake, 0, &at, 0), TOW_E_ENV);
    assert_int_equal(lake->chunks[0].loaded, 2);
    lake_free(lake);
}

static void test_storage_that_is_busy_is_asked_again_when_the_caller_asks(void **state)
{
    struct lake *lake = lake_new(0, 1, small, 1);

    (void)state;
    lake_event(lake, 0,
               (struct lake_event){.fault = LAKE_STATUS,
                                   .status = 503,
                                   .headers = "Retry-After: 4\r\n",
                                   .text = "<Error><Code>SlowDown</Code></Error>"});
    lake_event(lake, 0, (struct lake_event){.fault = LAKE_STATUS, .status = 500});
    lake_open(lake, NULL);
    assert_error(lake, 0, TOW_E_RATE, "SlowDown");
    assert_int_equal(lake->err.retry_after_ms, 4000);
    assert_error(lake, 0, TOW_E_TRANSIENT, "HTTP 500");
    assert_int_equal(lake->chunks[0].loaded, 2);
    assert_lake(lake, 0);
    lake_free(lake);
}

static void wait_until_failed(struct tow_fetch *fetch, int64_t chunk)
{
    int64_t end = tow_monotonic_ms() + 20000;
    int has_failed = 0;

    while (!has_failed) {
        if (tow_monotonic_ms() > end)
            fail_msg("chunk %lld does not fail", (long long)chunk);
        poll(NULL, 0, 1);
        pthread_mutex_lock(&fetch->lock);
        has_failed = tow_fetch_slot_of(fetch, chunk)->state == TOW_FETCH_FAILED;
        pthread_mutex_unlock(&fetch->lock);
    }
}

static void test_what_fails_ahead_of_need_is_not_heard_of(void **state)
{
    struct lake *lake = lake_new(0, 6, medium, 1);

    (void)state;
    lake_event(lake, 2, (struct lake_event){.fault = LAKE_STATUS, .status = 503});
    lake_event(lake, 3, (struct lake_event){.fault = LAKE_CUT, .at = 1000});
    lake_event(lake, 4, (struct lake_event){.fault = LAKE_RESOLVE, .status = 500});
    lake_open(lake, NULL);
    for (int64_t chunk = 2; chunk <= 4; chunk++)
        wait_until_failed(lake->fetch, chunk);
    assert_lake(lake, 0);
    assert_int_equal(lake->chunks[2].loaded, 2);
    assert_int_equal(lake->chunks[3].loaded, 2);
    assert_int_equal(lake->chunks[4].resolved, 2);
    lake_free(lake);
}

/* ---- links that are refused ------------------------------------------------------------------ */

static void test_a_link_that_expired_is_resolved_anew(void **state)
{
    static const int statuses[] = {403, 404, 400, 401, 410};

    (void)state;
    for (size_t i = 0; i < COUNT(statuses); i++) {
        struct lake *lake = lake_new(0, 1, medium, 1);
        size_t at = 0;

        lake_event(lake, 0, (struct lake_event){.fault = LAKE_CUT, .at = 1000});
        lake_event(lake, 0, (struct lake_event){.fault = LAKE_STATUS, .status = statuses[i]});
        lake_open(lake, NULL);
        assert_int_equal(lake_read(lake, 0, &at, 0), TOW_E_TRANSIENT);
        assert_int_equal(lake_read(lake, 0, &at, 0), TOW_END);
        assert_int_equal(at, 300 * KIB);
        assert_int_equal(lake->chunks[0].resolved, 2);
        lake_free(lake);
    }
}

static void test_storage_that_refuses_fresh_links_is_an_error_with_advice(void **state)
{
    struct lake *lake = lake_new(0, 1, small, 1);

    (void)state;
    for (int i = 0; i < 3; i++)
        lake_event(lake, 0,
                   (struct lake_event){
                       .fault = LAKE_STATUS,
                       .status = 403,
                       .text = "<Error><Code>AccessDenied</Code><Message>by policy</Message>"
                               "</Error>"});
    lake_open(lake, &(struct tow_fetch_settings){.refreshes = 2});
    assert_error(lake, 0, TOW_E_ENV, "AccessDenied: by policy");
    assert_says(lake->err, "result = \"inline\"");
    assert_int_equal(lake->chunks[0].resolved, 3);
    assert_false(tow_fetch_gone(lake->fetch));
    lake_free(lake);
}

static void test_storage_that_is_never_reached_is_an_error_with_advice(void **state)
{
    struct lake *lake = lake_new(0, 1, small, 1);

    (void)state;
    lake_event(lake, 0, (struct lake_event){.fault = LAKE_UNREACHABLE});
    lake_open(lake, NULL);
    assert_error(lake, 0, TOW_E_TRANSIENT, "egress");
    assert_error(lake, 0, TOW_E_TRANSIENT, "result = \"inline\"");
    assert_error(lake, 0, TOW_E_ENV, "egress");
    assert_error(lake, 0, TOW_E_ENV, "egress");
    lake_free(lake);
}

static void test_storage_that_was_reached_before_may_be_again(void **state)
{
    struct lake *lake = lake_new(0, 2, small, 1);

    (void)state;
    lake_event(lake, 1, (struct lake_event){.fault = LAKE_UNREACHABLE});
    lake_open(lake, &(struct tow_fetch_settings){.parallel = 1});
    assert_int_equal(read_all(lake, 0), TOW_END);
    for (int i = 0; i < 5; i++)
        assert_error(lake, 1, TOW_E_TRANSIENT, "chunk 1 of the result");
    assert_null(strstr(lake->err.message, "egress"));
    lake_free(lake);
}

static void test_a_result_that_is_gone_says_so(void **state)
{
    struct lake *lake = lake_new(0, 2, small, 1);

    (void)state;
    for (int i = 0; i < 2; i++)
        lake_event(lake, 1,
                   (struct lake_event){
                       .fault = LAKE_RESOLVE,
                       .status = 404,
                       .text = "{\"error_code\":\"NOT_FOUND\",\"message\":\"no statement\"}"});
    lake_open(lake, NULL);
    assert_int_equal(read_all(lake, 0), TOW_END);
    assert_error(lake, 1, TOW_E_ENV, "no statement");
    assert_true(tow_fetch_gone(lake->fetch));
    lake_free(lake);
}

static void test_a_statement_that_was_closed_is_gone(void **state)
{
    struct lake *lake = lake_new(0, 1, small, 1);

    (void)state;
    lake_event(lake, 0,
               (struct lake_event){.fault = LAKE_RESOLVE,
                                   .status = 400,
                                   .text = "{\"error_code\":\"BAD_REQUEST\",\"message\":\"The "
                                           "statement s1 was closed\"}"});
    lake_open(lake, NULL);
    assert_error(lake, 0, TOW_E_ENV, "was closed");
    assert_true(tow_fetch_gone(lake->fetch));
    lake_free(lake);
}

static void test_a_workspace_that_is_busy_is_asked_again_when_the_caller_asks(void **state)
{
    struct lake *lake = lake_new(0, 1, small, 1);

    (void)state;
    lake_event(
        lake, 0,
        (struct lake_event){.fault = LAKE_RESOLVE, .status = 429, .headers = "Retry-After: 9\r\n"});
    lake_event(lake, 0, (struct lake_event){.fault = LAKE_RESOLVE, .status = 403});
    lake_open(lake, NULL);
    assert_error(lake, 0, TOW_E_RATE, "resolving its link: HTTP 429");
    assert_int_equal(lake->err.retry_after_ms, 9000);
    assert_error(lake, 0, TOW_E_AUTH, "HTTP 403");
    assert_error(lake, 0, TOW_E_AUTH, "HTTP 403");
    assert_int_equal(lake->chunks[0].resolved, 2);
    lake_free(lake);
}

static void test_a_login_that_ended_is_renewed(void **state)
{
    struct lake *lake = lake_new(1, 3, small, 1);

    (void)state;
    lake_event(lake, 1, (struct lake_event){.fault = LAKE_RESOLVE, .status = 401});
    lake_open(lake, NULL);
    assert_lake(lake, 0);
    assert_int_equal(lake->chunks[1].resolved, 2);
    assert_int_equal(lake->authorized, 0);
    lake_free(lake);
}

static void test_links_that_make_no_sense_are_refused(void **state)
{
    static const char *const answers[][2] = {
        {"", "no link"},
        {"{}", "no link"},
        {"[]", "no link"},
        {"{\"external_links\":[]}", "no link"},
        {"{\"external_links\":{}}", "no link"},
        {"{\"external_links\":[7]}", "empty link"},
        {"{\"external_links\":[{\"chunk_index\":1,\"external_link\":\"https://h/hush\"}]}",
         "no link"},
        {"{\"external_links\":[{\"external_link\":\"\"}]}", "empty link"},
        {"{\"external_links\":[{\"external_link\":7}]}", "empty link"},
        {"{\"external_links\":[{\"external_link\":\"http://storage.example/x?hush\"}]}", "http"},
        {"{\"external_links\":[{\"external_link\":\"file:///etc/passwd?hush\"}]}", "chunk 0"},
        {"{\"external_links\":[{\"external_link\":\"https://h/\",\"http_headers\":{\"a\":7}}]}",
         "http_headers"},
        {"{\"external_links\":[{\"external_link\":\"https://h/\",\"http_headers\":{\"a\":"
         "\"hush\\r\\nb: c\"}}]}",
         "chunk 0"},
        {"{\"external_links\":", "no JSON"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        struct lake *lake = lake_new(0, 1, small, 1);

        lake_event(lake, 0, (struct lake_event){.fault = LAKE_ANSWER, .text = answers[i][0]});
        lake_open(lake, NULL);
        assert_error(lake, 0, TOW_E_ENV, answers[i][1]);
        lake_free(lake);
    }
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* How many downloads pause. */
static int paused(struct tow_fetch *fetch, size_t *blocks)
{
    int count = 0;

    pthread_mutex_lock(&fetch->lock);
    for (size_t i = 0; i < fetch->window; i++)
        count += fetch->slots[i].is_paused;
    *blocks = fetch->block_count;
    pthread_mutex_unlock(&fetch->lock);
    return count;
}

/* Waits until so many downloads pause. */
static void wait_until_paused(struct tow_fetch *fetch, int count)
{
    int64_t end = tow_monotonic_ms() + 20000;
    size_t blocks;

    while (paused(fetch, &blocks) < count) {
        if (tow_monotonic_ms() > end)
            fail_msg("%d downloads do not pause", count);
        poll(NULL, 0, 1);
    }
}

static void test_what_waits_is_bounded(void **state)
{
    static const size_t lengths[] = {12 * MIB};
    struct lake *lake = lake_new(0, 6, lengths, 1);
    size_t blocks, at = 0;

    (void)state;
    lake_open(lake, &(struct tow_fetch_settings){.parallel = 4, .memory = 2 * MIB});
    /* Nobody takes anything: all stop. */
    wait_until_paused(lake->fetch, 4);
    assert_int_equal(paused(lake->fetch, &blocks), 4);
    assert_in_range(blocks, 16, 17 + TOW_FETCH_HEAD_BLOCKS);
    /* The one that is handed out goes on, whatever the others hold. */
    assert_ok(lake_read(lake, 0, &at, 8 * MIB), lake->err);
    paused(lake->fetch, &blocks);
    assert_in_range(blocks, 1, 17 + TOW_FETCH_HEAD_BLOCKS + 1); /* one is at hand */
    assert_int_equal(lake_read(lake, 0, &at, 0), TOW_END);
    assert_lake(lake, 1);
    for (int i = 0; i < 6; i++)
        assert_int_equal(lake->chunks[i].loaded, 1);
    lake_free(lake);
}

static void test_little_memory_is_enough(void **state)
{
    static const size_t lengths[] = {1 * MIB, 3, 700 * KIB};
    struct lake *lake = lake_new(0, 20, lengths, COUNT(lengths));

    (void)state;
    lake_open(lake, &(struct tow_fetch_settings){.parallel = 8, .memory = 1});
    assert_lake(lake, 0);
    lake_free(lake);
}

static void test_a_download_that_pauses_for_long_is_parked_and_goes_on(void **state)
{
    static const size_t lengths[] = {4 * MIB};
    struct lake *lake = lake_new(0, 4, lengths, 1);
    int64_t end = tow_monotonic_ms() + 20000;
    size_t blocks;

    (void)state;
    lake_open(lake, &(struct tow_fetch_settings){.parallel = 4, .memory = 2 * MIB});
    wait_until_paused(lake->fetch, 3);
    pthread_mutex_lock(&lake->fetch->lock);
    lake->fetch->park_ms = -1;
    pthread_mutex_unlock(&lake->fetch->lock);
    tow_http_wake(lake->fetch->databricks->http);
    while (paused(lake->fetch, &blocks) > 0) {
        if (tow_monotonic_ms() > end)
            fail_msg("no download is parked");
        poll(NULL, 0, 1);
    }
    assert_lake(lake, 0);
    /* It was no failure of anything, and cost no link. */
    for (int i = 0; i < 4; i++)
        assert_int_equal(lake->chunks[i].resolved, 1);
    assert_true(lake->chunks[3].loaded > 1);
    lake_free(lake);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void test_a_wait_for_a_chunk_ends_when_it_is_interrupted(void **state)
{
    struct lake *lake = lake_new(0, 2, medium, 1);
    const uint64_t one = 1;
    int64_t before;
    size_t at = 0;

    (void)state;
    lake_event(lake, 0, (struct lake_event){.fault = LAKE_STALL, .at = 1000});
    lake_open(lake, NULL);
    assert_ok(lake_read(lake, 0, &at, 1), lake->err);
    before = tow_monotonic_ms();
    assert_int_equal(write(lake->workspace->cancel, &one, sizeof one), sizeof one);
    assert_int_equal(lake_read(lake, 0, &at, 0), TOW_E_CANCELLED);
    assert_in_range(tow_monotonic_ms() - before, 0, 1000);
    lake_free(lake);
    assert_in_range(tow_monotonic_ms() - before, 0, 2000);
}

static void test_a_fetcher_may_be_freed_at_any_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < 12; i++) {
        struct lake *lake = lake_new(i % 2, 20, medium, 1);

        lake_open(lake, &(struct tow_fetch_settings){.memory = i % 3 ? 1 : 0});
        http_server_wait(lake->workspace->server, i);
        lake_free(lake);
    }
}

static void test_settings_that_cannot_be_make_no_fetcher(void **state)
{
    struct lake *lake = lake_new(0, 1, small, 1);

    (void)state;
    free(lake->workspace->config.proxy);
    lake->workspace->config.proxy = strdup("http://[hush");
    assert_null(tow_fetch_new(&lake->workspace->config, -1, &lake->statement,
                              &(struct tow_fetch_settings){.parallel = 1}, &lake->err));
    assert_int_equal(lake->err.code, TOW_E_CONFIG);
    assert_hushed(&lake->err);
    lake_free(lake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_come_in_order_with_all_their_bytes),
        cmocka_unit_test(test_a_reader_may_begin_later),
        cmocka_unit_test(test_chunks_out_of_turn_are_a_bug),
        cmocka_unit_test(test_rows_are_those_of_the_link),
        cmocka_unit_test(test_rows_are_those_of_the_manifest_where_the_link_has_none),
        cmocka_unit_test(test_the_link_that_came_along_is_used_while_it_is_good),
        cmocka_unit_test(test_a_link_that_came_along_and_is_old_is_resolved_anew),
        cmocka_unit_test(test_a_download_that_breaks_goes_on_where_it_stopped),
        cmocka_unit_test(test_storage_without_ranges_is_read_over),
        cmocka_unit_test(test_storage_that_has_something_else_now_is_an_error),
        cmocka_unit_test(test_storage_that_is_busy_is_asked_again_when_the_caller_asks),
        cmocka_unit_test(test_what_fails_ahead_of_need_is_not_heard_of),
        cmocka_unit_test(test_a_link_that_expired_is_resolved_anew),
        cmocka_unit_test(test_storage_that_refuses_fresh_links_is_an_error_with_advice),
        cmocka_unit_test(test_storage_that_is_never_reached_is_an_error_with_advice),
        cmocka_unit_test(test_storage_that_was_reached_before_may_be_again),
        cmocka_unit_test(test_a_result_that_is_gone_says_so),
        cmocka_unit_test(test_a_statement_that_was_closed_is_gone),
        cmocka_unit_test(test_a_workspace_that_is_busy_is_asked_again_when_the_caller_asks),
        cmocka_unit_test(test_a_login_that_ended_is_renewed),
        cmocka_unit_test(test_links_that_make_no_sense_are_refused),
        cmocka_unit_test(test_what_waits_is_bounded),
        cmocka_unit_test(test_little_memory_is_enough),
        cmocka_unit_test(test_a_download_that_pauses_for_long_is_parked_and_goes_on),
        cmocka_unit_test(test_a_wait_for_a_chunk_ends_when_it_is_interrupted),
        cmocka_unit_test(test_a_fetcher_may_be_freed_at_any_time),
        cmocka_unit_test(test_settings_that_cannot_be_make_no_fetcher),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
