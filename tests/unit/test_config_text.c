/* Job files as text: includes, numbers, syntax, and bytes that nobody meant. */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "config_fixture.h"

#define SOUND                                                           \
    "version = 1; job = { name = \"j\"; source = { plugin = \"a\"; }; " \
    "sink = { plugin = \"b\"; }; };\n"

/* Around values of any kind: keys of a section are the plugin's business. */
#define VALUES(text)                                                                      \
    "version = 1; job = { name = \"j\"; sink = { plugin = \"b\"; }; source = { plugin = " \
    "\"a\";\n" text "\n}; };\n"

struct sample {
    const char *text, *expected;
};

static void check_samples(const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        config_assert_says(samples[i].text, samples[i].expected);
}

static int64_t integer_of(const struct tow_job *job, const char *name)
{
    const struct tow_setting *setting = tow_setting_get(&job->source, name);

    assert_non_null(setting);
    assert_int_equal(setting->kind, TOW_SETTING_INT);
    return setting->integer;
}

static void test_integers_are_read_as_they_stand(void **state)
{
    struct tow_job job;

    (void)state;
    config_load(
        VALUES("a = 2147483647; b = -2147483648; c = 2147483648L; d = -9223372036854775808L;\n"
               "e = 0x7FFFFFFF; f = 0xFFFFFFFFL; g = 0x7FFFFFFFFFFFFFFFLL; h = +5; i = 0;\n"
               "j = 0x00000000007f;"),
        &job);
    assert_int_equal(integer_of(&job, "a"), INT32_MAX);
    assert_int_equal(integer_of(&job, "b"), INT32_MIN);
    assert_int_equal(integer_of(&job, "c"), INT64_C(2147483648));
    assert_int_equal(integer_of(&job, "d"), INT64_MIN);
    assert_int_equal(integer_of(&job, "e"), 0x7fffffff);
    assert_int_equal(integer_of(&job, "f"), INT64_C(0xffffffff));
    assert_int_equal(integer_of(&job, "g"), INT64_MAX);
    assert_int_equal(integer_of(&job, "h"), 5);
    assert_int_equal(integer_of(&job, "j"), 0x7f);
    tow_job_release(&job);
}

static void test_numbers_that_would_change_in_silence_are_refused(void **state)
{
    static const struct sample samples[] = {
        {VALUES("a = 2147483648;"),
         "job.cfg:2: error: a: the integer does not fit 32 bits: write it with an L at its end\n"},
        {VALUES("a = -2147483649; b = 0x80000000;\nc = [1, 99999999999];"),
         "job.cfg:2: error: a: the integer does not fit 32 bits: write it with an L at its end\n"
         "job.cfg:2: error: b: the integer does not fit 32 bits: write it with an L at its end\n"
         "job.cfg:3: error: c: the integer does not fit 32 bits: write it with an L at its end\n"
         "job.cfg:3: error: syntax error: c: the items of an array [ ] are of one type; use a list "
         "( )\n"},
        {VALUES("a = 9223372036854775808L; b = 0x8000000000000000LL; c = 9223372036854775808;"),
         "job.cfg:2: error: a: the integer does not fit 64 bits\n"
         "job.cfg:2: error: b: the integer does not fit 64 bits\n"
         "job.cfg:2: error: c: the integer does not fit 64 bits\n"},
        {VALUES("a = 1e999; b = -1.5E+400;"), "job.cfg:2: error: a: the number is too large\n"
                                              "job.cfg:2: error: b: the number is too large\n"},
        {VALUES("mode = 0644; zero = 0; hex = 0x00; neg = -01L;"),
         "job.cfg:2: warning: mode: a number with a leading zero is read as decimal, not as octal\n"
         "job.cfg:2: warning: neg: a number with a leading zero is read as decimal, not as "
         "octal\n"},
        {"version = 1; job = { name = \"j\"; source = { plugin = \"a\"; }; sink = { plugin = "
         "\"b\"; "
         "};\npipeline = { batch_rows = 4294967297; }; };",
         "job.cfg:2: error: batch_rows: the integer does not fit 32 bits: write it with an L at "
         "its end\n"
         "job.cfg:2: error: batch_rows: 4294967297 is out of bounds: 1 .. 1048576\n"},
    };

    (void)state;
    check_samples(samples, sizeof samples / sizeof *samples);
}

