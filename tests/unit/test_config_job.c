#include "unit.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/others.h"
#include "config_fixture.h"

/* A sound job around what is tested; the first line that the text adds is line 4. */
#define JOB(text)             \
    "version = 1;\n"          \
    "job = { name = \"j\";\n" \
    "source = { plugin = \"a\"; }; sink = { plugin = \"b\"; };\n" text "\n};\n"

static const char *setting_text(const struct tow_setting *group, const char *name)
{
    const struct tow_setting *setting = tow_setting_get(group, name);

    assert_non_null(setting);
    assert_int_equal(setting->kind, TOW_SETTING_STRING);
    return setting->text;
}

static void test_the_smallest_job_gets_all_defaults(void **state)
{
    struct scratch *scratch = *state;
    char folder[PATH_MAX], path[PATH_MAX + 16];
    struct tow_job job;

    assert_non_null(realpath(scratch->folder, folder));
    snprintf(path, sizeof path, "%s/job.cfg", folder);
    config_load(JOB(""), &job);
    assert_string_equal(job.path, path);
    assert_string_equal(job.dir, folder);
    assert_string_equal(job.name, "j");
    assert_string_equal(tow_section_plugin(&job.source), "a");
    assert_string_equal(tow_section_plugin(&job.sink), "b");
    assert_false(job.has_results);
    assert_int_equal(job.results.kind, TOW_SETTING_GROUP);
    assert_int_equal(job.results.count, 0);
    assert_int_equal(job.transform_count, 0);
    assert_false(job.has_columns);
    assert_int_equal(job.max_rejects, -1);
    assert_true(job.max_reject_percent == -1);
    assert_int_equal(job.retry.base_ms, 500);
    assert_int_equal(job.retry.cap_ms, 60000);
    assert_int_equal(job.retry.budget_ms, 1200000);
    assert_int_equal(job.retry.tries, 10);
    assert_int_equal(job.tuning.batch_rows, 8192);
    assert_int_equal(job.tuning.batch_bytes, 1 << 20);
    assert_int_equal(job.tuning.queue_batches, 2);
    assert_int_equal(job.tuning.queue_bytes, 8 << 20);
    assert_int_equal(job.tuning.workers, 1);
    assert_int_equal(job.tuning.checkpoint_ms, 5000);
    assert_int_equal(job.tuning.drain_ms, 30000);
    tow_job_release(&job);
}

static void test_sections_are_read_with_their_values(void **state)
{
    struct tow_job job;

    (void)state;
    config_load(
        JOB("rejects = { max = 5; max_percent = 1; };\n"
            "retry = { base = \"1s\"; cap = \"2s\"; budget = \"1m\"; tries = 3; };\n"
            "pipeline = { batch_rows = 10; batch_bytes = 65536; queue_batches = 2;\n"
            "  queue_bytes = \"1MB\"; workers = 4; checkpoint = \"1s\"; drain = \"0s\"; };\n"
            "results = { plugin = \"c\"; table = \"t\"; };\n"
            "transforms = ( { plugin = \"d\"; }, { plugin = \"e\"; x = 1; } );"),
        &job);
    assert_int_equal(job.max_rejects, 5);
    assert_true(job.max_reject_percent == 1.0);
    assert_int_equal(job.retry.base_ms, 1000);
    assert_int_equal(job.retry.tries, 3);
    assert_int_equal(job.tuning.batch_bytes, 65536);
    assert_int_equal(job.tuning.queue_bytes, 1000000);
    assert_int_equal(job.tuning.drain_ms, 0);
    assert_true(job.has_results);
    assert_string_equal(setting_text(&job.results, "table"), "t");
    assert_int_equal(job.transform_count, 2);
    assert_string_equal(tow_section_plugin(&job.transforms[1]), "e");
    tow_job_release(&job);
}

