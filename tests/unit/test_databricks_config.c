#include "unit.h"

#include <unistd.h>

#include "connectors/databricks/config.h"
#include "scratch.h"

#define HOST "dbc-1.cloud.databricks.com"
#define URL  "https://" HOST

struct fixture {
    struct scratch *scratch;
    char file[256]; /* where ~/.databrickscfg lies */
    struct tow_error err;
    struct tow_databricks_config config;
};

static const char *const variables[] = {
    "DATABRICKS_HOST",          "DATABRICKS_TOKEN",        "DATABRICKS_CLIENT_ID",
    "DATABRICKS_CLIENT_SECRET", "DATABRICKS_WAREHOUSE_ID", "DATABRICKS_WORKSPACE_ID",
    "DATABRICKS_AUTH_TYPE",     "DATABRICKS_CONFIG_FILE",  "DATABRICKS_CONFIG_PROFILE",
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    void *scratch = NULL;

    if (!fixture || scratch_setup(&scratch) != 0)
        return -1;
    fixture->scratch = scratch;
    fixture->err = (struct tow_error)TOW_ERROR_INIT;
    snprintf(fixture->file, sizeof fixture->file, "%s/.databrickscfg", fixture->scratch->folder);
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    *state = fixture;
    return setenv("HOME", fixture->scratch->folder, 1);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    void *scratch = fixture->scratch;

    tow_databricks_config_release(&fixture->config);
    free(fixture);
    return scratch_teardown(&scratch);
}

static void write_file(const struct fixture *fixture, const char *text)
{
    scratch_write(fixture->file, text, strlen(text));
}

static void assert_taken(struct fixture *fixture, const struct tow_databricks_settings *settings)
{
    tow_databricks_config_release(&fixture->config);
    assert_ok(tow_databricks_config_init(&fixture->config, settings, 0, &fixture->err),
              fixture->err);
}

static void assert_refused(struct fixture *fixture, const struct tow_databricks_settings *settings)
{
    tow_databricks_config_release(&fixture->config);
    assert_int_equal(tow_databricks_config_init(&fixture->config, settings, 0, &fixture->err),
                     TOW_E_CONFIG);
    assert_null(fixture->config.url);
    assert_null(fixture->config.token);
}

/* ---- where values come from ------------------------------------------------------------------ */

static void test_settings_alone_are_enough(void **state)
{
    struct fixture *fixture = *state;

    assert_taken(fixture, &(struct tow_databricks_settings){
                              .host = HOST,
                              .token = "dapi1",
                              .http_path = "/sql/1.0/warehouses/0123456789abcdef?o=42",
                              .ca_file = "/dev/null",
                              .proxy = ""});
    assert_string_equal(fixture->config.url, URL);
    assert_int_equal(fixture->config.login, TOW_DATABRICKS_TOKEN);
    assert_string_equal(fixture->config.token, "dapi1");
    assert_string_equal(fixture->config.warehouse_id, "0123456789abcdef");
    assert_string_equal(fixture->config.workspace_id, "42");
    assert_string_equal(fixture->config.ca_file, "/dev/null");
    assert_string_equal(fixture->config.proxy, "");
    assert_null(fixture->config.client_id);
}

static void test_settings_go_before_variables_and_those_before_the_profile(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, "[p]\nhost = file.example.com\ntoken = file\nwarehouse_id = fff\n");
    setenv("DATABRICKS_TOKEN", "variable", 1);
    setenv("DATABRICKS_HOST", "variable.example.com", 1);
    assert_taken(fixture, &(struct tow_databricks_settings){.host = HOST, .profile = "p"});
    assert_string_equal(fixture->config.url, URL);
    assert_string_equal(fixture->config.token, "variable");
    assert_string_equal(fixture->config.warehouse_id, "fff");
}

static void test_variables_alone_are_enough(void **state)
{
    struct fixture *fixture = *state;

    setenv("DATABRICKS_HOST", URL "/", 1);
    setenv("DATABRICKS_CLIENT_ID", "id", 1);
    setenv("DATABRICKS_CLIENT_SECRET", "secret", 1);
    setenv("DATABRICKS_WAREHOUSE_ID", "abc", 1);
    setenv("DATABRICKS_TOKEN", "", 1);
    assert_taken(fixture, &(struct tow_databricks_settings){.host = NULL});
    assert_string_equal(fixture->config.url, URL);
    assert_int_equal(fixture->config.login, TOW_DATABRICKS_CLIENT);
    assert_string_equal(fixture->config.client_id, "id");
    assert_string_equal(fixture->config.client_secret, "secret");
    assert_string_equal(fixture->config.warehouse_id, "abc");
    assert_null(fixture->config.token);
}