static void test_digits_in_comments_and_strings_are_no_numbers(void **state)
{
    struct tow_job job;

    (void)state;
    config_load(VALUES("# 99999999999 15m \"\n// 99999999999 {\n/* 99999999999 \"\n { 15m */ a = "
                       "\"99999999999 \\\" # { /* \" \"15m\" // \"\n  \"//\"; b = 1 /**/; /***/"),
                &job);
    assert_string_equal(tow_setting_get(&job.source, "a")->text, "99999999999 \" # { /* 15m//");
    assert_int_equal(tow_setting_get(&job.source, "b")->line, 6);
    tow_job_release(&job);
}

static void test_syntax_errors_name_their_reason(void **state)
{
    static const struct sample samples[] = {
        {VALUES("a = 15m;"), "job.cfg:2: error: a: the value is no number; text needs quotes: "
                             "\"...\"\n"},
        {VALUES("a = 2024-01-31;\nb = 64MB;"),
         "job.cfg:2: error: a: the value is no number; text needs quotes: \"...\"\n"
         "job.cfg:3: error: b: the value is no number; text needs quotes: \"...\"\n"},
        {VALUES("a = . ;"),
         "job.cfg:2: error: a: the value is no number; text needs quotes: \"...\"\n"},
        {VALUES("a = hush;"), "job.cfg:2: error: syntax error: a: text needs quotes: \"...\"\n"},
        {VALUES("a = /data/x;"), "job.cfg:2: error: syntax error: a: text needs quotes: \"...\"\n"},
        {VALUES("a = \"x\"; b\n\"y\";"),
         "job.cfg:3: error: syntax error: b: a '=' is missing behind the name\n"},
        {VALUES("a = ;"), "job.cfg:2: error: syntax error: a: a value is missing here\n"},
        {VALUES("a = 1;;"), "job.cfg:2: error: syntax error: a ';' or ',' too many\n"},
        {VALUES("a = 5 6;"), "job.cfg:2: error: syntax error: a: the value goes on here; is a ';' "
                             "or a quote missing?\n"},
        {VALUES("a = ( 1, 2, );"),
         "job.cfg:2: error: syntax error: a: no ',' stands behind the last item of a list\n"},
        {VALUES("a = ( { b = 1; }\n{ b = 2; } );"),
         "job.cfg:3: error: syntax error: a ',' is missing between the items of a list\n"},
        {VALUES("a = [1, \"x\"];"), "job.cfg:2: error: syntax error: a: the items of an array [ ] "
                                    "are of one type; use a list ( )\n"},
        {VALUES("true = 1;"), "job.cfg:2: error: syntax error: true and false are no names\n"},
        {VALUES("a = 1;\n{ b = 1; };"),
         "job.cfg:3: error: syntax error: a value stands here without `name =` before it\n"},
        {VALUES("_a = 1;"),
         "job.cfg:2: error: syntax error: here a setting `name = value;` was expected\n"},
        {VALUES("x = 1; @include \"y\""),
         "job.cfg:2: error: syntax error: an include is written @include \"file\", at the start "
         "of a line\n"},
        {VALUES("a = 1;\nb = { a = 2; };\na = 3;"),
         "job.cfg:4: error: \"a\" is set twice; the first time in job.cfg:2\n"},
        {"version =", "job.cfg:2: error: syntax error: version: a value is missing here\n"},
        {"version", "job.cfg:2: error: syntax error: version: a '=' is missing behind the name\n"},
    };

    (void)state;
    check_samples(samples, sizeof samples / sizeof *samples);
}

static void test_what_is_never_closed_is_named_where_it_opens(void **state)
{
    static const struct sample samples[] = {
        {"version = 1;\njob = {\n name = \"j\";\n",
         "job.cfg:2: error: what is opened here is never closed by '}'\n"},
        {"version = 1;\njob = { a = (\n{ b = 1; };\n",
         "job.cfg:2: error: what is opened here is never closed by ')'\n"},
        {"version = 1;\njob = ( }\n);",
         "job.cfg:2: error: '}' stands where ')' is needed to close what line 2 opens\n"},
        {"version = 1;\n}\n", "job.cfg:2: error: '}' closes nothing\n"},
        {"version = 1;\na = \"x;\nb = {\n",
         "job.cfg:2: error: the string that starts here is never closed\n"},
        {"a = \"x;\nb = \"y\";\nc = \"z\";\n",
         "job.cfg:3: error: the string that starts here is never closed; is a quote missing in "
         "line 2, whose string runs over several lines?\n"},
        {"version = 1;\n/* x\n", "job.cfg:2: error: the comment that starts here is never closed "
                                 "by '*/'\n"},
        {"a = \"\\\"", "job.cfg:1: error: the string that starts here is never closed\n"},
        {"a = \"\\", "job.cfg:1: error: the string that starts here is never closed\n"},
    };

    (void)state;
    check_samples(samples, sizeof samples / sizeof *samples);
}

