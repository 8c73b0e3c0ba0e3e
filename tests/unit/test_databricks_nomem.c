/*
 * connectors/databricks where each allocation fails in turn, its own as well as jansson's, in all
 * of its threads. (libcurl's are test_http_nomem's.) The workspace is another process, whose memory
 * is not short.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "connectors/databricks/fetch.h"
#include "connectors/databricks/sql.h"
#include "connectors/databricks/volume.h"
#include "databricks_fixture.h"
#include "nomem.h"
#include "scratch.h"

/* ---- the workspace --------------------------------------------------------------------------- */

struct far_end {
    char links[4][512];
    char host[64];
    char bytes[300000];
};

static struct far_end far_end;

static void far_handle(void *context, const struct http_seen *seen, struct http_reply *reply)
{
    static const struct {
        const char *method, *path, *body;
    } answers[] = {
        {"POST", "/oidc/v1/token", "{\"access_token\":\"t\",\"expires_in\":3600}"},
        {"POST", "/api/2.0/sql/statements",
         "{\"statement_id\":\"s1\",\"status\":{\"state\":\"SUCCEEDED\"},\"manifest\":{\"schema\":{"
         "\"columns\":[{\"name\":\"a\",\"type_name\":\"STRING\",\"type_text\":\"STRING\"}]},"
         "\"chunks\":[{\"row_count\":1},{\"chunk_index\":1,\"row_count\":1}],"
         "\"total_chunk_count\":2,\"total_row_count\":2},\"result\":{\"next_chunk_index\":1,"
         "\"data_array\":[[\"x\\ny\"]]}}"},
        {"GET", "/api/2.0/sql/statements/s1/result/chunks/1", "{\"data_array\":[[null]]}"},
        {"DELETE", "/api/2.0/sql/statements/s1", "{}"},
        {"GET", "/api/2.0/fs/directories/Volumes/a/b/c?page_size=1000",
         "{\"contents\":[{\"name\":\"x\"}],\"next_page_token\":\"p\"}"},
        {"GET", "/api/2.0/fs/directories/Volumes/a/b/c?page_size=1000&page_token=p", "{}"},
    };
    const char *index = strrchr(seen->target, '/') + 1;

    (void)context;
    *reply = (struct http_reply){.status = 404, .body = "{}"};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (strcmp(seen->method, answers[i].method) == 0 &&
            strcmp(seen->target, answers[i].path) == 0)
            *reply = (struct http_reply){.body = answers[i].body};
    if (strncmp(seen->target, "/storage/", 9) == 0)
        *reply = (struct http_reply){.body = far_end.bytes, .length = sizeof far_end.bytes};
    if (strstr(seen->target, "/s2/result/chunks/"))
        *reply = (struct http_reply){.body = far_end.links[strtol(index, NULL, 10) % 4]};
}

/* Runs it in a child until the write end of *until is closed; its host is in far_end. */
static pid_t far_start(int *until)
{
    int ready[2], end[2];
    pid_t child;

    if (pipe(ready) != 0 || pipe(end) != 0)
        exit(99);
    child = fork();
    if (child == 0) {
        struct http_server *server =
            http_server_new(&(struct http_server_options){.handle = far_handle});

        close(end[1]);
        snprintf(far_end.host, sizeof far_end.host, "%s", http_server_base(server));
        for (int i = 0; i < 4; i++)
            snprintf(far_end.links[i], sizeof far_end.links[i],
                     "{\"external_links\":[{\"chunk_index\":%d,\"external_link\":\"%s/storage/%d\","
                     "\"http_headers\":{\"a\":\"b\"}}]}",
                     i, far_end.host, i);
        if (write(ready[1], far_end.host, sizeof far_end.host) != sizeof far_end.host)
            _exit(1);
        /* Ends with the parent. */
        _exit(read(end[0], far_end.host, 1) != 0);
    }
    if (read(ready[0], far_end.host, sizeof far_end.host) != sizeof far_end.host)
        exit(99);
    close(ready[0]);
    close(ready[1]);
    close(end[0]);
    *until = end[1];
    return child;
}

/* ---- what is tried --------------------------------------------------------------------------- */

static char config_file[256];

static int open_config(struct tow_databricks_config *config, struct tow_error *err)
{
    const struct tow_databricks_settings settings = {
        .host = far_end.host,
        .profile = "p",
        .http_path = "/sql/1.0/warehouses/abc?o=1",
        .config_file = config_file,
        .ca_file = "/dev/null",
        .proxy = "",
    };

    return tow_databricks_config_init(config, &settings, 1, err);
}

static int try_sql(struct tow_error *err)
{
    struct tow_sql_table table, sibling = {.count = 0};
    struct tow_buffer out = {0};
    int code = tow_sql_table_parse(&table, "main.`c``d`.t", err);

    if (code == TOW_OK)
        code = tow_sql_table_sibling(&sibling, &table, "__load", err);
    if (code == TOW_OK)
        code = tow_sql_table(&out, &sibling, err);
    if (code == TOW_OK)
        code = tow_sql_string(&out, "it's", 4, err);
    tow_sql_table_release(&table);
    tow_sql_table_release(&sibling);
    tow_buffer_release(&out);
    return code;
}

static int read_cells(struct tow_databricks *databricks, struct tow_statement *statement,
                      struct tow_error *err)
{
    struct tow_cells *cells = tow_cells_new(databricks, statement, err);
    const char *const *texts;
    const size_t *lengths;
    int code = cells ? TOW_OK : err->code, rows = 0;

