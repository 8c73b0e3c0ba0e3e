#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/loader.h"

/* Where the misfits lie: $TOWPATH_PLUGIN_PATH, as the harness sets it. */
static struct tow_loader *loader;

static int open_loader(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    loader = tow_loader_new(NULL, &err);
    return loader ? 0 : -1;
}

static int close_loader(void **state)
{
    (void)state;
    tow_loader_free(loader);
    return 0;
}

static void refuses(const char *name, int code, const char *reason)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_plugin *plugin = NULL;

    assert_int_equal(tow_loader_get(loader, name, &plugin, &err), code);
    assert_null(plugin);
    assert_says(err, reason);
}

static void test_loads_a_plugin_once_and_keeps_it(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_plugin *first = NULL, *second = NULL;

    (void)state;
    assert_ok(tow_loader_get(loader, "csv", &first, &err), err);
    assert_ok(tow_loader_get(loader, "csv", &second, &err), err);
    assert_string_equal(first->name, "csv");
    assert_ptr_equal(first, second);
}

static void test_refuses_another_major_version(void **state)
{
    (void)state;
    refuses("misfit_major", TOW_E_UNSUPPORTED, "built for plugin ABI 2.2, this program has 1.2");
}

static void test_refuses_a_newer_minor_version(void **state)
{
    (void)state;
    refuses("misfit_minor", TOW_E_UNSUPPORTED, "built for plugin ABI 1.3, this program has 1.2");
}

static void test_refuses_a_descriptor_cut_short(void **state)
{
    (void)state;
    refuses("misfit_short", TOW_E_UNSUPPORTED, "its descriptor has 32 bytes");
}

static void test_names_the_member_that_is_missing(void **state)
{
    (void)state;
    refuses("misfit_member", TOW_E_UNSUPPORTED, "its source lacks `read`");
}

static void test_names_the_entry_that_is_missing(void **state)
{
    (void)state;
    refuses("misfit_noentry", TOW_E_UNSUPPORTED, "lacks the symbol misfit_noentry_LTX_");
}

static void test_refuses_a_name_that_is_not_the_files(void **state)
{
    (void)state;
    refuses("misfit_name", TOW_E_UNSUPPORTED, "calls itself \"somebody_else\"");
}

static void test_refuses_a_default_outside_its_bounds(void **state)
{
    (void)state;
    refuses("misfit_option", TOW_E_UNSUPPORTED, "rows");
}

static void test_tells_which_symbol_a_module_lacks(void **state)
{
    (void)state;
    refuses("misfit_library", TOW_E_UNSUPPORTED, "misfit_absent_function");
}

static void test_suggests_the_nearest_name(void **state)
{
    (void)state;
    refuses("cvs", TOW_E_CONFIG, "did you mean \"csv\"?");
}

static void test_a_name_cannot_leave_the_folders(void **state)
{
    (void)state;
    refuses("../csv", TOW_E_CONFIG, "no plugin name");
    refuses(".hidden", TOW_E_CONFIG, "no plugin name");
}

static void test_tells_what_a_file_is_that_is_no_module(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_plugin *plugin = NULL;
    char path[] = "/tmp/towpath-loader-XXXXXX.so";
    int fd = mkstemps(path, 3);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "not an object", 13), 13);
    close(fd);
    assert_int_equal(tow_loader_open(loader, path, &plugin, &err), TOW_E_UNSUPPORTED);
    assert_says(err, "cannot be loaded");
    unlink(path);
    assert_int_equal(tow_loader_open(loader, path, &plugin, &err), TOW_E_ENV);
    assert_says(err, "No such file");
    assert_int_equal(tow_loader_open(loader, "plugin.txt", &plugin, &err), TOW_E_CONFIG);
}

static void test_a_module_in_this_folder_needs_no_slash(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_plugin *plugin = NULL;
    char before[4096];

    (void)state;
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(getenv("TOWPATH_PLUGIN_PATH")), 0);
    int rc = tow_loader_open(loader, "csv.so", &plugin, &err);
    assert_int_equal(chdir(before), 0);
    assert_ok(rc, err);
    assert_string_equal(plugin->name, "csv");
}

/* A search path of these folders alone, before the installed one. */
static struct tow_loader *loader_of(const char *folders)
{
    struct tow_error err = TOW_ERROR_INIT;
    char *path = strdup(getenv("TOWPATH_PLUGIN_PATH"));

