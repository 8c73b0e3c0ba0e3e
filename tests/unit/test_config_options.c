#include "unit.h"

#include "config/option/options.h"
#include "config_fixture.h"

struct thing {
    const char *text;
    int64_t count;
    double ratio;
    int32_t flag;
    int32_t mode;
    int64_t bytes;
    int64_t wait;
    const char *path;
    struct tow_strings names;
    const char *token;
};

#define AT(member) offsetof(struct thing, member)

static const struct tow_option thing_options[] = {
    {"text", TOW_OPTION_STRING, 0, AT(text), "none", 1, 5, NULL, "some text"},
    {"count", TOW_OPTION_INT, 0, AT(count), "7", -10, 10, NULL, "a count"},
    {"ratio", TOW_OPTION_DOUBLE, 0, AT(ratio), "0.5", 0, 1, NULL, "a ratio"},
    {"flag", TOW_OPTION_BOOL, 0, AT(flag), "true", 0, 0, NULL, "a flag"},
    {"mode", TOW_OPTION_CHOICE, 0, AT(mode), "ndjson", 0, 0, "csv|ndjson|text", "a mode"},
    {"bytes", TOW_OPTION_SIZE, 0, AT(bytes), "1MiB", 1, 1 << 30, NULL, "a size"},
    {"wait", TOW_OPTION_DURATION, 0, AT(wait), "1m", 1000, INT64_MAX, NULL, "a time"},
    {"path", TOW_OPTION_PATH, TOW_OPTION_REQUIRED, AT(path), NULL, 0, 0, NULL, "where it lies"},
    {"names", TOW_OPTION_STRINGS, 0, AT(names), "a", 1, 2, NULL, "some names"},
    {"token", TOW_OPTION_STRING, TOW_OPTION_SECRET, AT(token), NULL, 0, 20, NULL, "a secret"},
    TOW_OPTIONS_END,
};

static const struct tow_plugin thing_plugin = {
    TOW_PLUGIN_HEAD, "thing", "1", "a thing", sizeof(struct thing), thing_options, NULL, NULL, NULL,
};

/* Fills an instance from the source section of a job whose settings start in line 2. */
static void thing_init(const char *settings, struct tow_job *job, struct tow_instance *instance,
                       struct tow_diags *diags)
{
    struct tow_error err = TOW_ERROR_INIT;
    size_t size = strlen(settings) + 200;
    char *text = malloc(size);

    assert_non_null(text);
    snprintf(text, size,
             "version = 1; job = { name = \"j\"; sink = { plugin = \"b\"; };\nsource = { plugin = "
             "\"thing\"; %s }; };",
             settings);
    config_load(text, job);
    free(text);
    assert_ok(tow_instance_init(instance, &thing_plugin, &job->source, job->dir, diags, &err), err);
}

static void thing_says(const char *settings, const char *expected)
{
    struct tow_instance instance;
    struct tow_diags diags = {0};
    struct tow_job job;

    thing_init(settings, &job, &instance, &diags);
    config_assert_findings(&diags, expected);
    tow_instance_release(&instance);
    assert_null(instance.self);
    tow_diags_release(&diags);
    tow_job_release(&job);
}

static void test_absent_options_get_their_defaults(void **state)
{
    struct tow_instance instance;
    struct tow_diags diags = {0};
    const struct thing *thing;
    struct tow_job job;

    (void)state;
    thing_init("path = \"x\";", &job, &instance, &diags);
    config_assert_findings(&diags, "");
    thing = instance.self;
    assert_string_equal(thing->text, "none");
    assert_int_equal(thing->count, 7);
    assert_true(thing->ratio == 0.5);
    assert_int_equal(thing->flag, 1);
    assert_int_equal(thing->mode, 1);
    assert_int_equal(thing->bytes, 1 << 20);
    assert_int_equal(thing->wait, 60000);
    assert_int_equal(thing->names.count, 1);
    assert_string_equal(thing->names.items[0], "a");
    assert_null(thing->token);
    tow_instance_release(&instance);
    tow_job_release(&job);
}

