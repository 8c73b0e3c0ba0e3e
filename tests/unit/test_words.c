/* Words of the source in options of sink and results. */
#include "config/option/words.h"
#include "run/assembly/setup.h"
#include "run/assembly/words.h"
#include "run_fixture.h"
#include "unit.h"

/* What the far end says, and how often it was asked. */
static char said[400];
static int asked, fail_times, checks;
static char seen_table[300], seen_path[300], seen_list[300], seen_secret[64], seen_setup[300];
static char seen_check[300];

struct wordy {
    const char *table, *path, *secret, *bounded;
    struct tow_strings list;
};

static const struct tow_option wordy_options[] = {
    TOW_OPT_STRING("table", struct wordy, table, "lytics_{aid}_metrics", "where rows go"),
    TOW_OPT_PATH("path", 0, struct wordy, path, "a file"),
    TOW_OPT_SECRET("secret", struct wordy, secret, "not told"),
    TOW_OPT("bounded", TOW_OPTION_STRING, 0, struct wordy, bounded, NULL, 1, 12, NULL, "short"),
    TOW_OPT_STRINGS("list", struct wordy, list, "several"),
    TOW_OPTIONS_END,
};

static int32_t wordy_open(void *self, const struct tow_host *host, const struct tow_position *token,
                          struct tow_error *err)
{
    const struct wordy *wordy = self;

    (void)host, (void)token, (void)err;
    snprintf(seen_table, sizeof seen_table, "%s", wordy->table);
    snprintf(seen_path, sizeof seen_path, "%s", wordy->path ? wordy->path : "");
    snprintf(seen_secret, sizeof seen_secret, "%s", wordy->secret ? wordy->secret : "");
    snprintf(seen_list, sizeof seen_list, "%s", wordy->list.count ? wordy->list.items[0] : "");
    return TOW_OK;
}

static int32_t wordy_check(void *self, const struct tow_host *host, struct tow_error *err)
{
    (void)host;
    checks++;
    snprintf(seen_check, sizeof seen_check, "%s", ((struct wordy *)self)->table);
    if (strstr(seen_check, "drop"))
        return tow_error_set(err, TOW_E_CONFIG, "table \"%s\" is no good", seen_check);
    return TOW_OK;
}

static int32_t wordy_begin(void *self, const struct tow_host *host,
                           const struct ArrowSchema *schema, struct tow_error *err)
{
    (void)self, (void)host, (void)schema, (void)err;
    return TOW_OK;
}

static int32_t wordy_write(void *self, const struct tow_rows *rows, struct tow_error *err)
{
    (void)self, (void)rows, (void)err;
    return toy_sink_plan.fail_times-- > 0 ? tow_error_set(err, TOW_E_ENV, "as told") : TOW_OK;
}

static int32_t wordy_flush(void *self, struct tow_position *token, struct tow_error *err)
{
    (void)self, (void)err;
    tow_position_set_int(token, 1);
    return TOW_OK;
}

static int32_t wordy_setup(void *self, const struct tow_host *host, const struct tow_setup *setup,
                           struct tow_error *err)
{
    (void)host, (void)setup, (void)err;
    snprintf(seen_setup, sizeof seen_setup, "%s", ((struct wordy *)self)->table);
    return TOW_OK;
}

static struct tow_sink_ops wordy_ops = {
    .size = sizeof wordy_ops,
    .check = wordy_check,
    .open = wordy_open,
    .begin = wordy_begin,
    .write = wordy_write,
    .flush = wordy_flush,
    .setup = wordy_setup,
};

static const struct tow_plugin wordy_plugin = {
    TOW_PLUGIN_HEAD,
    .name = "wordy",
    .version = "1",
    .summary = "has options with words",
    .instance_size = sizeof(struct wordy),
    .options = wordy_options,
    .sink = &wordy_ops,
};