static void test_defaults_of_retry_give_way_to_what_is_given(void **state)
{
    struct tow_job job;

    (void)state;
    config_load(JOB("retry = { budget = \"100ms\"; };"), &job);
    assert_int_equal(job.retry.cap_ms, 100);
    assert_int_equal(job.retry.base_ms, 100);
    tow_job_release(&job);
    config_load(JOB("retry = { cap = \"200ms\"; };"), &job);
    assert_int_equal(job.retry.base_ms, 200);
    assert_int_equal(job.retry.budget_ms, 1200000);
    tow_job_release(&job);
}

static void test_options_of_a_route_are_the_sinks(void **state)
{
    struct tow_job job;

    (void)state;
    config_load(JOB("route = { by = \"stream\"; table = \"ev_{stream}\"; max = 7; };"), &job);
    assert_true(job.has_route);
    assert_string_equal(job.route.by, "stream");
    assert_int_equal(job.route.max, 7);
    assert_int_equal(job.route.open, 200);
    assert_int_equal(job.route.names, TOW_ROUTE_IDENTIFIER);
    assert_int_equal(job.route.collisions, TOW_ROUTE_REJECT);
    assert_null(job.route.null);
    assert_true(job.route.keep_column);
    assert_string_equal(setting_text(&job.sink, "table"), "ev_{stream}");
    assert_string_equal(tow_section_plugin(&job.sink), "b");
    tow_job_release(&job);
    config_load(JOB("route = { by = \"s\"; names = \"as_is\"; null = \"none\"; open = 1;\n"
                    "keep_column = false; collisions = \"suffix\"; };"),
                &job);
    assert_int_equal(job.route.names, TOW_ROUTE_AS_IS);
    assert_int_equal(job.route.collisions, TOW_ROUTE_SUFFIX);
    assert_string_equal(job.route.null, "none");
    assert_false(job.route.keep_column);
    tow_job_release(&job);
    config_load(JOB(""), &job);
    assert_false(job.has_route);
    tow_job_release(&job);
}

static void test_a_route_says_what_is_wrong_with_it(void **state)
{
    (void)state;
    config_assert_says(JOB("route = { max = 0; };"),
                       "job.cfg:4: error: max: 0 is out of bounds: 1 .. 10000\n"
                       "job.cfg:4: error: route needs the key \"by\": column that tells where a "
                       "row goes\n");
    config_assert_says(JOB("route = 1;"),
                       "job.cfg:4: error: route: is of type integer, must be of type group\n");
    config_assert_says("version = 1;\n"
                       "job = { name = \"j\"; source = { plugin = \"a\"; };\n"
                       "sink = { plugin = \"b\"; table = \"x\"; };\n"
                       "route = { by = \"s\"; table = \"ev_{s}\"; }; };\n",
                       "job.cfg:4: error: route: table stands in sink, too; leave it out there\n");
}

static void test_a_connection_lies_under_its_section(void **state)
{
    const struct tow_setting *token;
    struct tow_job job;

    (void)state;
    setenv("TOWPATH_TEST_TOKEN", "hush", 1);
    unsetenv("TOWPATH_TEST_UNSET");
    config_write("connections.cfg", "connections = {\n"
                                    "  lake = { host = \"h\"; port = 1;\n"
                                    "    token = \"${env:TOWPATH_TEST_TOKEN}\"; };\n"
                                    "  other = { token = \"${env:TOWPATH_TEST_UNSET}\"; };\n"
                                    "};\n");
    config_load("version = 1;\n"
                "@include \"connections.cfg\"\n"
                "job = { name = \"j\"; sink = { plugin = \"b\"; };\n"
                "source = { port = 2; connection = \"lake\"; plugin = \"a\"; };\n"
                "results = { plugin = \"c\"; connection = \"lake\"; }; };",
                &job);
    assert_null(tow_setting_get(&job.source, "connection"));
    assert_string_equal(setting_text(&job.source, "host"), "h");
    assert_int_equal(tow_setting_get(&job.source, "port")->integer, 2);
    assert_int_equal(job.source.count, 4);
    token = tow_setting_get(&job.source, "token");
    assert_string_equal(token->text, "hush");
    assert_int_equal(token->expanded, TOW_SETTING_EXPANDED);
    assert_string_equal(token->file, "connections.cfg");
    assert_int_equal(token->line, 3);
    assert_int_equal(tow_setting_get(&job.source, "port")->line, 4);
    assert_string_equal(tow_setting_get(&job.source, "port")->file, "job.cfg");
    assert_string_equal(setting_text(&job.results, "token"), "hush");
    tow_job_release(&job);
}

