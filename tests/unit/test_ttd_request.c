/* connectors/ttd: where requests go, what stands around their items, and settings that are refused.
 */
#include "connectors/ttd/request.h"
#include "unit.h"

static const struct tow_ttd_endpoint *endpoint(const char *name)
{
    for (int i = 0; i < TOW_TTD_ENDPOINT_COUNT; i++)
        if (strcmp(tow_ttd_endpoint(i)->name, name) == 0)
            return tow_ttd_endpoint(i);
    fail_msg("no endpoint %s", name);
    return NULL;
}

/* What `put` appends, in a buffer that the next call uses again. */
static const char *text_of(int (*put)(const struct tow_ttd_context *, struct tow_buffer *,
                                      struct tow_error *),
                           const struct tow_ttd_context *context)
{
    static char text[2048];
    struct tow_buffer out = {0};
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(put(context, &out, &err), err);
    assert_true(out.size < sizeof text);
    memcpy(text, out.data, out.size);
    text[out.size] = '\0';
    tow_buffer_release(&out);
    return text;
}

/* The context is refused with these words. */
static void refused(const struct tow_ttd_context *context, const char *words)
{
    struct tow_error err = TOW_ERROR_INIT;

    assert_int_equal(tow_ttd_context_check(context, &err), TOW_E_CONFIG);
    assert_says(err, words);
}

static void passes(const struct tow_ttd_context *context)
{
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_ttd_context_check(context, &err), err);
}

/* ---- URLs ----------------------------------------------------------------------------------- */