static void test_separators_are_optional_as_in_libconfig(void **state)
{
    struct tow_job job;

    (void)state;
    config_load("version : 1\njob = { name = \"j\", source = { plugin = \"a\" b = TRUE c = 1.5 }\n"
                "sink = { plugin = \"b\" } }",
                &job);
    assert_int_equal(tow_setting_get(&job.source, "b")->kind, TOW_SETTING_BOOL);
    assert_int_equal(tow_setting_get(&job.source, "b")->integer, 1);
    assert_true(tow_setting_get(&job.source, "c")->number == 1.5);
    tow_job_release(&job);
}

static void test_a_mark_of_byte_order_is_skipped(void **state)
{
    struct tow_job job;

    (void)state;
    config_load("\xef\xbb\xbf" SOUND, &job);
    tow_job_release(&job);
}

/* ---- includes ------------------------------------------------------------------------------- */

static void test_includes_are_relative_to_the_including_file(void **state)
{
    const struct tow_setting *host;
    struct tow_job job;

    (void)state;
    assert_int_equal(mkdir("shared", 0700), 0);
    assert_int_equal(mkdir("shared/deep", 0700), 0);
    config_write("shared/a.cfg", "connections = {\n@include \"deep/b.cfg\" d = { host = \"d\"; };\n"
                                 "e = { host = \"e\"; }; };");
    config_write("shared/deep/b.cfg", "# comment without end of line\nc = {\nhost = \"c\"; };");
    config_load("version = 1;\n  @include \"shared/a.cfg\"\njob = { name = \"j\";\n"
                "source = { plugin = \"a\"; connection = \"c\"; };\n"
                "sink = { plugin = \"b\"; connection = \"e\"; };\n"
                "results = { plugin = \"b\"; connection = \"d\"; }; };",
                &job);
    host = tow_setting_get(&job.source, "host");
    assert_string_equal(host->text, "c");
    assert_string_equal(host->file, "shared/deep/b.cfg");
    assert_int_equal(host->line, 3);
    host = tow_setting_get(&job.results, "host");
    assert_string_equal(host->file, "shared/a.cfg");
    assert_int_equal(host->line, 2);
    host = tow_setting_get(&job.sink, "host");
    assert_int_equal(host->line, 3);
    assert_int_equal(tow_setting_get(&job.sink, "plugin")->line, 5);
    tow_job_release(&job);
}

static void test_findings_in_an_include_name_its_file_and_line(void **state)
{
    (void)state;
    config_write("c.cfg", "connections = {\nc = { a = 99999999999; b = 1;\nb = 2; }; };");
    config_assert_says("@include \"c.cfg\"\n" SOUND,
                       "c.cfg:2: error: a: the integer does not fit 32 bits: write it with an L at "
                       "its end\n"
                       "c.cfg:3: error: \"b\" is set twice; the first time in c.cfg:2\n");
    config_write("c.cfg", "version = 1;\n");
    config_assert_says("@include \"c.cfg\"\n" SOUND,
                       "job.cfg:2: error: \"version\" is set twice; the first time in c.cfg:1\n");
    config_write("c.cfg", "connections = {\n");
    config_assert_says("@include \"c.cfg\"\n};" SOUND,
                       "c.cfg:1: error: what is opened here is never closed by '}'\n"
                       "job.cfg:2: error: '}' closes nothing\n");
}

static void test_a_missing_include_is_named_and_the_rest_judged(void **state)
{
    (void)state;
    config_assert_says("@include \"none.cfg\"\n"
                       "version = 1; job = { name = \"j\"; sink = { plugin = \"b\"; };\n"
                       "source = { plugin = \"a\"; connection = \"x\"; }; nmae = 1; };",
                       "job.cfg:1: error: @include \"none.cfg\": cannot open it: No such file or "
                       "directory\n"
                       "job.cfg:3: error: job has no key \"nmae\"; did you mean \"name\"?\n");
    config_assert_says("@include \"no\nne.cfg\"\n" SOUND,
                       "job.cfg:1: error: @include \"no?ne.cfg\": cannot open it: No such file or "
                       "directory\n");
    config_assert_says("@include \"\"\n" SOUND, "job.cfg:1: error: @include: the path is empty\n");
    config_assert_says("@include \".\"\n" SOUND,
                       "job.cfg:1: error: @include \".\": it is a folder\n");
}

