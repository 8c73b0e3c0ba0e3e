#include <fcntl.h>
#include <unistd.h>

#include "connectors/databricks/volume.h"
#include "databricks_fixture.h"

#define FOLDER "/Volumes/main/crm/stage"
#define FILES  "/api/2.0/fs/files"
#define LIST   "/api/2.0/fs/directories"

/* An open file that holds the text; already removed. */
static int file_with(const char *text)
{
    char name[] = "/tmp/towpath-test-XXXXXX";
    int fd = mkstemp(name);

    assert_true(fd >= 0);
    unlink(name);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

static int put(struct workspace *workspace, const char *path, const char *text)
{
    int fd = file_with(text);
    int code =
        tow_volume_put(workspace->databricks, path, fd, (int64_t)strlen(text), &workspace->err);

    close(fd);
    return code;
}

static void test_a_file_is_put_in_place_of_what_is_there(void **state)
{
    struct workspace *workspace = *state;
    char *type;

    workspace_reply(workspace, 204, NULL);
    workspace_reply(workspace, 200, "some bytes");
    workspace_reply(workspace, 204, NULL);
    workspace_reply(workspace, 200, "");
    assert_ok(put(workspace, FOLDER "/run-1/p-1.csv.gz", "some bytes"), workspace->err);
    assert_seen(workspace, 1, "HEAD " FILES FOLDER "/run-1/p-1.csv.gz");
    assert_seen(workspace, 0, "PUT " FILES FOLDER "/run-1/p-1.csv.gz?overwrite=true");
    assert_int_equal(http_server_seen(workspace->server, 0)->length, 10);
    assert_memory_equal(http_server_seen(workspace->server, 0)->body, "some bytes", 10);
    type = http_seen_header(http_server_seen(workspace->server, 0), "Content-Type");
    assert_string_equal(type, "application/octet-stream");
    free(type);
    /* Nothing is something to put as well. */
    assert_ok(put(workspace, FOLDER "/empty", ""), workspace->err);
    assert_int_equal(http_server_seen(workspace->server, 2)->length, 0);
}

static void test_a_file_of_which_less_arrived_is_to_be_put_again(void **state)
{
    struct workspace *workspace = *state;

    workspace_reply(workspace, 204, NULL);
    workspace_reply(workspace, 200, "some");
    assert_int_equal(put(workspace, FOLDER "/p", "some bytes"), TOW_E_TRANSIENT);
    assert_says(workspace->err, "uploading " FOLDER "/p: 10 bytes were sent to http");
    assert_says(workspace->err, ", 4 are there");
}

static void test_a_file_whose_length_is_not_told_counts_as_put(void **state)
{
    struct workspace *workspace = *state;

    workspace_reply(workspace, 204, NULL);
    workspace_reply(workspace, 403, "{}");
    assert_ok(put(workspace, FOLDER "/p", "some bytes"), workspace->err);
}

/* The rest of an upload that was cut stands before the next request then. */
static void test_a_look_that_fails_does_not_confirm(void **state)
{
    static const int statuses[] = {400, 404, 503};
    struct workspace *workspace = *state;

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        workspace_reply(workspace, 204, NULL);
        workspace_reply(workspace, statuses[i], "{}");
        assert_int_equal(put(workspace, FOLDER "/p", "some bytes"), TOW_E_TRANSIENT);
        assert_says(workspace->err, "whether all of it is there is not known");
    }
}

static void test_a_path_is_encoded_but_for_its_slashes(void **state)
{
    struct workspace *workspace = *state;

    workspace_reply(workspace, 204, NULL);
    workspace_reply(workspace, 200, "x");
    assert_ok(put(workspace, FOLDER "/a b%2f?#\xc3\xa9+&=", "x"), workspace->err);
    assert_seen(workspace, 0,
                "PUT " FILES FOLDER "/a%20b%252f%3F%23%C3%A9%2B%26%3D?overwrite=true");
}

static void test_what_is_no_path_in_a_volume_is_refused(void **state)
{
    static const char *const paths[][2] = {
        {"", "does not begin with /Volumes/"},
        {"Volumes/a/b/c/d", "does not begin"},
        {"/volumes/a/b/c/d", "does not begin"},
        {"/Volumes/", "empty"},
        {"/Volumes/a/b", "missing"},
        {"/Volumes/a//c/d", "empty"},
        {FOLDER "/", "empty"},
        {FOLDER "/../x", "no place"},
        {FOLDER "/./x", "no place"},
    };
    struct workspace *workspace = *state;

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_int_equal(put(workspace, paths[i][0], "x"), TOW_E_CONFIG);
        assert_says(workspace->err, paths[i][1]);
    }
    assert_int_equal(http_server_count(workspace->server), 0);
}

