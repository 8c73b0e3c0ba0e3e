#include <sys/mman.h>
#include <unistd.h>

#include "connectors/lytics/catalog.h"
#include "connectors/lytics/query.h"
#include "connectors/lytics/upload.h"
#include "lytics_fixture.h"

#define AT(seconds) (INT64_C(1767225600000000) + (seconds)*INT64_C(1000000)) /* 2026-01-01 */

/* What visits have seen, with a space behind each. */
struct seen {
    char text[512];
    int stop_at; /* visits from which on they end; 0: never */
    int count;
};

static int seen_add(struct seen *seen, const char *text, struct tow_error *err)
{
    strcat(strcat(seen->text, text), " ");
    if (++seen->count == seen->stop_at)
        return tow_error_set(err, TOW_E_DATA, "enough");
    return TOW_OK;
}

/* ---- account --------------------------------------------------------------------------------- */

static void test_the_account_is_the_one_that_is_named(void **state)
{
    struct tow_lytics_account account;
    struct api *api = *state;

    api->settings.account_id = "1234";
    api_renew(api);
    api_reply(api, 200,
              "{\"data\":{\"id\":\"abc\",\"aid\":1234,\"name\":\"N\",\"timezone\":\"UTC\"},"
              "\"status\":200}");
    assert_ok(tow_lytics_account(api->lytics, &account, &api->err), api->err);
    assert_asked(api, 0, "GET /api/account/1234?account_id=1234");
    assert_int_equal(account.aid, 1234);
    assert_string_equal(account.id, "abc");
    assert_string_equal(account.timezone, "UTC");
}

static void test_without_a_name_it_is_the_only_account(void **state)
{
    struct tow_lytics_account account;
    struct api *api = *state;

    api_reply(api, 200, "{\"data\":[{\"id\":\"abc\",\"aid\":\"77\"}],\"status\":\"success\"}");
    assert_ok(tow_lytics_account(api->lytics, &account, &api->err), api->err);
    assert_asked(api, 0, "GET /api/account");
    assert_int_equal(account.aid, 77);
    api_reply(api, 200, "{\"data\":[{\"id\":\"abc\",\"aid\":1},{\"id\":\"def\",\"aid\":2}]}");
    assert_fails(api, tow_lytics_account(api->lytics, &account, &api->err), TOW_E_CONFIG,
                 "2 accounts: set account_id to one of them: abc (1), def (2)");
    api_reply(api, 200, "{\"data\":[]}");
    assert_fails(api, tow_lytics_account(api->lytics, &account, &api->err), TOW_E_CONFIG,
                 "no account");
    api_reply(api, 200, "{\"data\":{\"id\":\"abc\"}}");
    assert_fails(api, tow_lytics_account(api->lytics, &account, &api->err), TOW_E_ENV,
                 "no number \"aid\"");
    api_reply(api, 200, "{\"data\":null}");
    assert_fails(api, tow_lytics_account(api->lytics, &account, &api->err), TOW_E_ENV, "no number");
}

/* ---- audiences ------------------------------------------------------------------------------- */

static void test_an_audience_is_found_by_id_or_slug(void **state)
{
    struct tow_lytics_segment segment;
    struct api *api = *state;

    api_reply(api, 200,
              "{\"data\":{\"id\":\"s1\",\"slug_name\":\"vip\",\"name\":\"V\\u0049P\",\"table\":"
              "\"user\",\"size\":\"50\",\"invalid\":true},\"status\":200}");
    assert_ok(tow_lytics_segment(api->lytics, "a/b", &segment, &api->err), api->err);
    assert_asked(api, 0, "GET /v2/segment/a%2Fb?sizes=true");
    assert_string_equal(segment.id, "s1");
    assert_string_equal(segment.slug, "vip");
    assert_string_equal(segment.name, "VIP");
    assert_int_equal(segment.size, 50);
    assert_int_equal(segment.is_invalid, 1);
    api_reply(api, 200, "{\"data\":{\"id\":\"s1\",\"size\":-7},\"status\":200}");
    assert_ok(tow_lytics_segment(api->lytics, "s1", &segment, &api->err), api->err);
    assert_int_equal(segment.size, -1);
}

