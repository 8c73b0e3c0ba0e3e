#include "unit.h"

#include "config/diag.h"

static const char *const names[] = {"delimiter", "header", "path", "batch_rows", "url", "id", NULL};

static void test_one_slip_finds_the_name(void **state)
{
    (void)state;
    assert_string_equal(tow_nearest("delimeter", names), "delimiter");
    assert_string_equal(tow_nearest("heade", names), "header");
    assert_string_equal(tow_nearest("pathh", names), "path");
    assert_string_equal(tow_nearest("batchrows", names), "batch_rows");
}

static void test_two_swapped_letters_are_one_slip(void **state)
{
    (void)state;
    assert_string_equal(tow_nearest("ulr", names), "url");
    assert_string_equal(tow_nearest("ptah", names), "path");
}

static void test_case_and_dashes_do_not_count(void **state)
{
    (void)state;
    assert_string_equal(tow_nearest("PATH", names), "path");
    assert_string_equal(tow_nearest("Batch-Rows", names), "batch_rows");
}

static void test_more_than_a_third_of_the_length_is_far(void **state)
{
    (void)state;
    assert_null(tow_nearest("pxxh", names));
    assert_null(tow_nearest("ix", names));
    assert_string_equal(tow_nearest("hxxder", names), "header");
    assert_null(tow_nearest("hxxxer", names));
    assert_null(tow_nearest("", names));
}

static void test_the_nearer_of_two_wins_and_the_first_of_equals(void **state)
{
    const char *const near[] = {"reads", "read", "road", NULL};

    (void)state;
    assert_string_equal(tow_nearest("raed", near), "read");
    assert_string_equal(tow_nearest("rwad", near), "read");
    assert_null(tow_nearest("x", (const char *const[]){NULL}));
}

static void test_names_beyond_the_limit_are_near_to_none(void **state)
{
    char longest[66] = "", name[66] = "";
    const char *const near[] = {longest, NULL};

    (void)state;
    memset(longest, 'a', 64);
    memset(name, 'a', 63);
    assert_string_equal(tow_nearest(name, near), longest);
    name[63] = name[64] = 'a';
    assert_null(tow_nearest(name, near));
    longest[64] = 'a';
    name[63] = '\0';
    assert_null(tow_nearest(name, near));
}

static void test_findings_stand_in_order_of_file_and_line_and_once(void **state)
{
    struct tow_diags diags = {0};

    (void)state;
    tow_diags_add(&diags, TOW_DIAG_ERROR, "b.cfg", 3, "x");
    tow_diags_add(&diags, TOW_DIAG_WARNING, "a.cfg", 10, "y");
    tow_diags_add(&diags, TOW_DIAG_ERROR, "a.cfg", 9, "%s", "z");
    tow_diags_add(&diags, TOW_DIAG_ERROR, NULL, 0, "of no file");
    tow_diags_add(&diags, TOW_DIAG_ERROR, "a.cfg", 9, "second");
    tow_diags_add(&diags, TOW_DIAG_ERROR, "a.cfg", 9, "z");
    tow_diags_add(&diags, TOW_DIAG_WARNING, "a.cfg", 9, "z");
    tow_diags_add(&diags, TOW_DIAG_ERROR, "b.cfg", 0, "of no line");
    assert_int_equal(diags.count, 7);
    assert_int_equal(diags.errors, 5);
    assert_int_equal(diags.warnings, 2);

    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    tow_diags_print(&diags, to);
    fclose(to);
    assert_string_equal(text, "error: of no file\n"
                              "a.cfg:9: error: z\n"
                              "a.cfg:9: error: second\n"
                              "a.cfg:9: warning: z\n"
                              "a.cfg:10: warning: y\n"
                              "b.cfg: error: of no line\n"
                              "b.cfg:3: error: x\n");
    free(text);
    tow_diags_release(&diags);
    assert_int_equal(diags.count, 0);
}

static struct tow_error error_of(int code)
{
    struct tow_error err = TOW_ERROR_INIT;

    tow_error_set(&err, code, "what went wrong");
    return err;
}

static void test_what_a_call_returned_is_laid_at_the_right_door(void **state)
{
    const struct tow_error config = error_of(TOW_E_CONFIG), env = error_of(TOW_E_ENV);
    struct tow_diags diags = {0};

    (void)state;
    tow_diags_found(&diags, "a.cfg", 1, &env);
    tow_diags_found(&diags, "a.cfg", 1, &env);
    assert_int_equal(diags.errors, 1);
    assert_int_equal(diags.outside, 1);
    tow_diags_found(&diags, "a.cfg", 2, &config);
    assert_int_equal(diags.errors, 2);
    assert_int_equal(diags.outside, 1);
    assert_string_equal(diags.items[1].text, "what went wrong");
    tow_diags_release(&diags);
}

static void test_memory_that_ran_out_is_no_finding_about_the_file(void **state)
{
    const struct tow_error nomem = error_of(TOW_E_NOMEM);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};

    (void)state;
    tow_diags_found(&diags, "a.cfg", 1, &nomem);
    tow_diags_found(&diags, "a.cfg", 2, &nomem);
    assert_int_equal(diags.count, 0);
    assert_int_equal(diags.errors, 1);
    assert_int_equal(diags.outside, 0);
    assert_true(diags.incomplete);
    assert_int_equal(tow_diags_error(&diags, &err), TOW_E_NOMEM);
    tow_diags_release(&diags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_slip_finds_the_name),
        cmocka_unit_test(test_two_swapped_letters_are_one_slip),
        cmocka_unit_test(test_case_and_dashes_do_not_count),
        cmocka_unit_test(test_more_than_a_third_of_the_length_is_far),
        cmocka_unit_test(test_the_nearer_of_two_wins_and_the_first_of_equals),
        cmocka_unit_test(test_names_beyond_the_limit_are_near_to_none),
        cmocka_unit_test(test_findings_stand_in_order_of_file_and_line_and_once),
        cmocka_unit_test(test_what_a_call_returned_is_laid_at_the_right_door),
        cmocka_unit_test(test_memory_that_ran_out_is_no_finding_about_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