static void test_every_type_is_written_to_its_member(void **state)
{
    struct tow_instance instance;
    struct tow_diags diags = {0};
    const struct thing *thing;
    struct tow_job job;

    (void)state;
    setenv("TOWPATH_TEST_TOKEN", "hush", 1);
    thing_init("text = \"five5\"; count = -10; ratio = 1; flag = false; mode = \"text\"; bytes = "
               "\"1.5kB\"; wait = \"1h30m\"; path = \"/a/b\"; names = [\"p\", \"q,r\"]; token = "
               "\"${env:TOWPATH_TEST_TOKEN}\";",
               &job, &instance, &diags);
    config_assert_findings(&diags, "");
    tow_job_release(&job);
    thing = instance.self;
    assert_string_equal(thing->text, "five5");
    assert_int_equal(thing->count, -10);
    assert_true(thing->ratio == 1.0);
    assert_int_equal(thing->flag, 0);
    assert_int_equal(thing->mode, 2);
    assert_int_equal(thing->bytes, 1500);
    assert_int_equal(thing->wait, 5400000);
    assert_string_equal(thing->path, "/a/b");
    assert_int_equal(thing->names.count, 2);
    assert_string_equal(thing->names.items[1], "q,r");
    assert_string_equal(thing->token, "hush");
    tow_instance_release(&instance);
}

static void test_paths_start_at_the_folder_of_the_job(void **state)
{
    static const char *const samples[][2] = {
        {"a/b.csv", "D/a/b.csv"},
        {"./a", "D/a"},
        {"../a", "D/../a"},
        {"-", "-"},
        {"/x", "/x"},
        {"~/a", "H/a"},
        {"~other", "D/~other"},
    };
    struct tow_job job;

    (void)state;
    setenv("HOME", "/home/h", 1);
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct tow_instance instance;
        struct tow_diags diags = {0};
        char settings[64], expected[400];
        const char *rest = samples[i][1];

        snprintf(settings, sizeof settings, "path = \"%s\";", samples[i][0]);
        thing_init(settings, &job, &instance, &diags);
        config_assert_findings(&diags, "");
        snprintf(expected, sizeof expected, "%s%s",
                 *rest == 'D'   ? job.dir
                 : *rest == 'H' ? "/home/h"
                                : "",
                 *rest == 'D' || *rest == 'H' ? rest + 1 : rest);
        assert_string_equal(((const struct thing *)instance.self)->path, expected);
        tow_instance_release(&instance);
        tow_job_release(&job);
    }
}

static void test_numbers_from_the_environment_may_be_strings(void **state)
{
    struct tow_instance instance;
    struct tow_diags diags = {0};
    const struct thing *thing;
    struct tow_job job;

    (void)state;
    setenv("TOWPATH_TEST_COUNT", "3", 1);
    unsetenv("TOWPATH_TEST_FLAG");
    thing_init("path = \"x\"; count = \"${env:TOWPATH_TEST_COUNT}\"; ratio = "
               "\"0.${env:TOWPATH_TEST_COUNT}\"; flag = \"${env:TOWPATH_TEST_FLAG:-no}\";",
               &job, &instance, &diags);
    config_assert_findings(&diags, "");
    thing = instance.self;
    assert_int_equal(thing->count, 3);
    assert_true(thing->ratio == 0.3);
    assert_int_equal(thing->flag, 0);
    tow_instance_release(&instance);
    tow_job_release(&job);
    setenv("TOWPATH_TEST_COUNT", "three", 1);
    thing_says("path = \"x\"; count = \"${env:TOWPATH_TEST_COUNT}\"; ratio = "
               "\"${env:TOWPATH_TEST_COUNT}\"; flag = \"${env:TOWPATH_TEST_COUNT}\";",
               "job.cfg:2: error: count: what the reference brings, which is not shown, does not "
               "fit; it must be of type integer, -10 .. 10\n"
               "job.cfg:2: error: ratio: what the reference brings, which is not shown, does not "
               "fit; it must be of type number, 0 .. 1\n"
               "job.cfg:2: error: flag: what the reference brings, which is not shown, does not "
               "fit; it must be of type boolean\n");
}