static void test_a_file_beyond_5_gib_is_refused(void **state)
{
    struct workspace *workspace = *state;

    assert_int_equal(tow_volume_put(workspace->databricks, FOLDER "/big", 0, (INT64_C(5) << 30) + 1,
                                    &workspace->err),
                     TOW_E_CONFIG);
    assert_says(workspace->err, "5368709121 bytes, 5368709120 are allowed");
    assert_int_equal(http_server_count(workspace->server), 0);
}

static void test_refusals_to_put_say_what_to_do(void **state)
{
    static const struct {
        int status;
        const char *body;
        int code;
        const char *words;
    } cases[] = {
        {403, "{\"error_code\":\"PERMISSION_DENIED\",\"message\":\"no\"}", TOW_E_AUTH,
         "GRANT WRITE VOLUME ON VOLUME main.crm.stage TO this login"},
        {404, "{\"error_code\":\"NOT_FOUND\",\"message\":\"Volume does not exist\"}", TOW_E_CONFIG,
         "is there a volume main.crm.stage"},
        {429, "{}", TOW_E_RATE, "uploading " FOLDER "/x: HTTP 429"},
        {503, "", TOW_E_TRANSIENT, "503"},
        {413, "<html><title>Too large</title></html>", TOW_E_ENV, "proxy"},
        {200, "<html><title>Log in</title></html>", TOW_E_ENV, "HTTP 200 where 204 confirms"},
        {200, "", TOW_E_ENV, "HTTP 200 where 204 confirms"},
    };
    struct workspace *workspace = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        workspace_reply(workspace, cases[i].status, cases[i].body);
        assert_int_equal(put(workspace, FOLDER "/x", "x"), cases[i].code);
        assert_says(workspace->err, cases[i].words);
    }
}

static void test_removing_what_is_not_there_is_no_error(void **state)
{
    struct workspace *workspace = *state;

    workspace_reply(workspace, 204, NULL);
    workspace_reply(workspace, 404, "{\"error_code\":\"NOT_FOUND\"}");
    workspace_reply(workspace, 403, "{\"error_code\":\"PERMISSION_DENIED\"}");
    for (int i = 0; i < 2; i++)
        assert_ok(tow_volume_remove(workspace->databricks, FOLDER "/x", &workspace->err),
                  workspace->err);
    assert_seen(workspace, 0, "DELETE " FILES FOLDER "/x");
    assert_int_equal(tow_volume_remove(workspace->databricks, FOLDER "/x", &workspace->err),
                     TOW_E_AUTH);
    assert_says(workspace->err, "WRITE VOLUME");
}

static void test_a_folder_with_something_in_it_stays(void **state)
{
    struct workspace *workspace = *state;

    workspace_reply(workspace, 204, NULL);
    workspace_reply(workspace, 404, "");
    workspace_reply(workspace, 400,
                    "{\"error_code\":\"DIRECTORY_NOT_EMPTY\",\"message\":\"It has files\"}");
    workspace_reply(workspace, 409,
                    "{\"error_code\":\"X\",\"message\":\"Directory is not empty\"}");
    workspace_reply(workspace, 500, "not empty");
    for (int i = 0; i < 4; i++)
        assert_ok(tow_volume_remove_folder(workspace->databricks, FOLDER "/r", &workspace->err),
                  workspace->err);
    assert_seen(workspace, 0, "DELETE " LIST FOLDER "/r");
    assert_int_equal(tow_volume_remove_folder(workspace->databricks, FOLDER "/r", &workspace->err),
                     TOW_E_TRANSIENT);
}

/* ---- listing --------------------------------------------------------------------------------- */

struct listed {
    char text[512];
    int stop_after; /* 0: never */
};

static int note(void *context, const struct tow_volume_entry *entry, struct tow_error *err)
{
    struct listed *listed = context;
    size_t used = strlen(listed->text);

    snprintf(listed->text + used, sizeof listed->text - used, "%s%s %lld %lld;", entry->name,
             entry->is_folder ? "/" : "", (long long)entry->size, (long long)entry->modified_ms);
    if (listed->stop_after > 0 && --listed->stop_after == 0)
        return tow_error_set(err, TOW_E_ENV, "enough");
    return TOW_OK;
}

static int list(struct workspace *workspace, struct listed *listed)
{
    return tow_volume_each(workspace->databricks, FOLDER, note, listed, &workspace->err);
}