static void test_the_default_profile_is_read_where_nothing_was_given(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, "[DEFAULT]\nhost = " HOST "\ntoken = default\n[p]\ntoken = p\n");
    assert_taken(fixture, &(struct tow_databricks_settings){.warehouse_id = "w"});
    assert_string_equal(fixture->config.token, "default");
    /* A host is given: a token of whatever workspace must not be sent there. */
    assert_refused(fixture, &(struct tow_databricks_settings){.host = "other.example.com"});
    assert_says(fixture->err, "no login");
}

static void test_the_file_may_name_its_default_profile(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, "[__settings__]\ndefault_profile = p\n"
                        "[DEFAULT]\ntoken = default\n[p]\nhost = " HOST "\ntoken = p\n");
    assert_taken(fixture, &(struct tow_databricks_settings){.host = NULL});
    assert_string_equal(fixture->config.token, "p");
}

static void test_a_named_profile_does_not_inherit_the_default_one(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, "[DEFAULT]\ntoken = default\n[p]\nhost = " HOST "\n");
    assert_refused(fixture, &(struct tow_databricks_settings){.profile = "p"});
    assert_says(fixture->err, "no login");
    assert_says(fixture->err, fixture->file);
}

static void test_variables_name_profile_and_file(void **state)
{
    struct fixture *fixture = *state;
    const char *other = "[p]\nhost = " HOST "\ntoken = other\n";
    char path[300];

    snprintf(path, sizeof path, "%s/other", fixture->scratch->folder);
    scratch_write(path, other, strlen(other));
    setenv("DATABRICKS_CONFIG_FILE", "~/other", 1);
    setenv("DATABRICKS_CONFIG_PROFILE", "p", 1);
    assert_taken(fixture, &(struct tow_databricks_settings){.host = NULL});
    assert_string_equal(fixture->config.token, "other");
    write_file(fixture, "[q]\nhost = " HOST "\ntoken = q\n");
    assert_taken(fixture,
                 &(struct tow_databricks_settings){.profile = "q", .config_file = fixture->file});
    assert_string_equal(fixture->config.token, "q");
}

static void test_a_profile_that_is_missing_is_an_error_that_lists_the_others(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, "[DEFAULT]\nhost = " HOST "\ntoken = secret\n[dev]\n[prod]\n");
    assert_refused(fixture, &(struct tow_databricks_settings){.profile = "prd"});
    assert_says(fixture->err, "has no profile \"prd\"; it has DEFAULT, dev, prod");
    assert_null(strstr(fixture->err.message, "secret"));
    /* Although all is given otherwise. */
    assert_refused(fixture,
                   &(struct tow_databricks_settings){.profile = "prd", .host = HOST, .token = "t"});
    write_file(fixture, "\n");
    assert_refused(fixture, &(struct tow_databricks_settings){.profile = "prd"});
    assert_says(fixture->err, "it has none");
}

static void test_a_file_that_is_named_must_be_there(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture, &(struct tow_databricks_settings){.profile = "p"});
    assert_says(fixture->err, "profile \"p\" is named, but there is no file");
    assert_says(fixture->err, fixture->file);
    assert_refused(fixture, &(struct tow_databricks_settings){.config_file = "/nowhere/cfg"});
    assert_says(fixture->err, "there is no file /nowhere/cfg");
    /* It is not needed. */
    assert_taken(fixture, &(struct tow_databricks_settings){
                              .config_file = "/nowhere/cfg", .host = HOST, .token = "t"});
}

/* ---- what is missing or in conflict ---------------------------------------------------------- */

static void test_a_missing_host_says_where_to_write_it(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture, &(struct tow_databricks_settings){.token = "secret"});
    assert_says(fixture->err, "no Databricks host");
    assert_says(fixture->err, "DATABRICKS_HOST");
    assert_says(fixture->err, fixture->file);
    assert_null(strstr(fixture->err.message, "secret"));
}