static void test_wrong_values_are_found_together(void **state)
{
    (void)state;
    thing_says("text = \"\";\ncount = 11; count_ = 1;\nratio = 1.5; flag = 1; mode = \"cvs\";\n"
               "bytes = \"0\"; wait = \"1\"; path = 5; names = []; zzz = 1;",
               "job.cfg:2: error: text: 0 bytes are out of bounds: 1 .. 5 bytes\n"
               "job.cfg:3: error: count: 11 is out of bounds: -10 .. 10\n"
               "job.cfg:3: error: plugin thing has no key \"count_\"; did you mean \"count\"?\n"
               "job.cfg:4: error: ratio: 1.5 is out of bounds: 0 .. 1\n"
               "job.cfg:4: error: flag: is of type integer, must be of type boolean; write true or "
               "false, without quotes\n"
               "job.cfg:4: error: mode: \"cvs\" is none of csv|ndjson|text; did you mean \"csv\"?\n"
               "job.cfg:5: error: bytes: 0 is out of bounds: 1 .. 1GiB\n"
               "job.cfg:5: error: wait: \"1\" lacks a unit of time; there are ms, s, m, h and d\n"
               "job.cfg:5: error: path: is of type integer, must be of type path; write it in "
               "quotes\n"
               "job.cfg:5: error: names: 0 items are out of bounds: 1 .. 2 items\n"
               "job.cfg:5: error: plugin thing has no key \"zzz\"\n");
}

static void test_wrong_kinds_are_refused_with_a_hint(void **state)
{
    (void)state;
    thing_says(
        "path = \"\";\ntext = 5; count = \"5\"; ratio = \"0.5\";\nflag = \"true\"; mode = 1; "
        "bytes = 1.5; wait = 60;\nnames = (1); token = {};",
        "job.cfg:2: error: path: the path is empty\n"
        "job.cfg:3: error: text: is of type integer, must be of type string; write it in "
        "quotes\n"
        "job.cfg:3: error: count: is of type string, must be of type integer; write it "
        "without quotes\n"
        "job.cfg:3: error: ratio: is of type string, must be of type number; write it "
        "without quotes\n"
        "job.cfg:4: error: flag: is of type string, must be of type boolean; write true or "
        "false, without quotes\n"
        "job.cfg:4: error: mode: is of type integer, must be of type choice: "
        "csv|ndjson|text\n"
        "job.cfg:4: error: bytes: is of type decimal number, must be of type size; write it "
        "like \"64MB\" or \"1.5GiB\"\n"
        "job.cfg:4: error: wait: is of type integer, must be of type duration; the unit is "
        "missing: write it like \"500ms\" or \"15m\"\n"
        "job.cfg:5: error: names: item 1 is of type integer, must be of type string\n"
        "job.cfg:5: error: token: is of type group, must be of type string\n");
}

static void test_a_required_option_is_asked_for(void **state)
{
    (void)state;
    thing_says("", "job.cfg:2: error: plugin thing needs the key \"path\": where it lies\n");
}

static void test_a_literal_secret_is_warned_about_and_never_shown(void **state)
{
    (void)state;
    unsetenv("TOWPATH_TEST_TOKEN");
    thing_says("path = \"x\"; token = \"hush\";",
               "job.cfg:2: warning: token: secret given literally; use ${env:...} or "
               "${file:...}\n");
    thing_says("path = \"x\"; token = \"${env:TOWPATH_TEST_TOKEN:-hush}\";",
               "job.cfg:2: warning: token: secret given literally; use ${env:...} or "
               "${file:...}\n");
    setenv("TOWPATH_TEST_TOKEN", "hushhushhushhushhush!", 1);
    thing_says("path = \"x\"; token = \"${env:TOWPATH_TEST_TOKEN}\";",
               "job.cfg:2: error: token: 21 bytes are out of bounds: 0 .. 20 bytes\n");
    thing_says("path = \"x\"; token = 12345678;",
               "job.cfg:2: error: token: is of type integer, must be of type string; write it in "
               "quotes\n");
}