static void test_an_unset_variable_of_a_shared_connection_is_said_once(void **state)
{
    (void)state;
    unsetenv("TOWPATH_TEST_UNSET");
    config_assert_says("version = 1;\n"
                       "connections = { c = {\n"
                       "  t = \"${env:TOWPATH_TEST_UNSET}\"; }; };\n"
                       "job = { name = \"j\"; source = { plugin = \"a\"; connection = \"c\"; };\n"
                       "sink = { plugin = \"b\"; connection = \"c\"; }; };",
                       "job.cfg:3: error: t: ${env:TOWPATH_TEST_UNSET}: the environment variable "
                       "is not set\n");
}

static void test_what_could_not_be_expanded_is_not_judged_again(void **state)
{
    (void)state;
    unsetenv("TOWPATH_TEST_UNSET");
    config_assert_says(
        "version = 1; job = { name = \"${env:TOWPATH_TEST_UNSET}\"; sink = { plugin "
        "= \"b\"; };\nsource = { plugin = \"a\"; connection = "
        "\"${env:TOWPATH_TEST_UNSET}\"; };\npipeline = { workers = "
        "\"${env:TOWPATH_TEST_UNSET}\"; }; };",
        "job.cfg:1: error: name: ${env:TOWPATH_TEST_UNSET}: the environment variable "
        "is not set\n"
        "job.cfg:2: error: connection: ${env:TOWPATH_TEST_UNSET}: the environment "
        "variable is not set\n"
        "job.cfg:3: error: workers: ${env:TOWPATH_TEST_UNSET}: the environment "
        "variable is not set\n");
}

static void test_columns_are_read(void **state)
{
    const struct tow_column_spec *spec;
    struct tow_job job;

    (void)state;
    config_load(JOB("columns = ( { name = \"id_type\"; value = \"UID2\"; },\n"
                    "{ name = \"id\"; from = \"uid2\"; type = \"decimal(10,2)\"; required = true;\n"
                    "  null_if = [\"\", \"NULL\"]; trim = true; },\n"
                    "{ name = \"ttl\"; type = \"int32\"; default = 43200; null_if = -1; },\n"
                    "{ name = \"rate\"; default = 0.10; lower = true; hash = \"sha256\"; },\n"
                    "{ name = \"on\"; value = true; format = \"%Y\"; },\n"
                    "{ name = \"big\"; value = 9223372036854775807L; } );"),
                &job);
    assert_true(job.has_columns);
    assert_int_equal(job.column_count, 6);
    spec = job.columns;
    assert_string_equal(spec[0].value, "UID2");
    assert_null(spec[0].from);
    assert_null(spec[0].fallback);
    assert_false(spec[0].has_type || spec[0].required || spec[0].hash_sha256);
    assert_string_equal(spec[0].file, "job.cfg");
    assert_int_equal(spec[0].line, 4);
    assert_string_equal(spec[1].from, "uid2");
    assert_int_equal(spec[1].type.id, TOW_TYPE_DECIMAL);
    assert_int_equal(spec[1].type.precision, 10);
    assert_true(spec[1].has_type && spec[1].required && spec[1].trim && !spec[1].lower);
    assert_int_equal(spec[1].null_if_count, 2);
    assert_string_equal(spec[1].null_if[1], "NULL");
    assert_string_equal(spec[2].from, "ttl");
    assert_string_equal(spec[2].fallback, "43200");
    assert_string_equal(spec[2].null_if[0], "-1");
    assert_int_equal(spec[2].line, 7);
    assert_string_equal(spec[3].fallback, "0.1");
    assert_true(spec[3].lower && spec[3].hash_sha256);
    assert_string_equal(spec[4].value, "true");
    assert_string_equal(spec[4].format, "%Y");
    assert_string_equal(spec[5].value, "9223372036854775807");
    tow_job_release(&job);
}