static void test_a_folder_is_listed_page_by_page(void **state)
{
    struct workspace *workspace = *state;
    struct listed listed = {.stop_after = 0};

    workspace_reply(workspace, 200,
                    "{\"contents\":[{\"path\":\"" FOLDER "/a\",\"name\":\"a\",\"is_directory\":"
                    "false,\"file_size\":12,\"last_modified\":1700000000000},{\"path\":\"" FOLDER
                    "/sub\",\"is_directory\":true}],\"next_page_token\":\"p/2=\"}");
    workspace_reply(workspace, 200,
                    "{\"contents\":[],"
                    "\"next_page_token\":\"p3\"}");
    workspace_reply(workspace, 200,
                    "{\"contents\":[{\"name\":\"b\",\"file_size\":\"5368709121\"}],"
                    "\"next_page_token\":\"\"}");
    assert_ok(list(workspace, &listed), workspace->err);
    assert_string_equal(listed.text, "a 12 1700000000000;sub/ 0 0;b 5368709121 0;");
    assert_seen(workspace, 0, "GET " LIST FOLDER "?page_size=1000");
    assert_seen(workspace, 1, "GET " LIST FOLDER "?page_size=1000&page_token=p%2F2%3D");
    assert_seen(workspace, 2, "GET " LIST FOLDER "?page_size=1000&page_token=p3");
}

static void test_a_folder_that_is_not_there_has_no_entries(void **state)
{
    struct workspace *workspace = *state;
    struct listed listed = {.stop_after = 0};

    workspace_reply(workspace, 404, "{}");
    assert_ok(list(workspace, &listed), workspace->err);
    workspace_reply(workspace, 200, "{}");
    assert_ok(list(workspace, &listed), workspace->err);
    workspace_reply(workspace, 200, "");
    assert_ok(list(workspace, &listed), workspace->err);
    assert_string_equal(listed.text, "");
}

static void test_a_visitor_ends_the_listing(void **state)
{
    struct workspace *workspace = *state;
    struct listed listed = {.stop_after = 1};

    workspace_reply(workspace, 200,
                    "{\"contents\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"next_page_token\":\"p\"}");
    assert_int_equal(list(workspace, &listed), TOW_E_ENV);
    assert_says(workspace->err, "enough");
    assert_string_equal(listed.text, "a 0 0;");
    assert_int_equal(http_server_count(workspace->server), 1);
}

static void test_listings_that_make_no_sense_are_refused(void **state)
{
    struct workspace *workspace = *state;
    struct listed listed = {.stop_after = 0};

    workspace_reply(workspace, 200, "{\"contents\":[{\"name\":\"a/b\"}]}");
    assert_int_equal(list(workspace, &listed), TOW_E_ENV);
    workspace_reply(workspace, 200, "{\"contents\":[{}]}");
    assert_int_equal(list(workspace, &listed), TOW_E_ENV);
    workspace_reply(workspace, 200, "{\"contents\":[7]}");
    assert_int_equal(list(workspace, &listed), TOW_E_ENV);
    workspace_reply(workspace, 200, "{\"contents\":");
    assert_int_equal(list(workspace, &listed), TOW_E_ENV);
    workspace_reply(workspace, 200, "{\"next_page_token\":\"p\"}");
    workspace_reply(workspace, 200, "{\"next_page_token\":\"p\"}");
    assert_int_equal(list(workspace, &listed), TOW_E_ENV);
    assert_says(workspace->err, "leads to itself");
    assert_string_equal(listed.text, "");
    workspace_reply(workspace, 403, "{}");
    assert_int_equal(list(workspace, &listed), TOW_E_AUTH);
    assert_says(workspace->err, "GRANT READ VOLUME");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, workspace_setup, workspace_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_put_in_place_of_what_is_there),
        TEST(a_file_of_which_less_arrived_is_to_be_put_again),
        TEST(a_file_whose_length_is_not_told_counts_as_put),
        TEST(a_look_that_fails_does_not_confirm),
        TEST(a_path_is_encoded_but_for_its_slashes),
        TEST(what_is_no_path_in_a_volume_is_refused),
        TEST(a_file_beyond_5_gib_is_refused),
        TEST(refusals_to_put_say_what_to_do),
        TEST(removing_what_is_not_there_is_no_error),
        TEST(a_folder_with_something_in_it_stays),
        TEST(a_folder_is_listed_page_by_page),
        TEST(a_folder_that_is_not_there_has_no_entries),
        TEST(a_visitor_ends_the_listing),
        TEST(listings_that_make_no_sense_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