/* ---- words ---------------------------------------------------------------------------------- */

static void test_types_and_bounds_are_put_in_words(void **state)
{
    static const char *const expected[][2] = {
        {"string", "1 .. 5 bytes"},
        {"integer", "-10 .. 10"},
        {"number", "0 .. 1"},
        {"boolean", ""},
        {"choice: csv|ndjson|text", ""},
        {"size", "1 .. 1GiB"},
        {"duration", "at least 1s"},
        {"path", ""},
        {"strings", "1 .. 2 items"},
        {"string", "0 .. 20 bytes"},
    };
    struct tow_option most = {"x", TOW_OPTION_INT, 0, 0, NULL, INT64_MIN, 5, NULL, "x"};
    char text[64], little[8];

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const struct tow_option *option = tow_option_at(&thing_plugin, i);

        assert_ptr_equal(option, &thing_options[i]);
        tow_option_type_text(option, text, sizeof text);
        assert_string_equal(text, expected[i][0]);
        tow_option_bounds_text(option, text, sizeof text);
        assert_string_equal(text, expected[i][1]);
    }
    assert_null(tow_option_at(&thing_plugin, 10));
    assert_null(tow_option_at(&thing_plugin, 1000));
    tow_option_bounds_text(&most, text, sizeof text);
    assert_string_equal(text, "at most 5");
    tow_option_type_text(&thing_options[4], little, sizeof little);
    assert_string_equal(little, "choice:");
}

/* ---- tables --------------------------------------------------------------------------------- */

static void test_a_sound_table_is_taken(void **state)
{
    struct tow_plugin plugin = thing_plugin;
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    assert_ok(tow_options_verify(&thing_plugin, &err), err);
    plugin.options = NULL;
    assert_ok(tow_options_verify(&plugin, &err), err);
    assert_null(tow_option_at(&plugin, 0));
}

struct bad_option {
    struct tow_option option;
    const char *reason;
};