static void test_an_audience_that_there_is_not_is_named(void **state)
{
    static const char *const answers[] = {
        "{\"data\":null,\"status\":200,\"message\":\"Not Found\"}", "{\"data\":null}"};
    struct tow_lytics_segment segment;
    struct api *api = *state;

    for (size_t i = 0; i < 2; i++) {
        api_reply(api, 200, answers[i]);
        assert_fails(api, tow_lytics_segment(api->lytics, "vip", &segment, &api->err), TOW_E_CONFIG,
                     "no audience whose id or slug is \"vip\"");
    }
    api_reply(api, 404, "{\"status\":404,\"errors\":[{\"code\":\"NOTFOUND-003\"}]}");
    assert_fails(api, tow_lytics_segment(api->lytics, "vip", &segment, &api->err), TOW_E_CONFIG,
                 "no audience");
    api_reply(api, 200, "{\"data\":{\"slug_name\":\"x\"}}");
    assert_fails(api, tow_lytics_segment(api->lytics, "vip", &segment, &api->err), TOW_E_ENV,
                 "without an id");
}

static int id_visit(void *context, const char *id, struct tow_error *err)
{
    return seen_add(context, id, err);
}

static void test_ids_are_visited_until_somebody_has_enough(void **state)
{
    struct seen seen = {.stop_at = 0};
    struct api *api = *state;
    const char *answer = "{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"}]}";

    api_reply(api, 200, answer);
    assert_ok(tow_lytics_ids(api->lytics, "segment", id_visit, &seen, &api->err), api->err);
    assert_asked(api, 0, "GET /v2/segment?table=user&kind=segment&valid=true");
    assert_string_equal(seen.text, "a b c ");
    seen = (struct seen){.stop_at = 2};
    api_reply(api, 200, answer);
    assert_fails(api, tow_lytics_ids(api->lytics, "segment", id_visit, &seen, &api->err),
                 TOW_E_DATA, "enough");
    assert_string_equal(seen.text, "a b ");
    api_reply(api, 200, "{\"data\":{}}");
    assert_fails(api, tow_lytics_ids(api->lytics, "segment", id_visit, &seen, &api->err), TOW_E_ENV,
                 "is no array");
}

/* ---- fields ---------------------------------------------------------------------------------- */

static int field_visit(void *context, const struct tow_lytics_field *field, struct tow_error *err)
{
    char text[64];

    snprintf(text, sizeof text, "%s:%s:%d%s", field->name, field->type, field->kind,
             field->is_identifier ? "!" : "");
    return seen_add(context, text, err);
}

static void test_fields_come_from_version_2(void **state)
{
    struct seen seen = {.stop_at = 0};
    struct api *api = *state;

    api_reply(api, 200,
              "{\"data\":[{\"id\":\"email\",\"type\":\"string\",\"is_identifier\":true},"
              "{\"id\":\"tags\",\"type\":\"[]string\"},{\"id\":\"n\",\"type\":\"int\"}]}");
    assert_ok(tow_lytics_fields(api->lytics, "user", field_visit, &seen, &api->err), api->err);
    assert_asked(api, 0, "GET /v2/schema/user/field?filter=all");
    assert_string_equal(seen.text, "email:string:1! tags:[]string:6 n:int:3 ");
}