static void test_two_ways_to_log_in_are_an_error_that_names_both(void **state)
{
    struct fixture *fixture = *state;

    setenv("DATABRICKS_TOKEN", "secret", 1);
    assert_refused(fixture, &(struct tow_databricks_settings){
                                .host = HOST, .client_id = "id", .client_secret = "secret"});
    assert_says(fixture->err, "token (from DATABRICKS_TOKEN) and client_id;");
    assert_null(strstr(fixture->err.message, "secret"));
    write_file(fixture, "[p]\nclient_id = id\n");
    assert_refused(fixture, &(struct tow_databricks_settings){.host = HOST, .profile = "p"});
    assert_says(fixture->err, "client_id (from profile \"p\")");
}

static void test_a_pinned_method_decides_between_two(void **state)
{
    struct fixture *fixture = *state;
    const struct tow_databricks_settings both = {
        .host = HOST, .token = "t", .client_id = "id", .client_secret = "s"};

    setenv("DATABRICKS_AUTH_TYPE", "pat", 1);
    assert_taken(fixture, &both);
    assert_int_equal(fixture->config.login, TOW_DATABRICKS_TOKEN);
    assert_null(fixture->config.client_secret);
    setenv("DATABRICKS_AUTH_TYPE", "oauth-m2m", 1);
    assert_taken(fixture, &both);
    assert_int_equal(fixture->config.login, TOW_DATABRICKS_CLIENT);
    assert_null(fixture->config.token);
}

static void test_a_method_that_is_not_supported_is_named(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, "[p]\nhost = " HOST "\nauth_type = databricks-cli\n");
    assert_refused(fixture, &(struct tow_databricks_settings){.profile = "p"});
    assert_says(fixture->err, "auth_type (from profile \"p\") is \"databricks-cli\"");
    assert_says(fixture->err, "oauth-m2m");
    /* A token of its own is as good as a word that the profile is not meant. */
    assert_taken(fixture, &(struct tow_databricks_settings){.profile = "p", .token = "t"});
    write_file(fixture, "[p]\nhost = " HOST "\nauth_type = azure-cli\ntoken = t\n");
    assert_refused(fixture, &(struct tow_databricks_settings){.profile = "p"});
    assert_says(fixture->err, "azure-cli");
}

static void test_half_a_service_principal_is_an_error(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture, &(struct tow_databricks_settings){.host = HOST, .client_id = "id"});
    assert_says(fixture->err, "client_id is given, but no client_secret");
    setenv("DATABRICKS_CLIENT_SECRET", "hush", 1);
    assert_refused(fixture, &(struct tow_databricks_settings){.host = HOST});
    assert_says(fixture->err, "client_secret (from DATABRICKS_CLIENT_SECRET) is given, but no "
                              "client_id");
    assert_null(strstr(fixture->err.message, "hush"));
}

static void test_a_token_with_a_line_end_is_refused_and_not_shown(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture,
                   &(struct tow_databricks_settings){.host = HOST, .token = "secret\r\nX: y"});
    assert_says(fixture->err, "token holds byte 0x0d");
    assert_null(strstr(fixture->err.message, "secret"));
    assert_refused(fixture, &(struct tow_databricks_settings){
                                .host = HOST, .client_id = "id", .client_secret = "hush "});
    assert_says(fixture->err, "client_secret holds byte 0x20");
    assert_null(strstr(fixture->err.message, "hush"));
}

/* ---- host ------------------------------------------------------------------------------------ */

static void test_hosts_are_taken_as_people_write_them(void **state)
{
    static const char *const cases[][3] = {
        {HOST, URL, NULL},
        {"https://" HOST, URL, NULL},
        {"HTTPS://" HOST "/", URL, NULL},
        {"https://" HOST "/sql/1.0/warehouses/abc", URL, NULL},
        {"https://adb-1.2.azuredatabricks.net/?o=12#x", "https://adb-1.2.azuredatabricks.net",
         "12"},
        {"https://adb-1.2.azuredatabricks.net?a=1&o=12&b", "https://adb-1.2.azuredatabricks.net",
         "12"},
        {"h.example:8443", "https://h.example:8443", NULL},
        {"http://127.0.0.1:80", "http://127.0.0.1:80", NULL},
        {"http://localhost:65535/", "http://localhost:65535", NULL},
        {"http://[::1]:9", "http://[::1]:9", NULL},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_taken(fixture, &(struct tow_databricks_settings){.host = cases[i][0], .token = "t"});
        assert_string_equal(fixture->config.url, cases[i][1]);
        if (cases[i][2])
            assert_string_equal(fixture->config.workspace_id, cases[i][2]);
        else
            assert_null(fixture->config.workspace_id);
    }
}

