/* Rows that go to an instance of the sink for each value of a column. */
#include "route_toys.h"
#include "run/route/route.h"
#include "unit.h"

/* Runs of one value, and batches of several. */
static const char *three(int64_t n)
{
    static const char *const values[] = {"web", "Mobile App", "mail"};

    return n < 60 ? "web" : values[n / 7 % 3];
}

static const char *three_names(int64_t n)
{
    const char *value = three(n);

    return value[0] == 'M' ? "t_mobile_app" : value[0] == 'w' ? "t_web" : "t_mail";
}

static int not_refused(int64_t n)
{
    return n % 13 != 0;
}

static void test_rows_go_where_their_value_says(void **state)
{
    (void)state;
    route_plan.value = three;
    assert_int_equal(run(), TOW_EXIT_OK);
    route_published(300, route_once, three_names);
    counts_are(300, 300, 0, 0, 0);
    assert_int_equal(route_far_end->open, 0);
    assert_int_equal(route_table("t_web")->columns, 2);
}

static void test_the_column_may_be_left_out(void **state)
{
    (void)state;
    route_plan.value = three;
    fixture->job.route.keep_column = 0;
    assert_int_equal(run(), TOW_EXIT_OK);
    route_published(300, route_once, three_names);
    assert_int_equal(route_table("t_web")->columns, 1);
    assert_int_equal(route_table("t_mail")->columns, 1);
}

/* A child knows rows by numbers of its own. */
static void rejects_are_the_childs(void)
{
    route_plan.refuse = 13;
    assert_int_equal(run(), TOW_EXIT_OK);
    route_published(300, not_refused, three_names);
    counts_are(300, 276, 24, 0, 0);
    for (int64_t n = 0; n < 300; n++)
        assert_int_equal(route_far_end->results[n], not_refused(n) ? 1 : 2);
}

static void test_rows_that_a_child_rejects_are_told_by_their_number(void **state)
{
    (void)state;
    route_plan.value = three;
    rejects_are_the_childs();
}

static void test_a_sink_that_defers_settles_rows_of_several_batches(void **state)
{
    (void)state;
    route_plan.value = three;
    route_plan.lag = 2;
    route_set_flags(TOW_SINK_DEFERS);
    fixture->job.route.keep_column = 0;
    rejects_are_the_childs();
}

static void test_a_sink_whose_rows_are_final_settles_them_as_it_goes(void **state)
{
    (void)state;
    route_plan.value = three;
    route_plan.lag = 1;
    fixture->job.has_results = 0;
    fixture->assembly.results = NULL;
    route_set_flags(TOW_SINK_DEFERS | TOW_SINK_FINAL);
    assert_int_equal(run(), TOW_EXIT_OK);
    route_published(300, route_once, three_names);
}

static void test_several_workers_have_an_instance_of_each_route(void **state)
{
    (void)state;
    route_plan.value = three;
    route_set_flags(TOW_SINK_PARALLEL);
    fixture->job.tuning.workers = 3;
    fixture->job.tuning.workers_given = 1;
    rejects_are_the_childs();
    /* The last one publishes, when all have been there. */
    assert_int_equal(route_table("t_web")->finishes, 1);
    assert_true(route_table("t_web")->opens >= 3);
}

/* Whichever opens first makes what all of them share, as with a sink that has no route. */
static void test_instances_of_a_route_are_opened_one_after_the_other(void **state)
{
    (void)state;
    route_plan.value = three;
    route_plan.opening_ms = 50;
    route_set_flags(TOW_SINK_PARALLEL);
    fixture->job.tuning.workers = 3;
    fixture->job.tuning.workers_given = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    for (int i = 0; i < route_far_end->table_count; i++) {
        assert_true(route_far_end->tables[i].opens > 1);
        assert_int_equal(route_far_end->tables[i].most_opening, 1);
    }
}

static void test_no_more_routes_are_open_than_may_be(void **state)
{
    (void)state;
    route_plan.value = three;
    fixture->job.route.open = 1;
    rejects_are_the_childs();
    assert_int_equal(route_far_end->most_open, 1);
    assert_true(route_table("t_web")->opens > 2);
}