static int32_t source_name(void *self, const char *name, tow_text_put *put, void *context,
                           struct tow_error *err)
{
    (void)self;
    asked++;
    if (fail_times-- > 0)
        return tow_error_set(err, TOW_E_TRANSIENT, "not now");
    /* In two pieces, as a connector may have it. */
    int rc = put(context, said, strlen(said) / 2);
    return rc ? rc
              : put(context, said + strlen(said) / 2,
                    strcmp(name, "aid") == 0 ? strlen(said) - strlen(said) / 2 : 0);
}

static struct tow_source_ops source_ops;
static struct tow_plugin source;
static struct tow_setting options[5];

static void set_option(size_t i, const char *name, const char *text)
{
    options[i] = (struct tow_setting){.name = (char *)name,
                                      .kind = TOW_SETTING_STRING,
                                      .text = (char *)text,
                                      .file = "toy.cfg",
                                      .line = (int)i + 1};
    fixture->job.sink.items = options;
    fixture->job.sink.count = i + 1;
}

static int set_up(void **state)
{
    int rc = run_set_up(state);

    source_ops = *toy_source.source;
    source_ops.names = "aid|slug";
    source_ops.name = source_name;
    source = toy_source;
    source.source = &source_ops;
    wordy_ops.words = NULL;
    fixture->assembly.source = &source;
    fixture->assembly.sink = &wordy_plugin;
    words_stand_in(&fixture->assembly);
    strcpy(said, "4711");
    asked = fail_times = checks = 0;
    toy_sink_plan.fail_times = 0;
    seen_setup[0] = seen_table[0] = '\0';
    return rc;
}

/* ---- the run -------------------------------------------------------------------------------- */

static void test_the_default_of_an_option_is_filled_in(void **state)
{
    (void)state;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_string_equal(seen_table, "lytics_4711_metrics");
    assert_string_equal(seen_check, "lytics_4711_metrics");
    assert_int_equal(asked, 1); /* {slug} is not used */
}

static void test_texts_paths_and_lists_are_filled_in_and_secrets_are_not(void **state)
{
    static struct tow_setting item = {.kind = TOW_SETTING_STRING, .text = "a{aid}b"};

    (void)state;
    set_option(0, "table", "{aid}{aid}{load}{Aid}{1}{");
    set_option(1, "path", "out/{aid}.csv");
    set_option(2, "secret", "{aid}");
    set_option(3, "list", "");
    options[3] =
        (struct tow_setting){.name = "list", .kind = TOW_SETTING_LIST, .items = &item, .count = 1};
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_string_equal(seen_table, "47114711{load}{Aid}{1}{");
    assert_non_null(strstr(seen_path, "/out/4711.csv"));
    assert_string_equal(seen_secret, "{aid}");
    assert_string_equal(seen_list, "a4711b");
}

static void test_nobody_is_asked_where_no_option_uses_a_word(void **state)
{
    (void)state;
    set_option(0, "table", "plain");
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(asked, 0);
}

static void test_a_source_that_does_not_answer_is_asked_again(void **state)
{
    (void)state;
    fail_times = 2;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(asked, 3);
    assert_int_equal(fixture->report.counts.retries, 2);
}

/* Each is said by the source, and ends the run before the sink is opened. */
static void refused(const char *word, const char *why)
{
    strcpy(said, word);
    assert_int_equal(run(), TOW_EXIT_CONFIG);
    assert_says(fixture->report.error, "source toy: its word {aid}");
    assert_says(fixture->report.error, why);
    assert_string_equal(seen_table, "");
}

static void test_a_word_that_cannot_be_part_of_a_name_is_refused(void **state)
{
    static char long_word[300];

    (void)state;
    memset(long_word, 'x', 256);
    refused("", "it is empty");
    refused("a\nb", "control character");
    refused("a\x7f", "control character");
    refused("a/b", "one of");
    refused("{part}", "one of");
    refused("a`.`b", "one of");
    refused("a\"b", "one of");
    refused("\xff", "no UTF-8");
    refused(long_word, "it has 256 bytes");
}