static void test_what_is_no_host_is_refused(void **state)
{
    static const char *const cases[][2] = {
        {"https://", "no host"},
        {"/", "no host"},
        {"?o=1", "no host"},
        {"a b", "no host"},
        {" " HOST, "no host"},
        {HOST "\n", "no host"},
        {"-a.example", "no host"},
        {"h:", "no host"},
        {"h:0", "no host"},
        {"h:65536", "no host"},
        {"h:99999999999999999999", "no host"},
        {"h:80x", "no host"},
        {"[::1", "no host"},
        {"[]", "no host"},
        {"[::1]x", "no host"},
        {"caf\xc3\xa9.example", "no host"},
        {"https://user:hush@h.example", "user name or password"},
        {"jdbc:databricks://h.example:443;httpPath=/sql", "JDBC"},
        {"ftp://h.example", "another kind"},
        {"http://h.example", "http"},
        {"https://accounts.cloud.databricks.com", "account console"},
        {HOST "?o=", "no workspace id"},
        {HOST "?o=1x", "no workspace id"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_refused(fixture,
                       &(struct tow_databricks_settings){.host = cases[i][0], .token = "t"});
        assert_says(fixture->err, cases[i][1]);
        assert_null(strstr(fixture->err.message, "hush"));
    }
    setenv("DATABRICKS_HOST", "a b", 1);
    assert_refused(fixture, &(struct tow_databricks_settings){.token = "t"});
    assert_says(fixture->err, "host (from DATABRICKS_HOST): ");
}

/* ---- warehouse ------------------------------------------------------------------------------- */

static void test_http_paths_name_a_warehouse(void **state)
{
    static const char *const cases[][3] = {
        {"/sql/1.0/warehouses/0123456789abcdef", "0123456789abcdef", NULL},
        {"sql/1.0/warehouses/ab/", "ab", NULL},
        {"/sql/1.0/endpoints/ab", "ab", NULL},
        {"/sql/1.0/endpoints/ab?o=123", "ab", "123"},
        {"/sql/1.0/warehouses/ab?x=1&o=123&y=2", "ab", "123"},
        {"0123456789abcdef", "0123456789abcdef", NULL},
        {"ab?o=5", "ab", "5"},
    };
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *warehouse, *workspace;

        assert_ok(tow_databricks_http_path(cases[i][0], &warehouse, &workspace, &err), err);
        assert_string_equal(warehouse, cases[i][1]);
        if (cases[i][2])
            assert_string_equal(workspace, cases[i][2]);
        else
            assert_null(workspace);
        free(warehouse);
        free(workspace);
    }
}

static void test_a_clusters_path_is_refused_and_says_what_to_do(void **state)
{
    static const char *const paths[] = {"sql/protocolv1/o/123/0801-abc-xyz",
                                        "/sql/protocolv1/o/123/0801-abc-xyz"};
    char *warehouse, *workspace;

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct tow_error err = TOW_ERROR_INIT;

        assert_int_equal(tow_databricks_http_path(paths[i], &warehouse, &workspace, &err),
                         TOW_E_CONFIG);
        assert_says(err, paths[i]);
        assert_says(err, "that of a cluster");
        assert_says(err, "SQL warehouse");
    }
}

static void test_what_is_no_http_path_is_refused(void **state)
{
    static const char *const paths[] = {
        "",
        "/",
        "/sql/1.0/warehouses/",
        "/sql/1.0/warehouses/a/b",
        "/sql/2.0/x",
        "a b",
        "a\n",
        "/sql/1.0/warehouses/?o=1",
        "https://h/sql/1.0/warehouses/a",
        "ab?o=x",
        "ab?o=1x",
        "../a",
        "a'b",
        "0123456789012345678901234567890123456789012345678901234567890123456789"};
    char *warehouse, *workspace;

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct tow_error err = TOW_ERROR_INIT;

        if (tow_databricks_http_path(paths[i], &warehouse, &workspace, &err) != TOW_E_CONFIG)
            fail_msg("\"%s\" was taken", paths[i]);
        assert_null(warehouse);
        assert_null(workspace);
    }
}