static void test_includes_that_go_in_circles_end(void **state)
{
    (void)state;
    config_assert_says("@include \"job.cfg\"\n" SOUND,
                       "job.cfg:1: error: @include \"job.cfg\": the file includes itself\n");
    config_write("a.cfg", "@include \"b.cfg\"\n");
    config_write("b.cfg", "\n@include \"a.cfg\"\n");
    config_assert_says("@include \"a.cfg\"\n" SOUND,
                       "b.cfg:2: error: @include \"a.cfg\": the file includes itself\n");
}

static void test_includes_are_bounded_in_depth_and_number(void **state)
{
    char name[32], text[64];
    char *many = calloc(1, 300 * 32 + sizeof SOUND);

    (void)state;
    assert_non_null(many);
    for (int i = 0; i < 12; i++) {
        snprintf(name, sizeof name, "%d.cfg", i);
        snprintf(text, sizeof text, "@include \"%d.cfg\"\n", i + 1);
        config_write(name, i < 11 ? text : "");
    }
    config_assert_says("@include \"2.cfg\"\n" SOUND, "");
    config_assert_says("@include \"1.cfg\"\n" SOUND,
                       "10.cfg:1: error: @include \"11.cfg\": includes lie more than 10 deep in "
                       "each other\n");
    for (int i = 0; i < 256; i++)
        strcat(many, "@include \"11.cfg\"\n");
    strcat(many, SOUND);
    config_assert_says(many, "job.cfg:256: error: @include \"11.cfg\": the job includes more than "
                             "256 files\n");
    free(many);
}

/* ---- hostile bytes -------------------------------------------------------------------------- */

static void assert_bytes_say(const void *bytes, size_t length, const char *expected)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};
    struct tow_job job;

    scratch_write("job.cfg", bytes, length);
    assert_ok(tow_job_load("job.cfg", &job, &diags, &err), err);
    tow_job_release(&job);
    config_assert_findings(&diags, expected);
    tow_diags_release(&diags);
}

static void test_bytes_that_are_no_text_are_refused(void **state)
{
    (void)state;
    assert_bytes_say("version = 1;\na = \"x\0y\";", 23,
                     "job.cfg:2: error: byte 0x00 is no text; job files are UTF-8\n");
    assert_bytes_say("version = 1;\n\n# caf\xe9\n", 21,
                     "job.cfg:3: error: byte 0xe9 is no text; job files are UTF-8\n");
    assert_bytes_say("\0", 1, "job.cfg:1: error: byte 0x00 is no text; job files are UTF-8\n");
    config_assert_says(VALUES("a = \"x\\x00y\"; b = \"\\\\x00\"; c = \"\\x41\";"),
                       "job.cfg:2: error: a: a string cannot hold \\x00\n");
    config_assert_says(VALUES("a = \"x\\xffy\";"),
                       "job.cfg:2: error: a: the string is not UTF-8\n");
}

static char *repeat(const char *unit, size_t count, const char *before, const char *after)
{
    size_t length = strlen(unit);
    char *text = malloc(strlen(before) + length * count + strlen(after) + 1);
    char *p = text;

    assert_non_null(text);
    p = stpcpy(p, before);
    for (size_t i = 0; i < count; i++)
        p = stpcpy(p, unit);
    strcpy(p, after);
    return text;
}

static void test_deep_nesting_is_refused(void **state)
{
    char *deep = repeat("{a=", 100000, "a =\n", "");
    char *brackets = repeat("(", 28,
                            "version = 1; job = { name = \"j\"; sink = { plugin = \"b\"; }; "
                            "source = { plugin = \"a\"; a = ",
                            "))))))))))))))))))))))))))));};};");

    (void)state;
    config_assert_says(deep,
                       "job.cfg:2: error: groups and lists lie more than 32 deep in each other\n");
    config_assert_says(brackets, "");
    free(brackets);
    free(deep);
}