static void test_a_word_does_not_lead_to_another_folder(void **state)
{
    (void)state;
    strcpy(said, "..");
    set_option(0, "path", "out/{aid}/x.csv");
    assert_int_equal(run(), TOW_EXIT_CONFIG);
    assert_says(fixture->report.error, "path: {aid} is \"..\"");
}

static void test_bounds_hold_for_what_comes_out(void **state)
{
    (void)state;
    strcpy(said, "1234567890");
    set_option(0, "bounded", "abc{aid}");
    assert_int_equal(run(), TOW_EXIT_CONFIG);
    assert_says(fixture->report.error, "bounded: 13 bytes");
}

static void test_the_sink_checks_its_options_with_the_word(void **state)
{
    (void)state;
    strcpy(said, "drop");
    assert_int_equal(run(), TOW_EXIT_CONFIG);
    assert_says(fixture->report.error, "table \"lytics_drop_metrics\" is no good");
}

/* ---- later runs ----------------------------------------------------------------------------- */

static void test_a_load_that_goes_on_keeps_its_word(void **state)
{
    (void)state;
    fixture->job.tuning.checkpoint_ms = 0;
    toy_source_plan.fail_at = 550;
    toy_source_plan.fail_times = 1;
    toy_source_plan.fail_code = TOW_E_ENV;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    strcpy(said, "another");
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_string_equal(seen_table, "lytics_4711_metrics");
    assert_int_equal(asked, 1);
    assert_int_equal(run(), TOW_EXIT_OK); /* a new load */
    assert_string_equal(seen_table, "lytics_another_metrics");
}

static void test_a_replay_has_the_word_of_the_last_load(void **state)
{
    (void)state;
    toy_source_plan.unreadable = 9;
    assert_int_equal(run(), TOW_EXIT_OK);
    strcpy(said, "another");
    fixture->options.replay_of = fixture->report.run;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_string_equal(seen_table, "lytics_4711_metrics");
    assert_int_equal(asked, 1);
}

static void test_a_trial_asks_and_keeps_nothing(void **state)
{
    (void)state;
    fixture->options.limit = 10;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_string_equal(seen_table, "lytics_4711_metrics");
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(asked, 2);
}

/* ---- check and setup ------------------------------------------------------------------------ */

/* The findings about one option of the sink. */
static void finds(const char *value, const char *says)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};
    struct tow_instance instance;

    set_option(0, "table", value);
    assert_ok(tow_instance_init(&instance, &wordy_plugin, &fixture->job.sink, "/", &diags, &err),
              err);
    assert_ok(words_look(&fixture->assembly, &instance, "sink", &fixture->job.sink, &diags, &err),
              err);
    assert_int_equal(diags.errors, says != NULL);
    if (says && !strstr(diags.items[0].text, says))
        fail_msg("\"%s\" lacks \"%s\"", diags.items[0].text, says);
    snprintf(seen_table, sizeof seen_table, "%s", ((struct wordy *)instance.self)->table);
    tow_diags_release(&diags);
    tow_instance_release(&instance);
}

static void test_a_check_looks_at_the_name_of_the_word(void **state)
{
    (void)state;
    finds("x_{slug}", NULL);
    assert_string_equal(seen_table, "x_slug");
}

static void test_a_typing_error_is_told_from_a_word_of_the_sink(void **state)
{
    (void)state;
    finds("x_{slugg}", "table: nobody fills in {slugg}; did you mean {slug}?");
    finds("x_{something}", NULL); /* the sink may know it: it does not say */
    wordy_ops.words = "load|slugs";
    finds("x_{load}{slugs}", NULL);
    finds("x_{something}", "table: nobody fills in {something}: source toy offers {aid|slug}, sink "
                           "wordy knows {load|slugs} itself");
    finds("{\"not\": \"a word\"}{}{1}{a b}", NULL);
}