    unsetenv("TOWPATH_PLUGIN_PATH");
    struct tow_loader *made = tow_loader_new(folders, &err);
    setenv("TOWPATH_PLUGIN_PATH", path, 1);
    free(path);
    assert_non_null(made);
    return made;
}

static int no_module(void *context, const char *name, const char *path)
{
    (void)context, (void)name, (void)path;
    return TOW_E_BUG;
}

static void test_a_folder_that_cannot_be_looked_into_is_named(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_plugin *plugin = NULL;
    struct tow_loader *odd = loader_of("/no/such/folder:/dev/null");

    (void)state;
    assert_int_equal(tow_loader_get(odd, "csv", &plugin, &err), TOW_E_ENV);
    assert_says(err, "/dev/null/csv.so: Not a directory");
    assert_int_equal(tow_loader_each(odd, no_module, NULL, &err), TOW_E_ENV);
    assert_says(err, "plugin folder /dev/null: Not a directory");
    tow_loader_free(odd);
}

static void test_all_folders_that_lack_a_plugin_are_named(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_plugin *plugin = NULL;
    struct tow_loader *odd = loader_of("/no/such/folder:/nor/this");

    (void)state;
    assert_int_equal(tow_loader_get(odd, "nothing", &plugin, &err), TOW_E_CONFIG);
    assert_says(err, "no plugin \"nothing\" in /no/such/folder, /nor/this, ");
    tow_loader_free(odd);
}

static void test_names_and_folders_beyond_any_path_are_refused(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_plugin *plugin = NULL;
    char name[300], folder[5000];

    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(tow_loader_get(loader, name, &plugin, &err), TOW_E_CONFIG);
    assert_says(err, "is no plugin name");
    assert_int_equal(tow_loader_get(loader, "", &plugin, &err), TOW_E_CONFIG);
    memset(folder, 'y', sizeof folder - 1);
    folder[0] = '/';
    folder[sizeof folder - 1] = '\0';
    struct tow_loader *odd = loader_of(folder);
    assert_int_equal(tow_loader_get(odd, "nothing", &plugin, &err), TOW_E_CONFIG);
    assert_says(err, "no plugin \"nothing\"");
    tow_loader_free(odd);
}

static void test_a_name_that_no_checkpoint_can_hold_is_refused(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_plugin plugin = {TOW_PLUGIN_HEAD, .version = "1", .summary = "long"};
    char name[65];

    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    plugin.name = name;
    assert_int_equal(tow_plugin_vet(&plugin, name, &err), TOW_E_UNSUPPORTED);
    assert_says(err, "its name has 64 bytes; at most 63");
}

static int count_modules(void *context, const char *name, const char *path)
{
    int *count = context;

    assert_non_null(strstr(path, name));
    *count += strcmp(name, "csv") == 0;
    return 0;
}

static void test_lists_each_module_once(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    int count = 0;
    struct tow_loader *twice = tow_loader_new(getenv("TOWPATH_PLUGIN_PATH"), &err);

    (void)state;
    assert_non_null(twice);
    assert_int_equal(tow_loader_each(twice, count_modules, &count, &err), 0);
    assert_int_equal(count, 1);
    tow_loader_free(twice);
}

/* A copy of a plugin in a folder of its own. */
struct copy {
    char folder[64], path[128];
    struct tow_loader *loader;
};

static void copy_make(struct copy *copy)
{
    char command[4096];

    strcpy(copy->folder, "/tmp/towpath-loader-XXXXXX");
    assert_non_null(mkdtemp(copy->folder));
    snprintf(copy->path, sizeof copy->path, "%s/null.so", copy->folder);
    snprintf(command, sizeof command, "cp -L %s/null.so %s", getenv("TOWPATH_PLUGIN_PATH"),
             copy->path);
    assert_int_equal(system(command), 0);
    assert_int_equal(chmod(copy->path, 0644), 0);
    copy->loader = loader_of(copy->folder);
}

static void copy_remove(struct copy *copy)
{
    tow_loader_free(copy->loader);
    assert_int_equal(unlink(copy->path), 0);
    assert_int_equal(rmdir(copy->folder), 0);
}

static void copy_refused(const struct copy *copy, const char *reason)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_plugin *plugin = NULL;

    assert_int_equal(tow_loader_get(copy->loader, "null", &plugin, &err), TOW_E_ENV);
    assert_says(err, "null.so is not loaded: ");
    assert_says(err, reason);
    assert_int_equal(tow_loader_open(copy->loader, copy->path, &plugin, &err), TOW_E_ENV);
    assert_says(err, reason);
    assert_null(plugin);
}