struct bad_job {
    const char *text, *expected;
};

static const struct bad_job bad_files[] = {
    {"", "job.cfg: error: the job file needs `version = 1;`\n"
         "job.cfg: error: the job file needs the group \"job\"\n"},
    {"version = 2;\njob = 5;\n",
     "job.cfg:1: error: version is 2; this program reads job files of version 1\n"
     "job.cfg:2: error: job: is of type integer, must be of type group\n"},
    {"version = \"1\";\njob = {};\nJob = 1; zzz = 2;",
     "job.cfg:1: error: version: is of type string, must be of type integer\n"
     "job.cfg:2: error: job needs the key \"name\": what its runs and its state are kept under\n"
     "job.cfg:2: error: job needs the group \"source\"\n"
     "job.cfg:2: error: job needs the group \"sink\"\n"
     "job.cfg:3: error: the job file has no key \"Job\"; did you mean \"job\"?\n"
     "job.cfg:3: error: the job file has no key \"zzz\"\n"},
    {"version = 1;\njob = { name = \"-x\"; sorce = 1;\nsource = \"csv\";\nsink = { };\n"
     "results = { plugin = 5; }; };",
     "job.cfg:2: error: job has no key \"sorce\"; did you mean \"source\"?\n"
     "job.cfg:2: error: name: \"-x\" is not made of 1 to 64 letters, digits, '_', '.' and '-', a "
     "letter or digit first\n"
     "job.cfg:3: error: source: is of type string, must be of type group\n"
     "job.cfg:4: error: sink needs the key \"plugin\"\n"
     "job.cfg:5: error: plugin: is of type integer, must be of type string\n"},
    {JOB("calendar = { cron = \"x\"; };\nbeacons = {}; colours = {};"),
     "job.cfg:4: error: job has no key \"calendar\"\n"
     "job.cfg:5: error: job has no key \"beacons\"\n"
     "job.cfg:5: error: job has no key \"colours\"\n"},
    {JOB("results = { plugin = \"\"; };\ntransforms = ( 5,\n{ x = 1; } );"),
     "job.cfg:4: error: plugin: the name is empty\n"
     "job.cfg:5: error: this entry is of type integer, must be of type group\n"
     "job.cfg:6: error: a transform needs the key \"plugin\"\n"},
    {JOB("transforms = { plugin = \"x\"; };"),
     "job.cfg:4: error: transforms: is of type group, must be of type list\n"},
};

static const struct bad_job bad_connections[] = {
    {"version = 1;\nconnections = { lake = { plugin = \"x\"; };\nb = 5;\n"
     "c = { connection = \"b\"; }; };\njob = { name = \"j\"; source = { plugin = \"a\";\n"
     "connection = \"lakes\"; }; sink = { plugin = \"b\";\nconnection = 7; };\n"
     "results = { plugin = \"b\"; connection = \"zz\"; }; };",
     "job.cfg:2: error: connection \"lake\" cannot set \"plugin\": that belongs in the section "
     "that uses it\n"
     "job.cfg:3: error: b: is of type integer, must be of type group\n"
     "job.cfg:4: error: connection \"c\" cannot set \"connection\": that belongs in the section "
     "that uses it\n"
     "job.cfg:6: error: there is no connection \"lakes\"; did you mean \"lake\"?\n"
     "job.cfg:7: error: connection: is of type integer, must be of type string\n"
     "job.cfg:8: error: there is no connection \"zz\"\n"},
    {JOB("results = { plugin = \"c\"; connection = \"x\"; };"),
     "job.cfg:4: error: there is no connection \"x\": the job has no connections; is an @include "
     "missing?\n"},
    {"version = 1; connections = 5;\njob = { name = \"j\"; source = { plugin = \"a\"; };\n"
     "sink = { plugin = \"b\"; }; };",
     "job.cfg:1: error: connections: is of type integer, must be of type group\n"},
};