static void test_each_endpoint_has_a_host_and_a_path(void **state)
{
    static const struct {
        const char *name, *url;
    } all[] = {
        {"advertiser", "https://usw-data.adsrvr.org/data/advertiser"},
        {"thirdparty", "https://bulk-data.adsrvr.org/data/thirdparty"},
        {"offlineconversion", "https://offlineattrib.adsrvr.org/providerapi/offlineconversion"},
        {"deletion_optout_advertiser",
         "https://usw-data.adsrvr.org/data/deletion-optout/advertiser"},
        {"deletion_optout_thirdparty",
         "https://usw-data.adsrvr.org/data/deletion-optout/thirdparty"},
        {"deletion_optout_merchant", "https://usw-data.adsrvr.org/data/deletion-optout/merchant"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const struct tow_ttd_context context = {.endpoint = endpoint(all[i].name)};

        assert_string_equal(text_of(tow_ttd_url, &context), all[i].url);
    }
}

static void test_a_server_url_keeps_its_path_and_loses_one_slash(void **state)
{
    struct tow_ttd_context context = {.endpoint = endpoint("advertiser"),
                                      .server_url = "http://127.0.0.1:8080/prefix/"};

    (void)state;
    assert_string_equal(text_of(tow_ttd_url, &context),
                        "http://127.0.0.1:8080/prefix/data/advertiser");
    context.server_url = "https://proxy.example.com";
    assert_string_equal(text_of(tow_ttd_url, &context),
                        "https://proxy.example.com/data/advertiser");
}

static void test_a_region_chooses_the_host(void **state)
{
    struct tow_ttd_context context = {.endpoint = endpoint("thirdparty"), .region = "euw"};

    (void)state;
    assert_string_equal(text_of(tow_ttd_url, &context),
                        "https://euw-data.adsrvr.org/data/thirdparty");
    context.region = "cn2";
    assert_string_equal(text_of(tow_ttd_url, &context),
                        "https://data-cn2.adsrvr.cn/data/thirdparty");
}

/* ---- bodies --------------------------------------------------------------------------------- */

static void test_an_advertiser_body_has_ids_in_front_and_origins_behind(void **state)
{
    struct tow_ttd_context context = {
        .endpoint = endpoint("advertiser"), .advertiser_id = "a\"1", .trace_id = "trace-1"};

    (void)state;
    assert_string_equal(text_of(tow_ttd_head, &context),
                        "{\"AdvertiserId\":\"a\\\"1\",\"Items\":[");
    assert_string_equal(text_of(tow_ttd_tail, &context),
                        "],\"DataLoadTraceId\":\"trace-1\",\"DataOrigins\":[{\"Id\":\"towpath\","
                        "\"Type\":\"Integration\"}]}");
    context.data_provider_id = "dp";
    assert_string_equal(text_of(tow_ttd_head, &context),
                        "{\"AdvertiserId\":\"a\\\"1\",\"DataProviderId\":\"dp\",\"Items\":[");
}

static void test_a_third_party_body_always_says_whether_ids_are_hashed(void **state)
{
    struct tow_ttd_context context = {.endpoint = endpoint("thirdparty"), .data_provider_id = "dp"};

    (void)state;
    assert_non_null(strstr(text_of(tow_ttd_tail, &context), ",\"IsUserIdAlreadyHashed\":false,"));
    context.is_already_hashed = 1;
    assert_non_null(strstr(text_of(tow_ttd_tail, &context), ",\"IsUserIdAlreadyHashed\":true,"));
}

static void test_an_offline_conversion_body_says_what_its_user_ids_are(void **state)
{
    const struct tow_ttd_context context = {.endpoint = endpoint("offlineconversion"),
                                            .data_provider_id = "dp"};

    (void)state;
    assert_string_equal(
        text_of(tow_ttd_head, &context),
        "{\"DataProviderId\":\"dp\",\"UserIdArrayMetadataFormat\":[\"type\",\"id\"],"
        "\"Items\":[");
}

static void test_deletions_have_a_type_and_no_origins(void **state)
{
    const struct tow_ttd_context third = {.endpoint = endpoint("deletion_optout_thirdparty"),
                                          .data_provider_id = "dp",
                                          .brand_id = "b1",
                                          .request_type = "Deletion"};
    const struct tow_ttd_context merchant = {.endpoint = endpoint("deletion_optout_merchant"),
                                             .merchant_id = 9007199254740993,
                                             .request_type = "OptOut"};

    (void)state;
    assert_string_equal(text_of(tow_ttd_head, &third),
                        "{\"DataProviderId\":\"dp\",\"BrandId\":\"b1\",\"Items\":[");
    assert_string_equal(text_of(tow_ttd_tail, &third), "],\"RequestType\":\"Deletion\"}");
    assert_string_equal(text_of(tow_ttd_head, &merchant),
                        "{\"MerchantId\":9007199254740993,\"Items\":[");
}

static void test_origins_come_in_order_and_ours_once(void **state)
{
    struct tow_ttd_origin origins[2];
    struct tow_ttd_context context = {
        .endpoint = endpoint("advertiser"), .origins = origins, .origin_count = 2};
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    assert_ok(tow_ttd_origin_parse(&origins[0], "onboarder:a:b", &err), err);
    assert_ok(tow_ttd_origin_parse(&origins[1], "DataProvider:x", &err), err);
    assert_string_equal(text_of(tow_ttd_tail, &context),
                        "],\"DataOrigins\":[{\"Id\":\"a:b\",\"Type\":\"Onboarder\"},"
                        "{\"Id\":\"x\",\"Type\":\"DataProvider\"},"
                        "{\"Id\":\"towpath\",\"Type\":\"Integration\"}]}");
    assert_ok(tow_ttd_origin_parse(&origins[1], "Advertiser:towpath", &err), err);
    assert_string_equal(text_of(tow_ttd_tail, &context),
                        "],\"DataOrigins\":[{\"Id\":\"a:b\",\"Type\":\"Onboarder\"},"
                        "{\"Id\":\"towpath\",\"Type\":\"Advertiser\"}]}");
}

static void test_an_origin_without_type_or_id_is_refused(void **state)
{
    static const char *const texts[] = {"acme", "Reseller:acme", "Onboarder:", ":acme", ""};
    struct tow_ttd_origin origin;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct tow_error err = TOW_ERROR_INIT;

        assert_int_equal(tow_ttd_origin_parse(&origin, texts[i], &err), TOW_E_CONFIG);
        assert_says(err, "as in \"Onboarder:acme\"");
    }
}