/* ---- at every step -------------------------------------------------------------------------- */

/* Kills a run at each of its steps in turn; the next one makes up for it. */
static void survives_kills(void)
{
    fixture->job.tuning.checkpoint_ms = 0;
    for (int64_t at = 1;; at++) {
        route_start_anew();
        route_plan.kill_at = 0;
        assert_int_equal(run(), TOW_EXIT_OK);
        if (at > route_far_end->steps)
            break;
        route_start_anew();
        route_plan.kill_at = at;
        run_and_die();
        route_plan.kill_at = 0;
        route_far_end->open = 0;
        assert_int_equal(run(), TOW_EXIT_OK);
        route_published(route_plan.rows, route_once, three_names);
        assert_int_equal(run(), TOW_EXIT_OK); /* all of it is behind the checkpoint */
        route_published(route_plan.rows, route_once, three_names);
    }
}

/* What fails in passing at any step is made good within the run. */
static void survives_failures(int code)
{
    int64_t steps = 1;

    route_plan.fail_code = code;
    fixture->job.tuning.checkpoint_ms = 0;
    for (int64_t at = 1; at <= steps; at++) {
        route_start_anew();
        route_plan.fail_at = at;
        assert_int_equal(run(), TOW_EXIT_OK);
        route_published(route_plan.rows, not_refused, three_names);
        assert_int_equal(route_far_end->open, 0);
        for (int64_t n = 0; n < route_plan.rows; n++)
            assert_int_equal(route_far_end->results[n], not_refused(n) ? 1 : 2);
        steps = route_far_end->steps;
    }
}

static void small(void)
{
    route_plan.value = three;
    route_plan.rows = 100;
    route_plan.batch = 20;
}

static void test_a_kill_at_any_step_loses_and_doubles_nothing(void **state)
{
    (void)state;
    small();
    survives_kills();
}

static void test_so_it_does_with_few_open_routes(void **state)
{
    (void)state;
    small();
    fixture->job.route.open = 1;
    survives_kills();
}

static void test_so_it_does_where_rows_are_deferred(void **state)
{
    (void)state;
    small();
    route_plan.lag = 2;
    route_set_flags(TOW_SINK_DEFERS);
    survives_kills();
}

/* Which worker takes a batch is chance, and with it how many steps there are. */
static void test_so_it_does_with_several_workers(void **state)
{
    (void)state;
    small();
    fixture->job.tuning.checkpoint_ms = 0;
    fixture->job.tuning.workers = 2;
    fixture->job.tuning.workers_given = 1;
    route_set_flags(TOW_SINK_PARALLEL);
    for (int64_t at = 1; at < 60; at++) {
        route_start_anew();
        route_plan.kill_at = at;
        if (at < 20)
            run_and_die();
        else
            run_may_die();
        route_plan.kill_at = 0;
        route_far_end->open = 0;
        assert_int_equal(run(), TOW_EXIT_OK);
        route_published(route_plan.rows, route_once, three_names);
    }
}

static void test_a_failure_in_passing_at_any_step_is_made_good(void **state)
{
    (void)state;
    small();
    route_plan.refuse = 13;
    survives_failures(TOW_E_TRANSIENT);
}

static void test_so_it_is_with_rows_settled_before_it(void **state)
{
    (void)state;
    small();
    route_plan.refuse = 13;
    route_plan.settles_half = 1;
    fixture->job.route.open = 2;
    survives_failures(TOW_E_RATE);
}

static void test_so_it_is_where_rows_are_deferred(void **state)
{
    (void)state;
    small();
    route_plan.refuse = 13;
    route_plan.lag = 2;
    fixture->job.route.keep_column = 0;
    route_set_flags(TOW_SINK_DEFERS);
    survives_failures(TOW_E_TRANSIENT);
    route_plan.settles_half = 1;
    survives_failures(TOW_E_TRANSIENT);
}

