/* Memory that loads leave behind, counted by the allocator. */
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#include "conformance/suite.h"

#define MEMORY_LOADS 3
#define MEMORY_LEAST 32 /* bytes that each load must leave to be blamed */

static size_t memory_used(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

/* Not where a sanitizer or valgrind has put its own allocator in place: they find leaks themselves.
 */
static int memory_can_be_counted(void)
{
    size_t before = memory_used();
    void *some = malloc(1 << 16);
    int counted = some && memory_used() > before;

    free(some);
    return counted;
}

struct memory_load {
    struct suite *suite;
    suite_load *load;
    struct tow_error err;
    int rc;
};

/* A load with a ledger of its own, which is gone with it. */
static void *memory_load_main(void *context)
{
    struct memory_load *one = context;
    struct tow_overlay *kept = one->suite->overlay;

    one->suite->overlay = tow_overlay_new(NULL, one->suite->job.name, &one->err);
    one->rc = one->suite->overlay ? one->load(one->suite, &one->err) : one->err.code;
    tow_overlay_free(one->suite->overlay);
    one->suite->overlay = kept;
    return NULL;
}

/* In a thread, since the allocator keeps freed memory for each one, as if it were in use, and gives
 * it up when the thread ends. */
static int memory_load(struct suite *suite, suite_load *load, struct tow_error *err)
{
    struct memory_load one = {suite, load, TOW_ERROR_INIT, TOW_OK};
    pthread_t thread;

    if (pthread_create(&thread, NULL, memory_load_main, &one))
        return tow_error_nomem(err);
    pthread_join(thread, NULL);
    *err = one.err;
    return one.rc;
}

/* What stays for good, a cache that was filled or a buffer that grew, stays once: only what comes
 * with each load is a leak. */
void suite_check_memory(struct suite *suite, suite_load *load)
{
    const char *what = "a closed instance leaves no memory behind";
    struct tow_error err = TOW_ERROR_INIT;
    size_t used[MEMORY_LOADS + 2] = {0};
    int leaks = 1;

    if (suite->hung || !memory_can_be_counted()) {
        suite_skip(suite, what, suite->hung ? "a call has not returned" : "it is not counted here");
        return;
    }
    for (int i = 0; i < MEMORY_LOADS + 2; i++) {
        if (memory_load(suite, load, &err)) {
            suite_fail(suite, what, "%s", err.message);
            return;
        }
        used[i] = memory_used();
    }
    for (int i = 2; i < MEMORY_LOADS + 2; i++)
        leaks = leaks && used[i] >= used[i - 1] + MEMORY_LEAST;
    if (leaks)
        suite_fail(
            suite, what,
            "each of %d does, the last one %zu bytes; -fsanitize=address or valgrind say whose",
            MEMORY_LOADS, used[MEMORY_LOADS + 1] - used[MEMORY_LOADS]);
    else
        suite_pass(suite, what);
}