/* ---- checks --------------------------------------------------------------------------------- */

static void test_all_that_is_missing_or_needless_is_named_at_once(void **state)
{
    const struct tow_ttd_context context = {.endpoint = endpoint("deletion_optout_thirdparty"),
                                            .token = "t",
                                            .advertiser_id = "a",
                                            .merchant_id = 7,
                                            .origin_count = 1};

    (void)state;
    refused(&context, "endpoint deletion_optout_thirdparty needs data_provider_id, request_type, "
                      "and has no use for advertiser_id, merchant_id, data_origins");
}

static void test_an_empty_id_is_a_missing_one(void **state)
{
    const struct tow_ttd_context context = {
        .endpoint = endpoint("advertiser"), .token = "t", .advertiser_id = ""};

    (void)state;
    refused(&context, "endpoint advertiser needs advertiser_id");
}

static void test_a_request_type_is_one_of_two(void **state)
{
    struct tow_ttd_context context = {.endpoint = endpoint("deletion_optout_advertiser"),
                                      .token = "t",
                                      .advertiser_id = "a",
                                      .request_type = "optout"};

    (void)state;
    refused(&context, "request_type is \"optout\"; it must be \"OptOut\" or \"Deletion\"");
    context.request_type = "OptOut";
    passes(&context);
}

static void test_a_token_has_no_spaces_or_line_ends(void **state)
{
    struct tow_ttd_context context = {.endpoint = endpoint("advertiser"), .advertiser_id = "a"};

    (void)state;
    refused(&context, "token is missing or empty");
    context.token = "";
    refused(&context, "token is missing or empty");
    context.token = "abc\r\nX-Evil: 1";
    refused(&context, "at byte 4");
    context.token = "abc\xc3\xa9";
    refused(&context, "at byte 4");
    context.token = "abc=";
    passes(&context);
}

static void test_an_unfit_server_url_is_refused(void **state)
{
    struct tow_ttd_context context = {.endpoint = endpoint("advertiser"),
                                      .token = "t",
                                      .advertiser_id = "a",
                                      .server_url = "http://data.example.com"};

    (void)state;
    refused(&context, "server_url: ");
    context.server_url = "https://data.example.com?x=1";
    refused(&context, "a query or a fragment");
    context.server_url = "https://data.example.com";
    context.region = "use";
    refused(&context, "server_url and region exclude each other");
    context.region = NULL;
    passes(&context);
    context.server_url = NULL;
    context.endpoint = endpoint("offlineconversion");
    context.advertiser_id = NULL;
    context.data_provider_id = "dp";
    context.region = "use";
    refused(&context, "endpoint offlineconversion has no use for region");
}

/* ---- tables --------------------------------------------------------------------------------- */

static void test_id_types_are_found_in_any_case(void **state)
{
    const struct tow_ttd_endpoint *third = endpoint("thirdparty"), *first = endpoint("advertiser");
    static const char *const names[] = {"TDID",      "DAID",   "UID2",   "UID2Token", "EUID",
                                        "EUIDToken", "RampID", "CoreID", "ID5",       "NetID",
                                        "FirstID",   "UtiqID", "RealID", "MerkuryID", "IqviaPPID"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char lower[32];
        size_t length = strlen(names[i]);

        for (size_t c = 0; c <= length; c++)
            lower[c] =
                names[i][c] >= 'A' && names[i][c] <= 'Z' ? (char)(names[i][c] + 32) : names[i][c];
        assert_string_equal(tow_ttd_find_id_type(first->id_types, lower, length)->name, names[i]);
        assert_string_equal(tow_ttd_find_id_type(third->id_types, lower, length)->name, names[i]);
    }
    assert_non_null(tow_ttd_find_id_type(third->id_types, "DATAPROVIDERUSERID", 18));
    assert_null(tow_ttd_find_id_type(first->id_types, "DATAPROVIDERUSERID", 18));
    assert_null(tow_ttd_find_id_type(first->id_types, "TDID ", 5));
    assert_null(tow_ttd_find_id_type(first->id_types, "", 0));
}