    while (code == TOW_OK) {
        code = tow_cells_next(cells, &texts, &lengths, err);
        rows += code == TOW_OK;
    }
    tow_cells_free(cells);
    if (code == TOW_END)
        assert_int_equal(rows, 2);
    return code == TOW_END ? TOW_OK : code;
}

static int try_statement(struct tow_error *err)
{
    static const struct tow_statement_parameter parameters[] = {{"p", "INT", "1"}};
    const struct tow_statement_request request = {.what = "reading",
                                                  .text = "SELECT :p",
                                                  .parameters = parameters,
                                                  .parameter_count = 1,
                                                  .repeatable = 1};
    struct tow_databricks_config config;
    struct tow_databricks *databricks = NULL;
    struct tow_statement statement = {.columns = NULL};
    int code = open_config(&config, err);

    if (code == TOW_OK && !(databricks = tow_databricks_new(&config, -1, err)))
        code = err->code;
    if (code == TOW_OK)
        code = tow_statement_run(databricks, &request, &statement, err);
    if (code == TOW_OK)
        code = read_cells(databricks, &statement, err);
    if (code == TOW_OK) {
        char *text = tow_statement_text(databricks, &statement, "A", err);

        code = err->code;
        if (code == TOW_OK)
            assert_string_equal(text, "x\ny");
        free(text);
        tow_statement_close(databricks, &statement);
    }
    tow_statement_release(&statement);
    tow_databricks_free(databricks);
    tow_databricks_config_release(&config);
    return code;
}

static int count_entry(void *context, const struct tow_volume_entry *entry, struct tow_error *err)
{
    (void)entry, (void)err;
    ++*(int *)context;
    return TOW_OK;
}

static int try_volume(struct tow_error *err)
{
    struct tow_databricks_config config;
    struct tow_databricks *databricks = NULL;
    int code = open_config(&config, err), entries = 0;

    if (code == TOW_OK && !(databricks = tow_databricks_new(&config, -1, err)))
        code = err->code;
    if (code == TOW_OK)
        code = tow_volume_remove(databricks, "/Volumes/a/b/c/d e", err);
    if (code == TOW_OK)
        code = tow_volume_each(databricks, "/Volumes/a/b/c", count_entry, &entries, err);
    if (code == TOW_OK)
        assert_int_equal(entries, 1);
    tow_databricks_free(databricks);
    tow_databricks_config_release(&config);
    return code;
}

static int read_chunk(struct tow_fetch *fetch, int64_t chunk, struct tow_error *err)
{
    const void *bytes;
    size_t length, all = 0;
    int code;

    while ((code = tow_fetch_next(fetch, chunk, &bytes, &length, err)) == TOW_OK)
        all += length;
    if (code == TOW_END)
        assert_int_equal(all, sizeof far_end.bytes);
    return code == TOW_END ? TOW_OK : code;
}

static int try_fetch(struct tow_error *err)
{
    const struct tow_fetch_settings settings = {.parallel = 2};
    struct tow_statement statement = {.id = "s2", .chunks = 4};
    struct tow_databricks_config config;
    struct tow_fetch *fetch = NULL;
    int code = open_config(&config, err);

    if (code == TOW_OK && !(fetch = tow_fetch_new(&config, -1, &statement, &settings, err)))
        code = err->code;
    for (int64_t chunk = 0; chunk < 4 && code == TOW_OK; chunk++)
        code = read_chunk(fetch, chunk, err);
    tow_fetch_free(fetch);
    tow_databricks_config_release(&config);
    return code;
}

/* Until nothing fails any more. What fails ahead of need is tried again, so that a failure may pass
 * unseen; but then all is there. */
static void each_allocation_fails(int (*attempt)(struct tow_error *err), long least)
{
    long n, nomem = 0;

    for (n = 0; n < 5000; n++) {
        struct tow_error err = TOW_ERROR_INIT;
        int code, has_failed;

        nomem_after(n);
        code = attempt(&err);
        has_failed = nomem_stop();
        if (code != TOW_OK && code != TOW_E_NOMEM)
            fail_msg("allocation %ld: %s: %s", n, tow_error_name(code), err.message);
        nomem += code == TOW_E_NOMEM;
        if (!has_failed) {
            if (code != TOW_OK)
                fail_msg("%s: %s", tow_error_name(code), err.message);
            break;
        }
    }
    assert_in_range(n, least, 4999);
    assert_true(nomem > n / 2);
}

static void test_sql_text(void **state)
{
    (void)state;
    each_allocation_fails(try_sql, 6);
}

static void test_a_statement_and_its_cells(void **state)
{
    (void)state;
    each_allocation_fails(try_statement, 60);
}

static void test_a_listing(void **state)
{
    (void)state;
    each_allocation_fails(try_volume, 60);
}

static void test_a_fetcher(void **state)
{
    (void)state;
    each_allocation_fails(try_fetch, 60);
}

static int setup(void **state)
{
    const char *text = "[p]\nclient_id = c\nclient_secret = s\n";

    if (scratch_setup(state) != 0)
        return -1;
    snprintf(config_file, sizeof config_file, "%s/cfg", ((struct scratch *)*state)->folder);
    scratch_write(config_file, text, strlen(text));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sql_text),
        cmocka_unit_test(test_a_statement_and_its_cells),
        cmocka_unit_test(test_a_listing),
        cmocka_unit_test(test_a_fetcher),
    };
    int until, status, failed;
    pid_t child;

    workspace_clean_environment();
    child = far_start(&until);
    failed = cmocka_run_group_tests(tests, setup, scratch_teardown);
    close(until);
    return waitpid(child, &status, 0) == child && status == 0 ? failed : 98;
}