static const struct bad_option bad_options[] = {
    {{"", TOW_OPTION_INT, 0, AT(count), NULL, 0, 0, NULL, "h"}, "its name is not made of"},
    {{"Up", TOW_OPTION_INT, 0, AT(count), NULL, 0, 0, NULL, "h"}, "its name is not made of"},
    {{"a-b", TOW_OPTION_INT, 0, AT(count), NULL, 0, 0, NULL, "h"}, "its name is not made of"},
    {{"plugin", TOW_OPTION_INT, 0, AT(count), NULL, 0, 0, NULL, "h"}, "for something else"},
    {{"connection", TOW_OPTION_INT, 0, AT(count), NULL, 0, 0, NULL, "h"}, "for something else"},
    {{"first", TOW_OPTION_INT, 0, AT(count), NULL, 0, 0, NULL, "h"}, "in the table twice"},
    {{"x", TOW_OPTION_INT, 0, AT(count), NULL, 0, 0, NULL, NULL}, "no help of one line"},
    {{"x", TOW_OPTION_INT, 0, AT(count), NULL, 0, 0, NULL, ""}, "no help of one line"},
    {{"x", TOW_OPTION_INT, 0, AT(count), NULL, 0, 0, NULL, "a\nb"}, "no help of one line"},
    {{"x", 0, 0, AT(count), NULL, 0, 0, NULL, "h"}, "its type is not known"},
    {{"x", 10, 0, AT(count), NULL, 0, 0, NULL, "h"}, "its type is not known"},
    {{"x", TOW_OPTION_INT, 0, sizeof(struct thing), NULL, 0, 0, NULL, "h"}, "inside the instance"},
    {{"x", TOW_OPTION_INT, 0, sizeof(struct thing) - 4, NULL, 0, 0, NULL, "h"},
     "inside the instance"},
    {{"x", TOW_OPTION_STRINGS, 0, sizeof(struct thing) - 8, NULL, 0, 0, NULL, "h"},
     "inside the instance"},
    {{"x", TOW_OPTION_INT, 0, UINT64_MAX, NULL, 0, 0, NULL, "h"}, "inside the instance"},
    {{"x", TOW_OPTION_INT, 0, 4, NULL, 0, 0, NULL, "h"}, "not aligned"},
    {{"x", TOW_OPTION_BOOL, 0, 2, NULL, 0, 0, NULL, "h"}, "not aligned"},
    {{"x", TOW_OPTION_INT, 8, AT(count), NULL, 0, 0, NULL, "h"}, "a flag that is not known"},
    {{"x", TOW_OPTION_INT, TOW_OPTION_PROGRAM, AT(count), NULL, 0, 0, NULL, "h"},
     "only text can name a program"},
    {{"x", TOW_OPTION_INT, TOW_OPTION_REQUIRED, AT(count), "1", 0, 0, NULL, "h"},
     "required and has a default"},
    {{"x", TOW_OPTION_INT, TOW_OPTION_SECRET, AT(count), NULL, 0, 0, NULL, "h"},
     "only text can be secret"},
    {{"x", TOW_OPTION_STRING, TOW_OPTION_SECRET, AT(text), "s", 0, 0, NULL, "h"},
     "a secret has no default"},
    {{"x", TOW_OPTION_BOOL, 0, AT(flag), NULL, 0, 1, NULL, "h"}, "its type has no bounds"},
    {{"x", TOW_OPTION_INT, 0, AT(count), NULL, 2, 1, NULL, "h"}, "above its largest"},
    {{"x", TOW_OPTION_SIZE, 0, AT(bytes), NULL, -1, 1, NULL, "h"}, "no negative values"},
    {{"x", TOW_OPTION_INT, 0, AT(count), NULL, 0, 0, "a|b", "h"}, "only choices have choices"},
    {{"x", TOW_OPTION_CHOICE, 0, AT(mode), NULL, 0, 0, NULL, "h"}, "it has no choices"},
    {{"x", TOW_OPTION_CHOICE, 0, AT(mode), NULL, 0, 0, "", "h"}, "1 to 32 words"},
    {{"x", TOW_OPTION_CHOICE, 0, AT(mode), NULL, 0, 0, "a||b", "h"}, "1 to 32 words"},
    {{"x", TOW_OPTION_CHOICE, 0, AT(mode), NULL, 0, 0, "a|", "h"}, "1 to 32 words"},
    {{"x", TOW_OPTION_CHOICE, 0, AT(mode), NULL, 0, 0, "a|b|a", "h"}, "stands there twice"},
    {{"x", TOW_OPTION_CHOICE, 0, AT(mode), "c", 0, 0, "a|b", "h"},
     "its default: \"c\" is none of a|b"},
    {{"x", TOW_OPTION_INT, 0, AT(count), "1x", 0, 0, NULL, "h"}, "its default: \"1x\" is no"},
    {{"x", TOW_OPTION_INT, 0, AT(count), "3", 1, 2, NULL, "h"}, "its default: 3 is out of bounds"},
    {{"x", TOW_OPTION_DOUBLE, 0, AT(ratio), "inf", 0, 0, NULL, "h"}, "its default: Infinity"},
    {{"x", TOW_OPTION_BOOL, 0, AT(flag), "maybe", 0, 0, NULL, "h"}, "its default: \"maybe\""},
    {{"x", TOW_OPTION_SIZE, 0, AT(bytes), "1 potato", 0, 0, NULL, "h"},
     "its default: \"1 potato\""},
    {{"x", TOW_OPTION_DURATION, 0, AT(wait), "5", 0, 0, NULL, "h"}, "its default: \"5\" lacks"},
    {{"x", TOW_OPTION_STRING, 0, AT(text), "abc", 0, 2, NULL, "h"}, "its default: 3 bytes"},
    {{"x", TOW_OPTION_PATH, 0, AT(path), "", 0, 0, NULL, "h"}, "its default: the path is empty"},
};

