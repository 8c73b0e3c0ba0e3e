/* A plugin that is wrong in the way MISFIT says; the loader must refuse it and say why. */
#include "towpath/plugin.h"

#define MISFIT_MAJOR   1 /* built for another major version */
#define MISFIT_MINOR   2 /* needs a newer minor version */
#define MISFIT_SHORT   3 /* descriptor cut short */
#define MISFIT_MEMBER  4 /* source without read */
#define MISFIT_NOENTRY 5 /* no entry function */
#define MISFIT_NAME    6 /* calls itself otherwise than its file */
#define MISFIT_OPTION  7 /* default outside its bounds */
#define MISFIT_LIBRARY 8 /* needs a library that is not there */

#define STRING_OF(x) #x
#define STRING(x)    STRING_OF(x)
#define ENTRY_OF(x)  x##_LTX_tow_plugin_entry
#define ENTRY(x)     ENTRY_OF(x)

struct misfit {
    int64_t rows;
};

static int32_t misfit_open(void *self, const struct tow_host *host, const struct tow_position *from,
                           struct tow_error *err)
{
    (void)self, (void)host, (void)from, (void)err;
    return TOW_OK;
}

static int32_t misfit_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    (void)self, (void)out, (void)err;
    return TOW_E_BUG;
}

#if MISFIT != MISFIT_MEMBER
static int32_t misfit_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    (void)self, (void)out, (void)err;
    return TOW_END;
}
#endif

static const struct tow_option misfit_options[] = {
    {"rows", TOW_OPTION_INT, 0, offsetof(struct misfit, rows),
#if MISFIT == MISFIT_OPTION
     "1000",
#else
     "10",
#endif
     1, 100, NULL, "rows to make"},
    TOW_OPTIONS_END,
};

static const struct tow_source_ops misfit_source = {
    .size = sizeof misfit_source,
    .open = misfit_open,
    .schema = misfit_schema,
#if MISFIT != MISFIT_MEMBER
    .read = misfit_read,
#endif
};

static const struct tow_plugin misfit_plugin = {
#if MISFIT == MISFIT_SHORT
    .size = offsetof(struct tow_plugin, instance_size),
#else
    .size = sizeof misfit_plugin,
#endif
    .abi_major = MISFIT == MISFIT_MAJOR ? TOW_ABI_MAJOR + 1 : TOW_ABI_MAJOR,
    .abi_minor = MISFIT == MISFIT_MINOR ? TOW_ABI_MINOR + 1 : TOW_ABI_MINOR,
    .name = MISFIT == MISFIT_NAME ? "somebody_else" : STRING(MODULE),
    .version = "1",
    .summary = "wrong on purpose",
    .instance_size = sizeof(struct misfit),
    .options = misfit_options,
    .source = &misfit_source,
};

#if MISFIT == MISFIT_LIBRARY
int misfit_absent_function(void);
#endif

#if MISFIT == MISFIT_NOENTRY
__attribute__((visibility("default"))) const struct tow_plugin *misfit_not_the_entry(void);
const struct tow_plugin *misfit_not_the_entry(void)
{
    return &misfit_plugin;
}
#else
__attribute__((visibility("default"))) tow_plugin_entry ENTRY(MODULE);
const struct tow_plugin *ENTRY(MODULE)(void)
{
#if MISFIT == MISFIT_LIBRARY
    return misfit_absent_function() ? &misfit_plugin : NULL;
#else
    return &misfit_plugin;
#endif
}
#endif