static void test_so_it_is_where_rows_are_final(void **state)
{
    (void)state;
    small();
    route_plan.refuse = 13;
    route_plan.lag = 1;
    route_set_flags(TOW_SINK_DEFERS | TOW_SINK_FINAL);
    survives_failures(TOW_E_TRANSIENT);
}

static void test_a_child_that_settles_what_it_has_not_is_a_bug(void **state)
{
    (void)state;
    route_plan.value = three;
    route_plan.beyond = 5; /* of several routes */
    assert_int_equal(run(), TOW_EXIT_INTERNAL);
    assert_says(fixture->report.error, "settled, but this try has no such row");
}

static void test_a_failure_that_lasts_keeps_what_was_durable(void **state)
{
    (void)state;
    small();
    fixture->job.tuning.checkpoint_ms = 0;
    route_plan.fail_code = TOW_E_ENV;
    for (int64_t at = 1; at < 30; at++) {
        route_start_anew();
        route_plan.fail_at = at;
        assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
        route_plan.fail_at = 0;
        assert_int_equal(run(), TOW_EXIT_OK);
        route_published(route_plan.rows, route_once, three_names);
    }
}

/* ---- loads ---------------------------------------------------------------------------------- */

static void test_a_route_without_rows_is_not_touched_by_a_load(void **state)
{
    (void)state;
    route_plan.value = three;
    route_plan.rows = 60; /* web alone */
    assert_int_equal(run(), TOW_EXIT_OK);
    route_plan.rows = 300;
    assert_int_equal(run(), TOW_EXIT_OK);
    route_published(300, route_once, three_names);
    assert_int_equal(route_table("t_web")->finishes, 2);
    assert_int_equal(route_table("t_mail")->finishes, 1);
    assert_int_equal(run(), TOW_EXIT_OK); /* nothing new */
    assert_int_equal(route_table("t_web")->finishes, 2);
}

static void test_a_load_without_its_tokens_is_refused(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *known = NULL;

    (void)state;
    small();
    fixture->job.tuning.checkpoint_ms = 0;
    route_plan.fail_code = TOW_E_ENV;
    route_plan.fail_at = 25;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_ok(tow_state_open(fixture->state_path, TOW_STATE_CREATE, &known, &err), err);
    for (int generation = 1; generation < 20; generation++) {
        char key[64];

        snprintf(key, sizeof key, "00000/%016x/00000", (unsigned)generation);
        assert_ok(tow_state_ledger_remove(known, "toys", "core:routes", key, &err), err);
    }
    tow_state_close(known);
    route_plan.fail_at = 0;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_says(fixture->report.error, "the ledger lacks what the routes");
}

static void test_an_unfinished_load_keeps_its_route(void **state)
{
    (void)state;
    small();
    fixture->job.tuning.checkpoint_ms = 0;
    route_plan.fail_code = TOW_E_ENV;
    route_plan.fail_at = 25;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    fixture->job.has_route = 0;
    route_plan.fail_at = 0;
    assert_int_equal(run(), TOW_EXIT_CONFIG);
    assert_says(fixture->report.error, "another route");
}

/* Tokens are many, and long. */
static const char *hundreds(int64_t n)
{
    static char value[32];

    snprintf(value, sizeof value, "a_stream_of_number_%03d", (int)(n % 50));
    return value;
}

static const char *hundreds_names(int64_t n)
{
    static char name[40];

    snprintf(name, sizeof name, "t_%s", hundreds(n));
    return name;
}

static void test_tokens_of_many_routes_are_kept_in_pieces(void **state)
{
    (void)state;
    route_plan.value = hundreds;
    route_plan.rows = 500;
    route_plan.batch = 100;
    fixture->job.route.max = 50;
    fixture->job.route.open = 7;
    fixture->job.tuning.checkpoint_ms = 0;
    route_plan.kill_at = 400;
    run_and_die();
    route_plan.kill_at = 0;
    route_far_end->open = 0;
    assert_int_equal(run(), TOW_EXIT_OK);
    route_published(500, route_once, hundreds_names);
    assert_true(route_far_end->most_open <= 7);
}