static void test_a_route_is_a_word_more_than_a_source_may_have(void **state)
{
    (void)state;
    source_ops.names = "a1|a2|a3|a4|a5|a6|a7|a8|a9|b1|b2|b3|b4|b5|b6|b7";
    words_stand_in(&fixture->assembly);
    fixture->job.has_route = 1;
    fixture->job.route.by = "country";
    finds("x_{country}_{b7}", NULL);
    finds("x_{countri}", "table: nobody fills in {countri}; did you mean {country}?");
    finds("x_{something}", NULL);
}

static void test_a_history_is_left_as_it_is(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};
    struct tow_instance instance;

    (void)state;
    assert_ok(tow_instance_init(&instance, &wordy_plugin, &fixture->job.sink, "/", &diags, &err),
              err);
    assert_ok(
        words_look(&fixture->assembly, &instance, "history", &fixture->job.sink, &diags, &err),
        err);
    assert_string_equal(((struct wordy *)instance.self)->table, "lytics_{aid}_metrics");
    tow_instance_release(&instance);
    tow_diags_release(&diags);
}

static void test_setup_asks_the_source_first(void **state)
{
    const struct tow_setup_options how = {.is_dry_run = 0};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_setup_report report;

    (void)state;
    fail_times = 1;
    assert_ok(tow_setup_job(&fixture->assembly, &how, &report, &err), err);
    assert_string_equal(seen_setup, "lytics_4711_metrics");
    assert_int_equal(asked, 2);
    assert_int_equal(toy_source_plan.opened, toy_source_plan.closed);
    tow_setup_report_release(&report);
}

static void test_a_list_of_words_is_vetted(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_words words;

    (void)state;
    assert_ok(tow_words_parse(&words, "aid|_b2", &err), err);
    assert_int_equal(words.count, 2);
    assert_ok(tow_words_parse(&words, NULL, &err), err);
    assert_int_equal(words.count, 0);
    assert_int_equal(tow_words_parse(&words, "aid|", &err), TOW_OK);
    assert_int_equal(tow_words_parse(&words, "|aid", &err), TOW_E_UNSUPPORTED);
    assert_int_equal(tow_words_parse(&words, "a-d", &err), TOW_E_UNSUPPORTED);
    assert_int_equal(tow_words_parse(&words, "2a", &err), TOW_E_UNSUPPORTED);
    assert_int_equal(tow_words_parse(&words, "aid|aid", &err), TOW_E_UNSUPPORTED);
    assert_int_equal(tow_words_parse(&words, "a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q", &err),
                     TOW_E_UNSUPPORTED);
    assert_int_equal(tow_words_parse(&words, "abcdefghijklmnopqrstuvwxyz_1234567", &err),
                     TOW_E_UNSUPPORTED);
}

#define WORDS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, run_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORDS_TEST(test_the_default_of_an_option_is_filled_in),
        WORDS_TEST(test_texts_paths_and_lists_are_filled_in_and_secrets_are_not),
        WORDS_TEST(test_nobody_is_asked_where_no_option_uses_a_word),
        WORDS_TEST(test_a_source_that_does_not_answer_is_asked_again),
        WORDS_TEST(test_a_word_that_cannot_be_part_of_a_name_is_refused),
        WORDS_TEST(test_a_word_does_not_lead_to_another_folder),
        WORDS_TEST(test_bounds_hold_for_what_comes_out),
        WORDS_TEST(test_the_sink_checks_its_options_with_the_word),
        WORDS_TEST(test_a_load_that_goes_on_keeps_its_word),
        WORDS_TEST(test_a_replay_has_the_word_of_the_last_load),
        WORDS_TEST(test_a_trial_asks_and_keeps_nothing),
        WORDS_TEST(test_a_check_looks_at_the_name_of_the_word),
        WORDS_TEST(test_a_typing_error_is_told_from_a_word_of_the_sink),
        WORDS_TEST(test_a_route_is_a_word_more_than_a_source_may_have),
        WORDS_TEST(test_a_history_is_left_as_it_is),
        WORDS_TEST(test_setup_asks_the_source_first),
        WORDS_TEST(test_a_list_of_words_is_vetted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