static void test_fields_come_from_version_1_where_version_2_does_not_know_them(void **state)
{
    struct seen seen = {.stop_at = 0};
    struct api *api = *state;

    api_reply(api, 404, "{\"status\":404,\"errors\":[{\"code\":\"NOTFOUND-003\"}]}");
    api_reply(api, 200,
              "{\"data\":{\"by_fields\":[\"email\"],\"columns\":[{\"as\":\"email\",\"type\":"
              "\"string\",\"is_by\":true},{\"as\":\"b\",\"type\":\"bool\"}]},\"status\":200}");
    assert_ok(tow_lytics_fields(api->lytics, "user", field_visit, &seen, &api->err), api->err);
    assert_asked(api, 1, "GET /api/schema/user");
    assert_string_equal(seen.text, "email:string:1! b:bool:2 ");
    api_reply(api, 404, "");
    api_reply(api, 200, "{\"data\":{}}");
    assert_fails(api, tow_lytics_fields(api->lytics, "user", field_visit, &seen, &api->err),
                 TOW_E_ENV, "no \"columns\"");
    api_reply(api, 403, "{\"status\":403}");
    assert_fails(api, tow_lytics_fields(api->lytics, "user", field_visit, &seen, &api->err),
                 TOW_E_AUTH, "HTTP 403");
    api_reply(api, 200, "{\"data\":[{\"type\":\"int\"}]}");
    assert_fails(api, tow_lytics_fields(api->lytics, "user", field_visit, &seen, &api->err),
                 TOW_E_ENV, "without a name");
}