static void test_a_trial_leaves_nothing_in_the_ledgers(void **state)
{
    (void)state;
    route_plan.value = three;
    fixture->options.limit = 100;
    assert_int_equal(run(), TOW_EXIT_OK);
    fixture->options.limit = -1;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(route_table("t_mail")->finishes, 2);
}

/* ---- values --------------------------------------------------------------------------------- */

static const char *odd_values[] = {"plain", "",    NULL,  "../../etc", "'; DROP TABLE x; --",
                                   "a b",   "a-b", "a_b", "A B",       "\xf0\x9f\x98\x80",
                                   ".",     "..",  "x/y", "{part}"};

#define ODD ((int64_t)(sizeof odd_values / sizeof *odd_values))

static const char *odd(int64_t n)
{
    return odd_values[n % ODD];
}

/* How many numbers below rows have this value, and what became of the first. */
static void became(const char *value, const char *table)
{
    for (int64_t n = 0; n < ODD; n++) {
        if ((value && odd_values[n]) ? strcmp(value, odd_values[n]) != 0 : value != odd_values[n])
            continue;
        assert_int_equal(route_far_end->results[n], table ? 1 : 2);
        if (table) {
            assert_non_null(route_table(table));
            assert_int_equal(route_table(table)->published[0], n);
        }
    }
}

static void test_odd_values_make_identifiers_or_are_rejected(void **state)
{
    (void)state;
    route_plan.value = odd;
    route_plan.rows = ODD;
    assert_int_equal(run(), TOW_EXIT_OK);
    became("plain", "t_plain");
    became("", NULL);
    became(NULL, NULL);
    became("../../etc", "t_______etc");
    became("'; DROP TABLE x; --", "t____drop_table_x____");
    became("a b", "t_a_b");
    became("a-b", NULL); /* "a b" was first */
    became("a_b", NULL);
    became("A B", NULL);
    became("\xf0\x9f\x98\x80", "t__");
    became(".", NULL); /* has the name of the emoji */
    became("..", "t___");
    became("x/y", "t_x_y");
    became("{part}", "t__part_");
}

static void test_a_suffix_tells_values_apart_whose_names_meet(void **state)
{
    (void)state;
    route_plan.value = odd;
    route_plan.rows = ODD;
    fixture->job.route.collisions = TOW_ROUTE_SUFFIX;
    fixture->job.route.null = "none";
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(ODD, ODD, 0, 0, 0);
    became("a_b", "t_a_b");
    became("", "t_none");
    assert_int_equal(route_table("t_none")->published_count, 2); /* with the null */
    assert_int_equal(route_far_end->table_count, ODD - 1);
}

static void test_values_as_they_are_lead_to_no_other_place(void **state)
{
    (void)state;
    route_plan.value = odd;
    route_plan.rows = ODD;
    fixture->job.route.names = TOW_ROUTE_AS_IS;
    assert_int_equal(run(), TOW_EXIT_OK);
    became("plain", "t_plain");
    became("../../etc", NULL);
    became("'; DROP TABLE x; --", NULL);
    became("a b", "t_a b");
    became("a-b", "t_a-b");
    became("a_b", "t_a_b");
    became("A B", NULL); /* some file systems, and all warehouses, have "a b" there */
    became("\xf0\x9f\x98\x80", "t_\xf0\x9f\x98\x80");
    became(".", NULL);
    became("..", NULL);
    became("x/y", NULL);
    became("{part}", NULL);
}

/* In the run after, the other value comes first. */
static const char *other_first(int64_t n)
{
    return n < 5 ? "a b" : n < 10 ? "a-b" : "a b";
}

static void test_a_name_stays_with_the_value_that_had_it_first(void **state)
{
    (void)state;
    route_plan.value = other_first;
    route_plan.rows = 5;
    assert_int_equal(run(), TOW_EXIT_OK);
    route_plan.rows = 15;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(10, 5, 5, 0, 0);
    fixture->options.replay_of = fixture->report.run;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(5, 0, 5, 0, 0);
    assert_int_equal(route_table("t_a_b")->published_count, 10);
}