static const struct bad_job bad_tuning[] = {
    {JOB("retry = { base = \"2m\"; cap = \"1m\";\nbudgt = \"1m\"; };"),
     "job.cfg:5: error: retry has no key \"budgt\"; did you mean \"budget\"?\n"},
    {JOB("retry = { base = \"2m\"; };"),
     "job.cfg:4: error: retry: base (2m) is longer than cap (1m)\n"},
    {JOB("retry = { cap = \"2h\";\nbudget = \"1h\"; base = \"30m\"; };"),
     "job.cfg:4: error: retry: cap (2h) is longer than budget (1h)\n"},
    {JOB("retry = { base = 500; tries = 0;\ncap = \"60\"; budget = \"0s\"; };"),
     "job.cfg:4: error: base: is of type integer, must be of type duration; the unit is missing: "
     "write it like \"500ms\" or \"15m\"\n"
     "job.cfg:4: error: tries: 0 is out of bounds: 1 .. 1000\n"
     "job.cfg:5: error: cap: \"60\" lacks a unit of time; there are ms, s, m, h and d\n"
     "job.cfg:5: error: budget: 0s is out of bounds: 1ms .. 30d\n"},
    {JOB("pipeline = { batch_rows = 1048577; batch_bytes = \"65535\";\n"
         "queue_bytes = \"17GiB\"; queue_batches = \"4\"; workers = 1.5; drain = true; };"),
     "job.cfg:4: error: batch_rows: 1048577 is out of bounds: 1 .. 1048576\n"
     "job.cfg:4: error: batch_bytes: 65535 is out of bounds: 64KiB .. 1GiB\n"
     "job.cfg:5: error: queue_bytes: 17GiB is out of bounds: 64KiB .. 16GiB\n"
     "job.cfg:5: error: queue_batches: is of type string, must be of type integer; write it "
     "without quotes\n"
     "job.cfg:5: error: workers: is of type decimal number, must be of type integer\n"
     "job.cfg:5: error: drain: is of type boolean, must be of type duration; the unit is missing: "
     "write it like \"500ms\" or \"15m\"\n"},
    {JOB("pipeline = ( );\nrejects = { max = -1; max_percent = 100.5; };"),
     "job.cfg:4: error: pipeline: is of type list, must be of type group\n"
     "job.cfg:5: error: max: -1 is out of bounds: at least 0\n"
     "job.cfg:5: error: max_percent: 100.5 is out of bounds: 0 .. 100\n"},
};

static const struct bad_job bad_columns[] = {
    {JOB("columns = ();"),
     "job.cfg:4: error: columns: the list is empty; leave it out to pass all columns\n"},
    {JOB("columns = { name = \"x\"; };"),
     "job.cfg:4: error: columns: is of type group, must be of type list\n"},
    {JOB("columns = ( 5, { },\n{ name = \"\"; typ = \"int\"; } );"),
     "job.cfg:4: error: this entry is of type integer, must be of type group\n"
     "job.cfg:4: error: a column needs the key \"name\": name of the column that goes out\n"
     "job.cfg:5: error: name: 0 bytes are out of bounds: 1 .. 255 bytes\n"
     "job.cfg:5: error: a column has no key \"typ\"; did you mean \"type\"?\n"},
    {JOB("columns = ( { name = \"a\"; value = 1; from = \"b\"; required = true;\n"
         "default = 1; null_if = \"x\"; } );"),
     "job.cfg:4: error: \"value\" and \"from\" exclude each other\n"
     "job.cfg:4: error: \"value\" and \"required\" exclude each other\n"
     "job.cfg:5: error: \"value\" and \"default\" exclude each other\n"
     "job.cfg:5: error: \"value\" and \"null_if\" exclude each other\n"},
    {JOB("columns = ( { name = \"a\"; type = \"strng\"; hash = \"sha\";\n"
         "default = [1]; null_if = [{}, 1]; } );"),
     "job.cfg:5: error: syntax error: null_if: an array [ ] holds plain values only; use a list "
     "( )\n"},
    {JOB("columns = ( { name = \"a\"; type = \"strng\"; hash = \"sha25\";\n"
         "default = [1]; null_if = ({}, 1); },\n{ name = \"b\"; trim = 1; type = \"decimal(40)\"; "
         "},"
         "\n{ name = \"a\"; hash = \"md5\"; } );"),
     "job.cfg:4: error: hash: \"sha25\" is none of sha256; did you mean \"sha256\"?\n"
     "job.cfg:4: error: type \"strng\" is not known; did you mean \"string\"?\n"
     "job.cfg:5: error: default: is of type list, must be a string, number or boolean\n"
     "job.cfg:5: error: null_if: is of type group, must be a string, number or boolean\n"
     "job.cfg:6: error: trim: is of type integer, must be of type boolean; write true or false, "
     "without quotes\n"
     "job.cfg:6: error: type \"decimal(40)\": precision is 1 to 38, scale 0 to precision\n"
     "job.cfg:7: error: hash: \"md5\" is none of sha256\n"
     "job.cfg:7: error: two columns are named \"a\"; the first in line 4\n"},
};