static void test_each_flaw_of_a_table_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_options / sizeof *bad_options; i++) {
        const struct tow_option table[] = {
            {"first", TOW_OPTION_INT, 0, AT(count), NULL, 0, 0, NULL, "h"},
            bad_options[i].option,
            TOW_OPTIONS_END,
        };
        struct tow_plugin plugin = thing_plugin;
        struct tow_error err = TOW_ERROR_INIT;

        plugin.options = table;
        assert_int_equal(tow_options_verify(&plugin, &err), TOW_E_UNSUPPORTED);
        assert_int_equal(err.code, TOW_E_UNSUPPORTED);
        assert_says(err, "plugin thing: option");
        assert_says(err, bad_options[i].reason);
        assert_int_equal(tow_options_verify(&plugin, NULL), TOW_E_UNSUPPORTED);
    }
}

static void test_a_table_without_end_is_refused(void **state)
{
    struct tow_option *table = calloc(258, sizeof *table);
    char names[257][16];
    struct tow_plugin plugin = thing_plugin;
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    assert_non_null(table);
    for (int i = 0; i < 257; i++) {
        snprintf(names[i], sizeof names[i], "o%d", i);
        table[i] = thing_options[1];
        table[i].name = names[i];
    }
    plugin.options = table;
    assert_int_equal(tow_options_verify(&plugin, &err), TOW_E_UNSUPPORTED);
    assert_says(err, "TOW_OPTIONS_END");
    table[256].name = NULL;
    assert_ok(tow_options_verify(&plugin, &err), err);
    free(table);
}

/* ---- from texts ----------------------------------------------------------------------------- */

static void test_an_instance_to_look_with_needs_only_what_is_given(void **state)
{
    static const char *const pairs[] = {"mode", "text", "names=x", "x", "token", "tok"};
    struct tow_instance instance;
    struct tow_error err = TOW_ERROR_INIT;
    const struct thing *thing;

    (void)state;
    assert_ok(tow_instance_init_texts(&instance, &thing_plugin, pairs, 6, &err), err);
    thing = instance.self;
    assert_int_equal(thing->mode, 2);
    assert_int_equal(thing->names.count, 1);
    assert_string_equal(thing->names.items[0], "x");
    assert_string_equal(thing->token, "tok");
    assert_int_equal(thing->count, 7);
    assert_string_equal(thing->text, "none");
    assert_null(thing->path);
    tow_instance_release(&instance);
}

static void texts_say(const char *name, const char *value, const char *message)
{
    struct tow_instance instance;
    struct tow_error err = TOW_ERROR_INIT;

    assert_int_equal(tow_instance_init_texts(&instance, &thing_plugin,
                                             (const char *const[]){name, value}, 2, &err),
                     TOW_E_CONFIG);
    assert_says(err, message);
    tow_instance_release(&instance);
}

static void test_texts_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    texts_say("mdoe", "text", "plugin thing has no option \"mdoe\"; did you mean \"mode\"?");
    texts_say("qqqqqq", "text", "plugin thing has no option \"qqqqqq\"");
    texts_say("mode", "xml", "mode: \"xml\" is none of csv|ndjson|text");
    texts_say("count", "11", "count: ");
}

int main(void)
{
#define options_test(name) cmocka_unit_test_setup_teardown(name, config_setup, config_teardown)
    const struct CMUnitTest tests[] = {
        options_test(test_absent_options_get_their_defaults),
        options_test(test_every_type_is_written_to_its_member),
        options_test(test_paths_start_at_the_folder_of_the_job),
        options_test(test_numbers_from_the_environment_may_be_strings),
        options_test(test_wrong_values_are_found_together),
        options_test(test_wrong_kinds_are_refused_with_a_hint),
        options_test(test_a_required_option_is_asked_for),
        options_test(test_a_literal_secret_is_warned_about_and_never_shown),
        options_test(test_an_instance_to_look_with_needs_only_what_is_given),
        options_test(test_texts_that_do_not_fit_are_refused),
        options_test(test_types_and_bounds_are_put_in_words),
        options_test(test_a_sound_table_is_taken),
        options_test(test_each_flaw_of_a_table_is_refused),
        options_test(test_a_table_without_end_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