static void test_a_replay_goes_through_the_route(void **state)
{
    (void)state;
    route_plan.value = three;
    route_plan.bad_name = "t_mail";
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_null(route_table("t_mail"));
    assert_true(fixture->report.counts.rejected > 0);
    assert_true(route_far_end->checks < 10); /* not one for each of its rows */
    route_plan.bad_name = NULL;
    fixture->options.replay_of = fixture->report.run;
    assert_int_equal(run(), TOW_EXIT_OK);
    route_published(300, route_once, three_names);
}

static void test_rows_of_one_route_too_many_are_rejected(void **state)
{
    (void)state;
    route_plan.value = three;
    fixture->job.route.max = 2;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_null(route_table("t_mobile_app"));
    for (int64_t n = 0; n < 300; n++)
        assert_int_equal(route_far_end->results[n], three(n)[0] == 'M' ? 2 : 1);
}

/* ---- names by themselves -------------------------------------------------------------------- */

static void name_is(const struct tow_route_spec *spec, const char *value, const char *expected)
{
    char name[ROUTE_NAME_MAX + 1];
    struct tow_error err = TOW_ERROR_INIT;

    if (!expected) {
        assert_int_equal(route_name_of(spec, value, strlen(value), name, &err), TOW_E_DATA);
        return;
    }
    assert_ok(route_name_of(spec, value, strlen(value), name, &err), err);
    assert_string_equal(name, expected);
}

static void test_names_have_their_bounds(void **state)
{
    struct tow_route_spec spec = {.by = "k"};
    char value[301];

    (void)state;
    memset(value, 'x', 300);
    value[300] = '\0';
    name_is(&spec, value, NULL);
    name_is(&spec, value + 100, value + 100);
    spec.collisions = TOW_ROUTE_SUFFIX;
    char name[ROUTE_NAME_MAX + 1];
    struct tow_error err = TOW_ERROR_INIT;
    assert_ok(route_name_of(&spec, value, 300, name, &err), err);
    assert_int_equal(strlen(name), 200);
    assert_int_equal(name[191], '_');
    name_is(&spec, "web_2", "web_2");
    name_is(&spec, "\x80", NULL);
    spec = (struct tow_route_spec){.by = "k", .names = TOW_ROUTE_AS_IS};
    name_is(&spec, value, NULL);
    name_is(&spec, value + 100, value + 100);
    name_is(&spec, "a\tb", NULL);
    name_is(&spec, "a\\b", NULL);
    name_is(&spec, "a`b", NULL);
    name_is(&spec, ".hidden", NULL);
    name_is(&spec, "~root", NULL);
    name_is(&spec, "-", NULL);
    name_is(&spec, " a", NULL);
    name_is(&spec, "a ", NULL);
    name_is(&spec, "\xff", NULL);
    name_is(&spec, "", NULL);
}

/* ---- check ---------------------------------------------------------------------------------- */

static void finds(const char *says)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};

    assert_ok(route_check(&fixture->assembly, &diags, &err), err);
    if (diags.errors == 0)
        assert_ok(tow_assembly_probe(&fixture->assembly, NULL, NULL, &diags, &err), err);
    assert_int_equal(diags.errors, says != NULL);
    if (says && !strstr(diags.items[0].text, says))
        fail_msg("\"%s\" lacks \"%s\"", diags.items[0].text, says);
    tow_diags_release(&diags);
}

static void test_check_finds_what_a_run_would(void **state)
{
    static struct tow_setting plain = {
        .name = "table", .kind = TOW_SETTING_STRING, .text = "t", .file = "toy.cfg", .line = 1};
    struct tow_route_spec *spec = &fixture->job.route;
    struct tow_setting *options = fixture->job.sink.items;

    (void)state;
    finds(NULL);
    spec->by = "Event Type";
    finds("cannot stand in braces");
    spec->by = "n";
    finds("no option of sink route_sink has {n} in it");
    spec->by = "k";
    spec->null = "..";
    spec->names = TOW_ROUTE_AS_IS;
    finds("route: null: \"..\" makes no name");
    spec->null = NULL;
    spec->collisions = TOW_ROUTE_SUFFIX;
    finds("collisions \"suffix\" is for names \"identifier\"");
    spec->names = TOW_ROUTE_IDENTIFIER;
    fixture->job.sink.items = &plain;
    finds("all rows would go to the same place");
    fixture->job.sink.items = options;
    strcpy(fixture->assembly.words.items[0].name, "k");
    fixture->assembly.words.count = 1;
    finds("{k} is a word of source route_source, too");
}