static void test_types_of_fields_have_their_kinds(void **state)
{
    static const struct {
        const char *type;
        enum tow_lytics_kind kind;
    } cases[] = {
        {"string", TOW_LYTICS_TEXT},      {"bool", TOW_LYTICS_BOOL},
        {"int", TOW_LYTICS_INT},          {"long", TOW_LYTICS_INT},
        {"number", TOW_LYTICS_NUMBER},    {"float", TOW_LYTICS_NUMBER},
        {"date", TOW_LYTICS_TIME},        {"datetime", TOW_LYTICS_TIME},
        {"time", TOW_LYTICS_TIME},        {"", TOW_LYTICS_OTHER},
        {"[]string", TOW_LYTICS_OTHER},   {"membership", TOW_LYTICS_OTHER},
        {"ts[]string", TOW_LYTICS_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(tow_lytics_kind(cases[i].type), cases[i].kind);
}

/* ---- ids ------------------------------------------------------------------------------------- */

static void test_ids_of_a_dimension_are_listed(void **state)
{
    static const struct {
        const char *dimension, *line, *body;
    } cases[] = {
        {"segment", "GET /v2/segment?table=user&kind=segment&valid=true",
         "{\"data\":[{\"id\":\"a\"},{\"id\":7}]}"},
        {"stream", "GET /v2/stream/names", "{\"data\":[\"a\",\"7\"]}"},
        {"stream", "GET /v2/stream/names", "{\"data\":[{\"name\":\"a\"},{\"name\":\"7\"}]}"},
        {"works", "GET /v2/job?show_all=true", "{\"data\":[{\"id\":\"a\"},{\"id\":\"7\"}]}"},
        {"auths", "GET /v2/auth", "{\"data\":[{\"id\":\"a\"},{\"id\":\"7\"}]}"},
        {"flow", "GET /v2/flow/ui", "{\"data\":[{\"id\":\"a\"},{\"id\":\"7\"}]}"},
    };
    struct api *api = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct seen seen = {.stop_at = 0};

        api_reply(api, 200, cases[i].body);
        assert_ok(tow_lytics_ids(api->lytics, cases[i].dimension, id_visit, &seen, &api->err),
                  api->err);
        assert_asked(api, i, cases[i].line);
        assert_string_equal(seen.text, "a 7 ");
        assert_true(tow_lytics_is_listed(TOW_LYTICS_LISTABLE, cases[i].dimension));
    }
}

static void test_ids_that_cannot_be_listed_are_said_so(void **state)
{
    struct seen seen = {.stop_at = 0};
    struct api *api = *state;

    assert_fails(api, tow_lytics_ids(api->lytics, "experience", id_visit, &seen, &api->err),
                 TOW_E_UNSUPPORTED, "cannot list the ids of dimension \"experience\"");
    assert_int_equal(http_server_count(api->server), 0);
    api_reply(api, 200, "{\"data\":[{\"x\":1}]}");
    assert_fails(api, tow_lytics_ids(api->lytics, "works", id_visit, &seen, &api->err), TOW_E_ENV,
                 "without an id");
    api_reply(api, 200, "{\"data\":[\"one\"]}");
    assert_ok(tow_lytics_ids(api->lytics, "stream", id_visit, &seen, &api->err), api->err);
    assert_string_equal(seen.text, "one ");
    assert_true(tow_lytics_is_listed("a|bc", "bc"));
    assert_false(tow_lytics_is_listed("a|bc", "b"));
    assert_false(tow_lytics_is_listed("a|bc", ""));
}

/* ---- scan ------------------------------------------------------------------------------------ */

static void test_a_page_of_members_is_asked_for_with_all_that_is_wished(void **state)
{
    static const char *const fields[] = {"a", "b c"};
    struct api *api = *state;
    const struct tow_lytics_scan plain = {.segment = "vip"};
    const struct tow_lytics_scan all = {.segment = "v/p",
                                        .limit = 7,
                                        .start = "t&k",
                                        .fields = fields,
                                        .field_count = 2,
                                        .sort_field = "n",
                                        .is_descending = 1,
                                        .splits = "0,1"};

    api_reply(api, 200, "{\"data\":[{\"n\":1}],\"status\":200,\"total\":\"9\",\"_next\":\"more\"}");
    api_reply(api, 200, "{\"data\":null,\"status\":\"success\",\"_next\":\"\"}");
    assert_ok(tow_lytics_scan_page(api->lytics, &plain, &api->answer, &api->err), api->err);
    assert_asked(api, 0, "GET /api/segment/vip/scan?limit=100");
    assert_string_equal(api->answer.next.data, "more");
    assert_int_equal(api->answer.total, 9);
    assert_ok(tow_lytics_scan_page(api->lytics, &all, &api->answer, &api->err), api->err);
    assert_asked(api, 1,
                 "GET /api/segment/v%2Fp/scan?limit=7&start=t%26k&fields=a%2Cb%20c&sortfield=n&"
                 "sortorder=desc&splits=0%2C1");
    assert_int_equal(api->answer.next.size, 0);
    assert_int_equal(api->answer.data.length, 0);
}

static void test_a_page_token_that_is_refused_is_stale(void **state)
{
    static const int statuses[] = {400, 404, 410};
    struct api *api = *state;
    struct tow_lytics_scan scan = {.segment = "vip", .start = "t"};

    for (size_t i = 0; i < 3; i++) {
        api_reply(api, statuses[i], "{\"status\":400,\"message\":\"token expired\"}");
        assert_fails(api, tow_lytics_scan_page(api->lytics, &scan, &api->answer, &api->err),
                     TOW_E_TRANSIENT, "no longer taken");
        assert_int_equal(api->answer.is_stale, 1);
    }
    api_reply(api, 500, "");
    assert_fails(api, tow_lytics_scan_page(api->lytics, &scan, &api->answer, &api->err),
                 TOW_E_TRANSIENT, "HTTP 500");
    assert_int_equal(api->answer.is_stale, 0);
    scan.start = "";
    api_reply(api, 400, "{\"status\":400,\"message\":\"bad limit\"}");
    assert_fails(api, tow_lytics_scan_page(api->lytics, &scan, &api->answer, &api->err),
                 TOW_E_CONFIG, "bad limit");
    assert_int_equal(api->answer.is_stale, 0);
    api_reply(api, 200, "{\"data\":{}}");
    assert_fails(api, tow_lytics_scan_page(api->lytics, &scan, &api->answer, &api->err), TOW_E_ENV,
                 "no array");
}

/* ---- events and metrics ---------------------------------------------------------------------- */

static void test_system_events_are_asked_for_by_time(void **state)
{
    struct api *api = *state;
    const struct tow_lytics_events events = {.subject_type = "segment",
                                             .subject_id = "s 1",
                                             .verb = "",
                                             .after_us = AT(0) - 1000,
                                             .before_us = AT(60),
                                             .start = 99};

    api_reply(api, 200,
              "{\"data\":[{\"id\":\"e\"}],\"status\":200,\"_meta\":{\"has_more\":false}}");
    assert_ok(tow_lytics_events_page(api->lytics, &events, &api->answer, &api->err), api->err);
    assert_asked(api, 0,
                 "GET /v2/event?type=segment&id=s%201&after=2025-12-31T23%3A59%3A59.999Z&"
                 "before=2026-01-01T00%3A01%3A00Z&start=99&limit=100");
    assert_true(tow_json_part_is(tow_lytics_member(api->answer.meta, "has_more"), "false"));
}

static void test_metrics_are_asked_for_in_one_request(void **state)
{
    struct api *api = *state;
    const struct tow_lytics_metric metrics[] = {
        {.dimension = "segment",
         .dimension_id = "s\"1",
         .dimension_type = "size",
         .aggregation = "max",
         .start_us = AT(0),
         .end_us = AT(7200),
         .interval_ms = 7200000},
        {.dimension = "stream",
         .dimension_id = "web",
         .dimension_type = "size",
         .aggregation = "sum",
         .start_us = AT(0),
         .end_us = AT(86400),
         .interval_ms = 86400000,
         .include_empty_rows = 1,
         .refresh_cache = 1},
    };

    api_reply(api, 200, "{\"data\":[],\"status\":200}");
    assert_ok(tow_lytics_metrics(api->lytics, metrics, 2, &api->answer, &api->err), api->err);
    assert_asked(api, 0, "POST /v2/metric");
    assert_told(api, 0, "Content-Type", "application/json");
    assert_string_equal(
        http_server_seen(api->server, 0)->body,
        "[{\"dimension\":\"segment\",\"dimension_id\":\"s\\\"1\",\"dimension_type\":\"size\","
        "\"aggregation\":\"max\",\"start_date\":\"2026-01-01T00:00:00Z\",\"end_date\":"
        "\"2026-01-01T02:00:00Z\",\"interval\":\"2h\",\"include_empty_rows\":false,"
        "\"refresh_cache\":false},{\"dimension\":\"stream\",\"dimension_id\":\"web\","
        "\"dimension_type\":\"size\",\"aggregation\":\"sum\",\"start_date\":"
        "\"2026-01-01T00:00:00Z\",\"end_date\":\"2026-01-02T00:00:00Z\",\"interval\":\"1d\","
        "\"include_empty_rows\":true,\"refresh_cache\":true}]");
}

/* ---- uploads --------------------------------------------------------------------------------- */

static void test_an_upload_says_how_many_rows_were_taken(void **state)
{
    struct api *api = *state;
    struct tow_lytics_receipt receipt;
    const struct tow_lytics_upload upload = {.stream = "we b",
                                             .body = "id\n1\n",
                                             .length = 5,
                                             .timestamp_field = "id",
                                             .filename = "a.csv",
                                             .append = "{\"x\":1}",
                                             .is_dry_run = 1,
                                             .drops_errors = 1};

    api_reply(api, 200, "{\"data\":{\"message_count\":1,\"rejected_count\":\"2\"},\"status\":200}");
    assert_ok(tow_lytics_upload(api->lytics, &upload, &receipt, &api->err), api->err);
    assert_asked(api, 0,
                 "POST /collect/bulk/we%20b?timestamp_field=id&filename=a.csv&dryrun=true&"
                 "append=%7B%22x%22%3A1%7D&droperrors=true");
    assert_told(api, 0, "Content-Type", "application/csv");
    assert_told(api, 0, "Content-Encoding", NULL);
    assert_string_equal(http_server_seen(api->server, 0)->body, "id\n1\n");
    assert_int_equal(receipt.message_count, 1);
    assert_int_equal(receipt.rejected_count, 2);
}

static void test_json_goes_from_a_file_without_what_is_of_csv(void **state)
{
    struct api *api = *state;
    struct tow_lytics_receipt receipt;
    const struct tow_lytics_upload upload = {.stream = "web",
                                             .is_json = 1,
                                             .body_fd = memfd_create("rows", MFD_CLOEXEC),
                                             .length = 10,
                                             .append = "{}",
                                             .delimiter = "t",
                                             .drops_errors = 1};

    assert_int_equal(write(upload.body_fd, "[{\"a\":1}]  ", 11), 11);
    api_reply(api, 200, "{\"status\":200}");
    assert_ok(tow_lytics_upload(api->lytics, &upload, &receipt, &api->err), api->err);
    close(upload.body_fd);
    assert_asked(api, 0, "POST /collect/bulk/web");
    assert_told(api, 0, "Content-Type", "application/json");
    assert_string_equal(http_server_seen(api->server, 0)->body, "[{\"a\":1}] ");
    assert_int_equal(receipt.message_count, -1);
    assert_int_equal(receipt.rejected_count, -1);
}

static void test_uploads_go_to_the_bulk_host_unless_told_otherwise(void **state)
{
    struct api *api = *state;
    struct tow_lytics_receipt receipt;
    struct tow_lytics_upload upload = {.stream = "web", .body = "a\n", .length = 2};
    char url[128];

    snprintf(url, sizeof url, "%s/bulk", http_server_base(api->server));
    api->settings.bulk_url = url;
    api_renew(api);
    api_reply(api, 200, "{}");
    api_reply(api, 200, "{}");
    assert_ok(tow_lytics_upload(api->lytics, &upload, &receipt, &api->err), api->err);
    upload.is_api_host = 1;
    assert_ok(tow_lytics_upload(api->lytics, &upload, &receipt, &api->err), api->err);
    assert_asked(api, 0, "POST /bulk/collect/bulk/web");
    assert_asked(api, 1, "POST /collect/bulk/web");
}

static void test_a_refused_upload_names_its_stream(void **state)
{
    struct api *api = *state;
    struct tow_lytics_receipt receipt;
    const struct tow_lytics_upload upload = {.stream = "web", .body = "a\n", .length = 2};

    api_reply(api, 400, "{\"status\":400,\"message\":\"line 3: a quote\"}");
    assert_fails(api, tow_lytics_upload(api->lytics, &upload, &receipt, &api->err), TOW_E_CONFIG,
                 "stream web: uploading rows: HTTP 400: line 3: a quote");
    api_reply(api, 413, "{\"status\":413,\"message\":\"too large\"}");
    assert_fails(api, tow_lytics_upload(api->lytics, &upload, &receipt, &api->err), TOW_E_DATA,
                 "too large");
    api->settings.bulk_url = "http://127.0.0.1:1";
    api_renew(api);
    assert_fails(api, tow_lytics_upload(api->lytics, &upload, &receipt, &api->err), TOW_E_TRANSIENT,
                 "stream web: ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, api_setup, api_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_account_is_the_one_that_is_named),
        TEST(test_without_a_name_it_is_the_only_account),
        TEST(test_an_audience_is_found_by_id_or_slug),
        TEST(test_an_audience_that_there_is_not_is_named),
        TEST(test_ids_are_visited_until_somebody_has_enough),
        TEST(test_fields_come_from_version_2),
        TEST(test_fields_come_from_version_1_where_version_2_does_not_know_them),
        cmocka_unit_test(test_types_of_fields_have_their_kinds),
        TEST(test_ids_of_a_dimension_are_listed),
        TEST(test_ids_that_cannot_be_listed_are_said_so),
        TEST(test_a_page_of_members_is_asked_for_with_all_that_is_wished),
        TEST(test_a_page_token_that_is_refused_is_stale),
        TEST(test_system_events_are_asked_for_by_time),
        TEST(test_metrics_are_asked_for_in_one_request),
        TEST(test_an_upload_says_how_many_rows_were_taken),
        TEST(test_json_goes_from_a_file_without_what_is_of_csv),
        TEST(test_uploads_go_to_the_bulk_host_unless_told_otherwise),
        TEST(test_a_refused_upload_names_its_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
