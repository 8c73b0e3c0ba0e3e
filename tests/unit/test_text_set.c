/* connectors/files/text_set.h against sorting in memory. */
#include <fcntl.h>
#include <unistd.h>

#include "connectors/files/text_set.h"
#include "random.h"
#include "scratch.h"
#include "unit.h"

#define TEXTS_MAX 30000

static const char *place;
static int folder;
static struct tow_error err;
static uint64_t seed;

static int set_up(void **state)
{
    int result = scratch_setup(state);

    err = (struct tow_error)TOW_ERROR_INIT;
    seed = 7;
    if (result == 0) {
        place = ((struct scratch *)*state)->folder;
        folder = open(place, O_RDONLY | O_DIRECTORY);
    }
    return result || folder < 0;
}

static int tear_down(void **state)
{
    close(folder);
    return scratch_teardown(state);
}

static int new_file(const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", place, name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    return fd;
}

static int in_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct expected {
    char **texts;
    size_t count, met;
    int is_new;
};

static int next_expected(void *context, const char *text, size_t length, int is_new,
                         struct tow_error *own)
{
    struct expected *expected = context;

    (void)own;
    assert_int_equal(is_new, expected->is_new);
    assert_true(expected->met < expected->count);
    assert_int_equal(length, strlen(expected->texts[expected->met]));
    assert_memory_equal(text, expected->texts[expected->met], length);
    expected->met++;
    return TOW_OK;
}

/* Sorts `count` random texts with so much memory, and compares the outcome with qsort's. */
static void sorts(size_t count, size_t memory)
{
    struct tow_text_sorter *sorter = tow_text_sorter_new(folder, memory, &err);
    char **texts = calloc(count + 1, sizeof *texts);
    size_t unique = 0;
    int fd = new_file("set");

    assert_non_null(sorter);
    for (size_t i = 0; i < count; i++) {
        assert_true(asprintf(&texts[i], "%llx%*s",
                             (unsigned long long)(random_next(&seed) % (2 * count)),
                             (int)(random_next(&seed) % 20), "") >= 0);
        assert_ok(tow_text_sorter_add(sorter, texts[i], strlen(texts[i]), &err), err);
    }
    assert_ok(tow_text_sorter_finish(sorter, fd, &err), err);
    tow_text_sorter_free(sorter);
    qsort(texts, count, sizeof *texts, in_order);
    for (size_t i = 0; i < count; i++) {
        if (unique && strcmp(texts[unique - 1], texts[i]) == 0)
            free(texts[i]);
        else
            texts[unique++] = texts[i];
    }
    struct expected entered = {.texts = texts, .count = unique, .is_new = 1};
    assert_ok(tow_text_set_compare(-1, fd, next_expected, &entered, &err), err);
    assert_int_equal(entered.met, unique);
    struct expected left = {.texts = texts, .count = unique, .is_new = 0};
    assert_ok(tow_text_set_compare(fd, -1, next_expected, &left, &err), err);
    assert_int_equal(left.met, unique);
    for (size_t i = 0; i < unique; i++)
        free(texts[i]);
    free(texts);
    close(fd);
}

static void test_sorted_in_memory_and_by_merging_runs(void **state)
{
    (void)state;
    sorts(0, 0);
    sorts(1, 0);
    sorts(1000, 0);
    sorts(1000, 1);      /* a run a text: several levels */
    sorts(1000, 1000);   /* some dozens of runs */
    sorts(20000, 10000); /* some hundreds */
}

static int write_set(const char *name, const char *const *texts)
{
    struct tow_text_sorter *sorter = tow_text_sorter_new(folder, 0, &err);
    int fd = new_file(name);

    for (; *texts; texts++)
        assert_ok(tow_text_sorter_add(sorter, *texts, strlen(*texts), &err), err);
    assert_ok(tow_text_sorter_finish(sorter, fd, &err), err);
    tow_text_sorter_free(sorter);
    return fd;
}

static int note(void *context, const char *text, size_t length, int is_new, struct tow_error *own)
{
    char *all = context;

    (void)own;
    sprintf(all + strlen(all), "%c%.*s ", is_new ? '+' : '-', (int)length, text);
    return TOW_OK;
}

static void test_what_came_and_what_went(void **state)
{
    int before = write_set("before", (const char *const[]){"b", "a", "", "d", "dd", NULL});
    int now = write_set("now", (const char *const[]){"c", "a", "dd", "zz", "\xff", NULL});
    char all[100] = "";

    (void)state;
    assert_ok(tow_text_set_compare(before, now, note, all, &err), err);
    assert_string_equal(all, "- -b +c -d +zz +\xff ");
    all[0] = '\0';
    assert_ok(tow_text_set_compare(now, now, note, all, &err), err);
    assert_string_equal(all, "");
    close(before);
    close(now);
}

static int refuses(void *context, const char *text, size_t length, int is_new,
                   struct tow_error *own)
{
    (void)context;
    (void)text;
    (void)length;
    (void)is_new;
    return tow_error_set(own, TOW_E_RATE, "not now");
}

static void test_a_visit_may_end_it(void **state)
{
    int now = write_set("now", (const char *const[]){"c", "a", NULL});

    (void)state;
    assert_int_equal(tow_text_set_compare(-1, now, refuses, NULL, &err), TOW_E_RATE);
    close(now);
}

static void test_a_file_that_is_cut_off_is_told(void **state)
{
    int now = write_set("now", (const char *const[]){"abcdef", "abcdefg", NULL});
    char all[100] = "";

    (void)state;
    assert_int_equal(ftruncate(now, 15), 0);
    assert_int_equal(tow_text_set_compare(-1, now, note, all, &err), TOW_E_ENV);
    assert_says(err, "cut off");
    close(now);
}

static void test_a_text_that_is_too_long_is_refused(void **state)
{
    struct tow_text_sorter *sorter = tow_text_sorter_new(folder, 0, &err);
    char *text = calloc(1, TOW_TEXT_SET_MAX + 1);

    (void)state;
    assert_int_equal(tow_text_sorter_add(sorter, text, TOW_TEXT_SET_MAX + 1, &err), TOW_E_DATA);
    assert_ok(tow_text_sorter_add(sorter, text, TOW_TEXT_SET_MAX, &err), err);
    tow_text_sorter_free(sorter);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define SET_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        SET_TEST(test_sorted_in_memory_and_by_merging_runs),
        SET_TEST(test_what_came_and_what_went),
        SET_TEST(test_a_visit_may_end_it),
        SET_TEST(test_a_file_that_is_cut_off_is_told),
        SET_TEST(test_a_text_that_is_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