static void check_bad_jobs(const struct bad_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        config_assert_says(jobs[i].text, jobs[i].expected);
}

static void test_a_bad_file_gets_all_its_findings(void **state)
{
    (void)state;
    check_bad_jobs(bad_files, sizeof bad_files / sizeof *bad_files);
}

static void test_bad_connections_are_found(void **state)
{
    (void)state;
    check_bad_jobs(bad_connections, sizeof bad_connections / sizeof *bad_connections);
}

static void test_bad_tuning_is_found(void **state)
{
    (void)state;
    check_bad_jobs(bad_tuning, sizeof bad_tuning / sizeof *bad_tuning);
}

static void test_bad_columns_are_found(void **state)
{
    (void)state;
    check_bad_jobs(bad_columns, sizeof bad_columns / sizeof *bad_columns);
}

static void test_names_of_jobs_have_64_bytes_at_most(void **state)
{
    char name[70] = "", text[400];
    struct tow_job job;

    (void)state;
    memset(name, 'n', 64);
    snprintf(text, sizeof text,
             "version = 1; job = { name = \"%s\"; source = { plugin = \"a\"; }; "
             "sink = { plugin = \"b\"; }; };",
             name);
    config_load(text, &job);
    assert_string_equal(job.name, name);
    tow_job_release(&job);
    name[64] = 'n';
    snprintf(text, sizeof text,
             "version = 1; job = { name = \"%s\"; source = { plugin = \"a\"; }; "
             "sink = { plugin = \"b\"; }; };",
             name);
    config_assert_says(text,
                       "job.cfg:1: error: name: \"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
                       "nnnnnnnnnnnnnnn...\" is not made of 1 to 64 letters, digits, '_', '.' and "
                       "'-', a letter or digit first\n");
}

static void test_a_missing_job_file_is_a_finding(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};
    struct tow_job job;

    (void)state;
    assert_ok(tow_job_load("none.cfg", &job, &diags, &err), err);
    tow_job_release(&job);
    assert_ok(tow_job_load(".", &job, &diags, &err), err);
    tow_job_release(&job);
    config_assert_findings(&diags, ".: error: it is a folder\n"
                                   "none.cfg: error: cannot open it: No such file or directory\n");
    tow_diags_release(&diags);
}

static void test_a_job_file_that_the_disk_refuses_is_not_to_blame(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};
    struct tow_job job;

    (void)state;
    assert_ok(tow_job_load("/proc/self/mem", &job, &diags, &err), err);
    tow_job_release(&job);
    config_write("job.cfg", "@include \"/proc/self/mem\"\n" JOB(""));
    assert_ok(tow_job_load("job.cfg", &job, &diags, &err), err);
    tow_job_release(&job);
    assert_int_equal(diags.errors, 2);
    assert_int_equal(diags.outside, 2);
    config_assert_findings(&diags, "/proc/self/mem: error: cannot read it: Input/output error\n"
                                   "job.cfg:1: error: @include \"/proc/self/mem\": cannot read it: "
                                   "Input/output error\n");
    tow_diags_release(&diags);
}

