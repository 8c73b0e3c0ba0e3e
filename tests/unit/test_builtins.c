/* Plugins that are part of the program: found without a folder, vetted like modules, and beside
 * them in the order that loader.h says. */
#include "unit.h"

#include <unistd.h>

#include "plugin/loader.h"

static int32_t builtin_begin(void *self, const struct tow_host *host, const struct ArrowSchema *in,
                             struct ArrowSchema *out, struct tow_error *err)
{
    (void)self, (void)host, (void)in, (void)out, (void)err;
    return TOW_OK;
}

static int32_t builtin_apply(void *self, const struct tow_rows *rows, struct ArrowArray *out,
                             struct tow_error *err)
{
    (void)self, (void)rows, (void)out, (void)err;
    return TOW_OK;
}

static const struct tow_transform_ops builtin_ops = {
    .size = sizeof builtin_ops, .begin = builtin_begin, .apply = builtin_apply};
static const struct tow_transform_ops builtin_lame_ops = {.size = sizeof builtin_lame_ops,
                                                          .begin = builtin_begin};

#define BUILTIN(plugin_name, ops)                                                            \
    {                                                                                        \
        TOW_PLUGIN_HEAD, .name = (plugin_name), .version = "built in",                       \
                         .summary = "of the program", .instance_size = 1, .transform = (ops) \
    }

static const struct tow_plugin builtin_alone = BUILTIN("alone", &builtin_ops);
static const struct tow_plugin builtin_lame = BUILTIN("lame", &builtin_lame_ops);
static const struct tow_plugin builtin_null = BUILTIN("null", &builtin_ops);

static const struct tow_plugin *alone_entry(void)
{
    return &builtin_alone;
}

static const struct tow_plugin *lame_entry(void)
{
    return &builtin_lame;
}

static const struct tow_plugin *null_entry(void)
{
    return &builtin_null;
}

/* In place of the core library's empty table. */
const struct tow_builtin tow_builtins[] = {
    {"alone", alone_entry}, {"lame", lame_entry}, {"null", null_entry}, {NULL, NULL}};

/* A loader to which nobody names a folder, save `given`. */
static struct tow_loader *loader_of(const char *given)
{
    struct tow_error err = TOW_ERROR_INIT;
    const char *folder = getenv("TOWPATH_PLUGIN_PATH");
    char *kept = folder ? strdup(folder) : NULL;

    assert_int_equal(unsetenv("TOWPATH_PLUGIN_PATH"), 0);
    struct tow_loader *loader = tow_loader_new(given, &err);
    assert_non_null(loader);
    if (kept)
        assert_int_equal(setenv("TOWPATH_PLUGIN_PATH", kept, 1), 0);
    free(kept);
    return loader;
}

static void test_a_built_in_plugin_needs_no_folder(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_plugin *first = NULL, *second = NULL;
    struct tow_loader *loader = loader_of(NULL);

    (void)state;
    assert_ok(tow_loader_get(loader, "alone", &first, &err), err);
    assert_ok(tow_loader_get(loader, "alone", &second, &err), err);
    assert_ptr_equal(first, &builtin_alone);
    assert_ptr_equal(second, first);
    tow_loader_free(loader);
}

static void test_a_built_in_plugin_is_vetted_like_a_module(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_plugin *plugin = NULL;
    struct tow_loader *loader = loader_of(NULL);

    (void)state;
    assert_int_equal(tow_loader_get(loader, "lame", &plugin, &err), TOW_E_UNSUPPORTED);
    assert_says(err, "plugin lame: its transform lacks `apply`");
    assert_null(plugin);
    tow_loader_free(loader);
}

static void test_a_module_in_a_folder_that_is_named_comes_first(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_plugin *plugin = NULL;
    struct tow_loader *named = loader_of(getenv("TOWPATH_PLUGIN_PATH")), *bare = loader_of(NULL);

    (void)state;
    assert_ok(tow_loader_get(named, "null", &plugin, &err), err);
    assert_non_null(plugin->sink);
    assert_ok(tow_loader_get(bare, "null", &plugin, &err), err);
    assert_ptr_equal(plugin, &builtin_null);
    tow_loader_free(named);
    tow_loader_free(bare);
}

struct listed {
    int builtin, module;
};

static int count_null(void *context, const char *name, const char *path)
{
    struct listed *listed = context;

    if (strcmp(name, "null") == 0)
        *(path ? &listed->module : &listed->builtin) += 1;
    return 0;
}

static void test_lists_each_name_once_and_a_built_in_one_without_a_path(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct listed named = {0}, bare = {0};
    struct tow_loader *loader = loader_of(getenv("TOWPATH_PLUGIN_PATH"));

    (void)state;
    assert_int_equal(tow_loader_each(loader, count_null, &named, &err), 0);
    tow_loader_free(loader);
    loader = loader_of(NULL);
    assert_int_equal(tow_loader_each(loader, count_null, &bare, &err), 0);
    tow_loader_free(loader);
    assert_int_equal(named.module, 1);
    assert_int_equal(named.builtin, 0);
    assert_int_equal(bare.module, 0);
    assert_int_equal(bare.builtin, 1);
}

static void test_built_in_names_are_suggested(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_plugin *plugin = NULL;
    struct tow_loader *loader = loader_of(NULL);

    (void)state;
    assert_int_equal(tow_loader_get(loader, "alon", &plugin, &err), TOW_E_CONFIG);
    assert_says(err, "did you mean \"alone\"?");
    tow_loader_free(loader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_built_in_plugin_needs_no_folder),
        cmocka_unit_test(test_a_built_in_plugin_is_vetted_like_a_module),
        cmocka_unit_test(test_a_module_in_a_folder_that_is_named_comes_first),
        cmocka_unit_test(test_lists_each_name_once_and_a_built_in_one_without_a_path),
        cmocka_unit_test(test_built_in_names_are_suggested),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