static void test_columns_know_their_place(void **state)
{
    const struct tow_ttd_endpoint *advertiser = endpoint("advertiser");
    char text[TOW_TTD_PLACE_MAX];

    (void)state;
    assert_string_equal(tow_ttd_place(&advertiser->columns[0], text), "Items[].Data[].Name");
    assert_string_equal(tow_ttd_place(&advertiser->columns[advertiser->column_count - 1], text),
                        "Items[].CookieMappingPartnerId");
}

static void test_nested_columns_know_their_shape(void **state)
{
    const struct tow_ttd_endpoint *conversion = endpoint("offlineconversion");
    char text[TOW_TTD_SHAPE_MAX];

    (void)state;
    for (size_t i = 0; i < conversion->column_count; i++) {
        const struct tow_ttd_column *column = &conversion->columns[i];
        const char *wanted = "";

        if (strcmp(column->name, "user_ids") == 0)
            wanted = "array<struct<type: string, id: string>>";
        if (strcmp(column->name, "line_items") == 0)
            wanted = "array<struct<item_code: string, name: string, qty: string, price: string, "
                     "cat: string>>";
        if (strcmp(column->name, "privacy_settings") == 0)
            wanted = "array<struct<privacy_type: string, is_applicable: string, consent_string: "
                     "string>>";
        assert_string_equal(tow_ttd_shape(column, text), wanted);
    }
}

/* plugins/ttd puts brackets where the tables say that something always stands. */
static void test_the_first_column_and_the_one_behind_data_are_required(void **state)
{
    (void)state;
    for (int i = 0; i < TOW_TTD_ENDPOINT_COUNT; i++) {
        const struct tow_ttd_endpoint *at = tow_ttd_endpoint(i);

        assert_true(at->columns[0].is_required);
        for (size_t c = 1; c < at->column_count; c++)
            if (at->columns[c - 1].in_data && !at->columns[c].in_data)
                assert_true(at->columns[c].is_required);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_endpoint_has_a_host_and_a_path),
        cmocka_unit_test(test_a_server_url_keeps_its_path_and_loses_one_slash),
        cmocka_unit_test(test_a_region_chooses_the_host),
        cmocka_unit_test(test_an_advertiser_body_has_ids_in_front_and_origins_behind),
        cmocka_unit_test(test_a_third_party_body_always_says_whether_ids_are_hashed),
        cmocka_unit_test(test_an_offline_conversion_body_says_what_its_user_ids_are),
        cmocka_unit_test(test_deletions_have_a_type_and_no_origins),
        cmocka_unit_test(test_origins_come_in_order_and_ours_once),
        cmocka_unit_test(test_an_origin_without_type_or_id_is_refused),
        cmocka_unit_test(test_all_that_is_missing_or_needless_is_named_at_once),
        cmocka_unit_test(test_an_empty_id_is_a_missing_one),
        cmocka_unit_test(test_a_request_type_is_one_of_two),
        cmocka_unit_test(test_a_token_has_no_spaces_or_line_ends),
        cmocka_unit_test(test_an_unfit_server_url_is_refused),
        cmocka_unit_test(test_id_types_are_found_in_any_case),
        cmocka_unit_test(test_columns_know_their_place),
        cmocka_unit_test(test_nested_columns_know_their_shape),
        cmocka_unit_test(test_the_first_column_and_the_one_behind_data_are_required),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