static void column_is(const char *name, enum tow_type_id type, const char *says)
{
    const struct tow_field fields[] = {{name, {type, 0, 0}, 0}};
    struct tow_error err = TOW_ERROR_INIT;
    struct ArrowSchema in = {0}, out = {0};
    int64_t column;

    assert_ok(tow_schema_make(&in, fields, 1, &err), err);
    assert_int_equal(route_schema(&fixture->job.route, &in, &out, &column, &err), TOW_E_CONFIG);
    assert_says(err, says);
    in.release(&in);
}

static void test_the_routing_column_is_there_and_is_text(void **state)
{
    (void)state;
    column_is("j", TOW_TYPE_STRING, "no outgoing column is called \"k\"");
    column_is("k", TOW_TYPE_INT64, "is of type int64, must be of type string");
    fixture->job.route.keep_column = 0;
    column_is("k", TOW_TYPE_STRING, "nothing is left for the sink");
}

#define ROUTE_TEST(name) cmocka_unit_test_setup_teardown(name, route_set_up, run_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROUTE_TEST(test_rows_go_where_their_value_says),
        ROUTE_TEST(test_the_column_may_be_left_out),
        ROUTE_TEST(test_rows_that_a_child_rejects_are_told_by_their_number),
        ROUTE_TEST(test_a_sink_that_defers_settles_rows_of_several_batches),
        ROUTE_TEST(test_a_sink_whose_rows_are_final_settles_them_as_it_goes),
        ROUTE_TEST(test_several_workers_have_an_instance_of_each_route),
        ROUTE_TEST(test_instances_of_a_route_are_opened_one_after_the_other),
        ROUTE_TEST(test_no_more_routes_are_open_than_may_be),
        ROUTE_TEST(test_a_kill_at_any_step_loses_and_doubles_nothing),
        ROUTE_TEST(test_so_it_does_with_few_open_routes),
        ROUTE_TEST(test_so_it_does_where_rows_are_deferred),
        ROUTE_TEST(test_so_it_does_with_several_workers),
        ROUTE_TEST(test_a_failure_in_passing_at_any_step_is_made_good),
        ROUTE_TEST(test_so_it_is_with_rows_settled_before_it),
        ROUTE_TEST(test_so_it_is_where_rows_are_deferred),
        ROUTE_TEST(test_so_it_is_where_rows_are_final),
        ROUTE_TEST(test_a_child_that_settles_what_it_has_not_is_a_bug),
        ROUTE_TEST(test_a_failure_that_lasts_keeps_what_was_durable),
        ROUTE_TEST(test_a_route_without_rows_is_not_touched_by_a_load),
        ROUTE_TEST(test_a_load_without_its_tokens_is_refused),
        ROUTE_TEST(test_an_unfinished_load_keeps_its_route),
        ROUTE_TEST(test_tokens_of_many_routes_are_kept_in_pieces),
        ROUTE_TEST(test_a_trial_leaves_nothing_in_the_ledgers),
        ROUTE_TEST(test_odd_values_make_identifiers_or_are_rejected),
        ROUTE_TEST(test_a_suffix_tells_values_apart_whose_names_meet),
        ROUTE_TEST(test_values_as_they_are_lead_to_no_other_place),
        ROUTE_TEST(test_a_name_stays_with_the_value_that_had_it_first),
        ROUTE_TEST(test_a_replay_goes_through_the_route),
        ROUTE_TEST(test_rows_of_one_route_too_many_are_rejected),
        ROUTE_TEST(test_names_have_their_bounds),
        ROUTE_TEST(test_check_finds_what_a_run_would),
        ROUTE_TEST(test_the_routing_column_is_there_and_is_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
