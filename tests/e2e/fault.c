/* fault - a source for tests of those who run plugins: it dies, hangs, or takes its time, where it
 * is told to. */
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <towpath/batch.h>

struct fault {
    const char *at, *how; /* options */
};

static const struct tow_option options[] = {
    TOW_OPT_STRING("at", struct fault, at, NULL, "check, open or read"),
    TOW_OPT_STRING("how", struct fault, how, "crash", "crash, hang or wait"),
    TOW_OPTIONS_END,
};

static const struct tow_field fields[] = {{"n", {TOW_TYPE_INT64, 0, 0}, 1}};

static void fault_at(const struct fault *fault, const char *here)
{
    if (!fault->at || strcmp(fault->at, here) != 0)
        return;
    if (strcmp(fault->how, "crash") == 0)
        raise(SIGSEGV);
    if (strcmp(fault->how, "wait") == 0) {
        nanosleep(&(const struct timespec){0, 600 * 1000 * 1000}, NULL);
        return;
    }
    for (;;)
        pause();
}

static int32_t fault_check(void *self, const struct tow_host *host, struct tow_error *err)
{
    (void)host;
    (void)err;
    fault_at(self, "check");
    return TOW_OK;
}

static int32_t fault_open(void *self, const struct tow_host *host, const struct tow_position *from,
                          struct tow_error *err)
{
    (void)host;
    (void)from;
    (void)err;
    fault_at(self, "open");
    return TOW_OK;
}

static int32_t fault_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    (void)self;
    return tow_schema_make(out, fields, 1, err);
}

static int32_t fault_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    (void)out;
    (void)err;
    fault_at(self, "read");
    return TOW_END;
}

static void fault_close(void *self)
{
    (void)self;
}

TOW_SOURCE_PLUGIN(fault, "1.0", "dies or hangs where it is told to", struct fault, options, 0,
                  fault_check, fault_open, fault_schema, fault_read, fault_close)