static void copy_taken(const struct copy *copy)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_plugin *plugin = NULL;

    assert_ok(tow_loader_open(copy->loader, copy->path, &plugin, &err), err);
    assert_string_equal(plugin->name, "null");
}

static void test_a_module_that_others_can_write_is_not_loaded(void **state)
{
    struct copy copy;

    (void)state;
    copy_make(&copy);
    assert_int_equal(chmod(copy.path, 0666), 0);
    copy_refused(&copy,
                 "null.so is not loaded: every user can write it (mode 0666): chmod go-w it");
    assert_int_equal(chmod(copy.path, 0644), 0);
    copy_taken(&copy);
    copy_remove(&copy);
}

static void test_a_module_in_a_folder_that_others_can_write_is_not_loaded(void **state)
{
    struct copy copy;

    (void)state;
    copy_make(&copy);
    assert_int_equal(chmod(copy.folder, 0777), 0);
    copy_refused(&copy, ", and every user can write it (mode 0777): chmod go-w the folder");
    assert_int_equal(chmod(copy.folder, 0755), 0);
    copy_taken(&copy);
    copy_remove(&copy);
}

static void test_in_a_sticky_folder_only_modules_of_root_and_this_user_are_loaded(void **state)
{
    struct copy copy;

    (void)state;
    copy_make(&copy);
    assert_int_equal(chmod(copy.folder, 01777), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(copy.path, 65534, 65534), 0);
        copy_refused(&copy, "it belongs to user 65534");
        assert_int_equal(chown(copy.path, 0, 0), 0);
    }
    copy_taken(&copy);
    copy_remove(&copy);
}

static void test_a_link_to_a_module_is_as_good_as_what_it_leads_to(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_plugin *plugin = NULL;
    char folder[] = "/tmp/towpath-loader-XXXXXX", link[128];
    struct copy copy;

    (void)state;
    copy_make(&copy);
    assert_non_null(mkdtemp(folder));
    snprintf(link, sizeof link, "%s/null.so", folder);
    assert_int_equal(symlink(copy.path, link), 0);
    assert_ok(tow_loader_open(copy.loader, link, &plugin, &err), err);
    assert_int_equal(chmod(copy.folder, 0777), 0);
    assert_int_equal(tow_loader_open(copy.loader, link, &plugin, &err), TOW_E_ENV);
    assert_says(err, copy.folder);
    assert_int_equal(chmod(copy.folder, 0755), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(tow_loader_open(copy.loader, link, &plugin, &err), TOW_E_ENV);
    assert_says(err, folder);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(rmdir(folder), 0);
    copy_remove(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loads_a_plugin_once_and_keeps_it),
        cmocka_unit_test(test_refuses_another_major_version),
        cmocka_unit_test(test_refuses_a_newer_minor_version),
        cmocka_unit_test(test_refuses_a_descriptor_cut_short),
        cmocka_unit_test(test_names_the_member_that_is_missing),
        cmocka_unit_test(test_names_the_entry_that_is_missing),
        cmocka_unit_test(test_refuses_a_name_that_is_not_the_files),
        cmocka_unit_test(test_refuses_a_default_outside_its_bounds),
        cmocka_unit_test(test_tells_which_symbol_a_module_lacks),
        cmocka_unit_test(test_suggests_the_nearest_name),
        cmocka_unit_test(test_a_name_cannot_leave_the_folders),
        cmocka_unit_test(test_tells_what_a_file_is_that_is_no_module),
        cmocka_unit_test(test_lists_each_module_once),
        cmocka_unit_test(test_a_module_in_this_folder_needs_no_slash),
        cmocka_unit_test(test_a_folder_that_cannot_be_looked_into_is_named),
        cmocka_unit_test(test_all_folders_that_lack_a_plugin_are_named),
        cmocka_unit_test(test_names_and_folders_beyond_any_path_are_refused),
        cmocka_unit_test(test_a_name_that_no_checkpoint_can_hold_is_refused),
        cmocka_unit_test(test_a_module_that_others_can_write_is_not_loaded),
        cmocka_unit_test(test_a_module_in_a_folder_that_others_can_write_is_not_loaded),
        cmocka_unit_test(test_in_a_sticky_folder_only_modules_of_root_and_this_user_are_loaded),
        cmocka_unit_test(test_a_link_to_a_module_is_as_good_as_what_it_leads_to),
    };

    return cmocka_run_group_tests(tests, open_loader, close_loader);
}