static void test_a_string_of_a_megabyte_is_a_string(void **state)
{
    char *text = repeat("x", 1 << 20,
                        "version = 1; job = { name = \"j\"; sink = { plugin = \"b\"; };"
                        "source = { plugin = \"a\"; a = \"",
                        "\"; }; };");
    struct tow_job job;

    (void)state;
    config_load(text, &job);
    assert_int_equal(strlen(tow_setting_get(&job.source, "a")->text), 1 << 20);
    tow_job_release(&job);
    free(text);
}

static void test_files_and_groups_are_bounded_in_size(void **state)
{
    char *large = repeat("#\n", 2 << 20, "", "\n");
    char *half = repeat("#\n", 3 << 19, "@include \"half.cfg\"\n", "");
    char *names = repeat("a=1\n", 4097, "", "");

    (void)state;
    config_assert_says(large, "job.cfg: error: it has more than 4096 KiB\n");
    config_write("half.cfg", half + strlen("@include \"half.cfg\"\n"));
    config_assert_says(half, "job.cfg:1: error: @include \"half.cfg\": job file and includes have "
                             "more than 4096 KiB\n");
    config_assert_says(names, "job.cfg:4097: error: more than 4096 settings in one group\n");
    free(names);
    free(half);
    free(large);
}

static void test_a_pipe_is_not_waited_for(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};
    struct tow_job job;

    (void)state;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_ok(tow_job_load("pipe", &job, &diags, &err), err);
    tow_job_release(&job);
    config_assert_findings(&diags, "pipe: error: it is not a regular file\n");
    tow_diags_release(&diags);
}

/* Whatever a byte of a sound file turns into, and wherever it ends, loading returns. */
static void test_damaged_files_never_crash(void **state)
{
    static const char sound[] =
        "version = 1;\n@include \"c.cfg\"\njob = { name = \"j\"; source = { plugin = \"a\"; x = "
        "[1L, 2L]; y = \"\\x41\" \"b\"; };\nsink = { plugin = \"b\"; connection = \"c\"; };\n"
        "columns = ( { name = \"a\"; default = 1.5e3; }, /* c */ { name = \"b\"; value = 0x1F; } );"
        "\nretry = { base = \"1s\"; }; }; # end";
    static const char bytes[] = "\"{}()[];,=@#/*\\\n$0L.-x\xff";
    struct tow_error err = TOW_ERROR_INIT;
    char text[sizeof sound];

    (void)state;
    config_write("c.cfg", "connections = { c = { t = \"${env:PATH}\"; }; };\n");
    for (size_t i = 0; i < 2 * strlen(sound); i++) {
        struct tow_diags diags = {0};
        struct tow_job job;
        size_t at = i / 2, length = i % 2 ? at : strlen(sound);

        memcpy(text, sound, sizeof sound);
        text[at] = bytes[(at * 7 + 3) % (sizeof bytes - 1)];
        scratch_write("job.cfg", text, length);
        assert_ok(tow_job_load("job.cfg", &job, &diags, &err), err);
        tow_job_release(&job);
        tow_diags_release(&diags);
    }
}

int main(void)
{
#define text_test(name) cmocka_unit_test_setup_teardown(name, config_setup, config_teardown)
    const struct CMUnitTest tests[] = {
        text_test(test_integers_are_read_as_they_stand),
        text_test(test_numbers_that_would_change_in_silence_are_refused),
        text_test(test_digits_in_comments_and_strings_are_no_numbers),
        text_test(test_syntax_errors_name_their_reason),
        text_test(test_what_is_never_closed_is_named_where_it_opens),
        text_test(test_separators_are_optional_as_in_libconfig),
        text_test(test_a_mark_of_byte_order_is_skipped),
        text_test(test_includes_are_relative_to_the_including_file),
        text_test(test_findings_in_an_include_name_its_file_and_line),
        text_test(test_a_missing_include_is_named_and_the_rest_judged),
        text_test(test_includes_that_go_in_circles_end),
        text_test(test_includes_are_bounded_in_depth_and_number),
        text_test(test_bytes_that_are_no_text_are_refused),
        text_test(test_deep_nesting_is_refused),
        text_test(test_a_string_of_a_megabyte_is_a_string),
        text_test(test_files_and_groups_are_bounded_in_size),
        text_test(test_a_pipe_is_not_waited_for),
        text_test(test_damaged_files_never_crash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