static void test_a_linked_job_has_the_folder_of_its_file(void **state)
{
    struct scratch *scratch = *state;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};
    char folder[PATH_MAX];
    struct tow_job job;

    assert_non_null(realpath(scratch->folder, folder));
    config_write("job.cfg", "@include \"c.cfg\"\n" JOB(""));
    config_write("c.cfg", "connections = {};\n");
    assert_int_equal(mkdir("links", 0700), 0);
    assert_int_equal(symlink("../job.cfg", "links/linked.cfg"), 0);
    assert_ok(tow_job_load("links/linked.cfg", &job, &diags, &err), err);
    config_assert_findings(&diags, "");
    assert_string_equal(job.dir, folder);
    tow_job_release(&job);
}

/* Both can make the job do what they like. */
static void test_files_that_others_can_write_are_a_warning(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};
    struct tow_job job;

    (void)state;
    config_write("job.cfg", "@include \"c.cfg\"\n" JOB("retry = { base = \"${file:time}\"; };"));
    config_write("c.cfg", "connections = {};\n");
    config_write("time", "7s\n");
    assert_int_equal(chmod("job.cfg", 0666), 0);
    assert_int_equal(chmod("c.cfg", 0646), 0);
    assert_int_equal(chmod("time", 0602), 0);
    assert_ok(tow_job_load("job.cfg", &job, &diags, &err), err);
    config_assert_findings(
        &diags, "c.cfg: warning: every user can write it (mode 0646), and so decides what runs; "
                "chmod go-w it\n"
                "job.cfg: warning: every user can write it (mode 0666), and so decides what runs; "
                "chmod go-w it\n"
                "job.cfg:5: warning: base: ${file:time}: every user can write it "
                "(mode 0602); chmod go-w it\n");
    assert_int_equal(diags.errors, 0);
    tow_job_release(&job);
    tow_diags_release(&diags);
}

static void test_a_group_is_no_other_where_it_is_the_owners_own(void **state)
{
    struct stat info = {.st_mode = S_IFREG | 0664};
    char who[TOW_OTHERS_MAX];

    (void)state;
    assert_int_equal(tow_others_write(&info, who), 0); /* root's own group */
    info.st_gid = 4000000;
    assert_int_equal(tow_others_write(&info, who), 1);
    assert_string_equal(who, "group 4000000 can write it (mode 0664)");
    info.st_mode = S_IFREG | 0644;
    assert_int_equal(tow_others_write(&info, who), 0);
    info.st_mode = S_IFDIR | S_ISVTX | 0777;
    assert_int_equal(tow_others_write(&info, who), 1);
    assert_int_equal(tow_others_replace(&info, who), 0);
}

int main(void)
{
#define job_test(name) cmocka_unit_test_setup_teardown(name, config_setup, config_teardown)
    const struct CMUnitTest tests[] = {
        job_test(test_the_smallest_job_gets_all_defaults),
        job_test(test_sections_are_read_with_their_values),
        job_test(test_defaults_of_retry_give_way_to_what_is_given),
        job_test(test_options_of_a_route_are_the_sinks),
        job_test(test_a_route_says_what_is_wrong_with_it),
        job_test(test_a_connection_lies_under_its_section),
        job_test(test_an_unset_variable_of_a_shared_connection_is_said_once),
        job_test(test_what_could_not_be_expanded_is_not_judged_again),
        job_test(test_columns_are_read),
        job_test(test_a_bad_file_gets_all_its_findings),
        job_test(test_bad_connections_are_found),
        job_test(test_bad_tuning_is_found),
        job_test(test_bad_columns_are_found),
        job_test(test_names_of_jobs_have_64_bytes_at_most),
        job_test(test_a_missing_job_file_is_a_finding),
        job_test(test_a_job_file_that_the_disk_refuses_is_not_to_blame),
        job_test(test_a_linked_job_has_the_folder_of_its_file),
        job_test(test_files_that_others_can_write_are_a_warning),
        job_test(test_a_group_is_no_other_where_it_is_the_owners_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
