/* A call while memory runs out: each allocation of ours in the client's thread fails once. */
#include "grpc_fixture.h"

/* Allocations left before one fails; -1: none does. nghttp2's, OpenSSL's and libcurl's own are not
 * among them, nor the server's. */
static _Thread_local long allocations_left = -1;

static int allocation_fails(void)
{
    return allocations_left >= 0 && allocations_left-- == 0;
}

#define WRAP(type, name, parameters, arguments)                     \
    type __real_##name parameters;                                  \
    type __wrap_##name parameters;                                  \
    type __wrap_##name parameters                                   \
    {                                                               \
        return allocation_fails() ? NULL : __real_##name arguments; \
    }

WRAP(void *, malloc, (size_t size), (size))
WRAP(void *, calloc, (size_t count, size_t size), (count, size))
WRAP(void *, realloc, (void *memory, size_t size), (memory, size))
WRAP(char *, strdup, (const char *text), (text))
WRAP(char *, strndup, (const char *text, size_t size), (text, size))

int __wrap_asprintf(char **out, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_asprintf(char **out, const char *format, ...)
{
    va_list args;
    int length = -1;

    va_start(args, format);
    if (!allocation_fails())
        length = vasprintf(out, format, args);
    va_end(args);
    return length;
}

static int talk(struct fixture *fixture, struct tow_error *err)
{
    const struct tow_grpc_metadata metadata = {"x-table", "a.b.c", 0};
    const struct tow_grpc_request request = {
        .path = FIXTURE_PATH, .metadata = &metadata, .metadata_count = 1};
    int code = TOW_OK;

    fixture->call = tow_grpc_start(fixture->grpc, &request, err);
    if (!fixture->call)
        return err->code;
    code = tow_grpc_send(fixture->call, "open", 4, NULL, 0, err);
    for (int i = 0; i < 3 && code == TOW_OK; i++)
        code = tow_grpc_send(fixture->call, "head", 4, fixture->body, 1000, err);
    if (code == TOW_OK)
        tow_grpc_half_close(fixture->call);
    while (code == TOW_OK && !tow_grpc_status_of(fixture->call))
        code = tow_grpc_run(fixture->grpc, 5000, err);
    return code;
}

/* What a whole call says; TOW_OK only where the server's status has come. */
static int attempt(struct fixture *fixture, struct tow_error *err)
{
    int code;

    fixture->grpc = tow_grpc_connect(&fixture->settings, err);
    if (!fixture->grpc)
        return err->code;
    code = talk(fixture, err);
    if (code == TOW_OK && tow_grpc_status_of(fixture->call)->code != TOW_GRPC_OK)
        fail_msg("status %s", tow_grpc_status_of(fixture->call)->message);
    tow_grpc_free(fixture->grpc);
    fixture->grpc = NULL;
    return code;
}

static void test_running_out_of_memory_is_said_and_leaks_nothing(void **state)
{
    struct fixture *fixture = *state;
    long failures = 0;
    int code;

    fixture->settings.proxy = NULL;
    fixture->settings.ping_ms = -1;
    setenv("no_grpc_proxy", "127.0.0.1", 1);
    fixture_serve(fixture);
    do {
        struct tow_error err = TOW_ERROR_INIT;

        allocations_left = failures++;
        code = attempt(fixture, &err);
        if (code != TOW_OK && code != TOW_E_NOMEM)
            fail_msg("%s: %s", tow_error_name(code), err.message);
    } while (code != TOW_OK);
    allocations_left = -1;
    unsetenv("no_grpc_proxy");
    assert_in_range(failures, 12, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GRPC_TEST(test_running_out_of_memory_is_said_and_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