static void test_two_warehouses_are_an_error_that_names_both(void **state)
{
    struct fixture *fixture = *state;
    struct tow_databricks_settings settings = {
        .host = HOST, .token = "t", .http_path = "/sql/1.0/warehouses/aa", .warehouse_id = "bb"};

    assert_refused(fixture, &settings);
    assert_says(fixture->err, "http_path names warehouse aa and warehouse_id bb");
    settings.warehouse_id = "aa";
    assert_taken(fixture, &settings);
}

static void test_a_warehouse_is_asked_for_where_one_is_needed(void **state)
{
    struct fixture *fixture = *state;
    const struct tow_databricks_settings settings = {.host = HOST, .token = "t"};

    assert_taken(fixture, &settings);
    assert_null(fixture->config.warehouse_id);
    tow_databricks_config_release(&fixture->config);
    assert_int_equal(tow_databricks_config_init(&fixture->config, &settings, 1, &fixture->err),
                     TOW_E_CONFIG);
    assert_says(fixture->err, "no SQL warehouse: write http_path");
    assert_says(fixture->err, "DATABRICKS_WAREHOUSE_ID");
}

static void test_a_warehouse_of_the_environment_is_checked_too(void **state)
{
    struct fixture *fixture = *state;

    setenv("DATABRICKS_WAREHOUSE_ID", "a/b", 1);
    assert_refused(fixture, &(struct tow_databricks_settings){.host = HOST, .token = "t"});
    assert_says(fixture->err, "warehouse_id (from DATABRICKS_WAREHOUSE_ID)");
    setenv("DATABRICKS_WAREHOUSE_ID", "/sql/1.0/warehouses/ab?o=3", 1);
    assert_taken(fixture, &(struct tow_databricks_settings){.host = HOST, .token = "t"});
    assert_string_equal(fixture->config.warehouse_id, "ab");
    assert_string_equal(fixture->config.workspace_id, "3");
}

static void test_what_is_no_proxy_and_a_ca_file_that_is_not_there_are_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture, &(struct tow_databricks_settings){
                                .host = HOST, .token = "dapi1", .proxy = "ftp://proxy"});
    assert_says(fixture->err, "is no kind of proxy");
    assert_refused(fixture, &(struct tow_databricks_settings){
                                .host = HOST, .token = "dapi1", .ca_file = "/nowhere/ca.pem"});
    assert_says(fixture->err, "ca_file: open \"/nowhere/ca.pem\": No such file");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(settings_alone_are_enough),
        TEST(settings_go_before_variables_and_those_before_the_profile),
        TEST(variables_alone_are_enough),
        TEST(the_default_profile_is_read_where_nothing_was_given),
        TEST(the_file_may_name_its_default_profile),
        TEST(a_named_profile_does_not_inherit_the_default_one),
        TEST(variables_name_profile_and_file),
        TEST(a_profile_that_is_missing_is_an_error_that_lists_the_others),
        TEST(a_file_that_is_named_must_be_there),
        TEST(a_missing_host_says_where_to_write_it),
        TEST(two_ways_to_log_in_are_an_error_that_names_both),
        TEST(a_pinned_method_decides_between_two),
        TEST(a_method_that_is_not_supported_is_named),
        TEST(half_a_service_principal_is_an_error),
        TEST(a_token_with_a_line_end_is_refused_and_not_shown),
        TEST(hosts_are_taken_as_people_write_them),
        TEST(what_is_no_host_is_refused),
        cmocka_unit_test(test_http_paths_name_a_warehouse),
        cmocka_unit_test(test_a_clusters_path_is_refused_and_says_what_to_do),
        cmocka_unit_test(test_what_is_no_http_path_is_refused),
        TEST(two_warehouses_are_an_error_that_names_both),
        TEST(a_warehouse_is_asked_for_where_one_is_needed),
        TEST(a_warehouse_of_the_environment_is_checked_too),
        TEST(what_is_no_proxy_and_a_ca_file_that_is_not_there_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
