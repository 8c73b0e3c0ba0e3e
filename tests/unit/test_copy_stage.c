/* Places by the option `stage`, and files there. Volumes and S3 are those of a fake workspace. */
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_lake.h"
#include "plugins/databricks_copy/stage.h"
#include "scratch.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void test_places_are_told_apart_and_put_together(void **state)
{
    static const struct {
        const char *text;
        enum tow_copy_place_kind kind;
        const char *path, *uri;
    } cases[] = {
        {"/Volumes/a/b/c", TOW_COPY_VOLUME, "/Volumes/a/b/c/j/l/f", "/Volumes/a/b/c/j/l/"},
        {"/Volumes/a/b/c/_d/", TOW_COPY_VOLUME, "/Volumes/a/b/c/_d/j/l/f",
         "/Volumes/a/b/c/_d/j/l/"},
        {"s3://bucket", TOW_COPY_S3, "j/l/f", "s3://bucket/j/l/"},
        {"s3://bucket/", TOW_COPY_S3, "j/l/f", "s3://bucket/j/l/"},
        {"s3://bucket/a/b/", TOW_COPY_S3, "a/b/j/l/f", "s3://bucket/a/b/j/l/"},
        {"file:///tmp/x", TOW_COPY_FOLDER, "/tmp/x/j/l/f", "file:///tmp/x/j/l/"},
    };
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tow_buffer path = {.data = NULL}, uri = {.data = NULL};
        struct tow_copy_place place;

        assert_ok(tow_copy_place_init(&place, cases[i].text, &err), err);
        assert_int_equal(place.kind, cases[i].kind);
        assert_ok(tow_copy_place_path(&place, &path, "j/l", "f", &err), err);
        assert_ok(tow_copy_place_uri(&place, &uri, "j/l", &err), err);
        assert_string_equal(path.data, cases[i].path);
        assert_string_equal(uri.data, cases[i].uri);
        tow_buffer_release(&path);
        tow_buffer_release(&uri);
        tow_copy_place_release(&place);
    }
}

static void test_places_that_cannot_be_are_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "x",
                                        "/Volumes",
                                        "/Volumes/a/b",
                                        "/Volumes/a//b/c",
                                        "/volumes/a/b/c",
                                        "/Volumes/a/b/.",
                                        "/Volumes/a/b/c/..",
                                        "s3:///x",
                                        "s3://",
                                        "file:///",
                                        "file://x/y",
                                        "gs://b/x",
                                        "/Volumes/a/b/c'",
                                        "/Volumes/a/b/c\n",
                                        "/Volumes/a/b/{c}",
                                        "/Volumes/a/b/c%20",
                                        "/Volumes/a/b/\xff"};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct tow_error err = TOW_ERROR_INIT;
        struct tow_copy_place place;

        if (tow_copy_place_init(&place, texts[i], &err) != TOW_E_CONFIG)
            fail_msg("\"%s\" is taken", texts[i]);
        assert_says(err, "stage \"");
        tow_copy_place_release(&place);
    }
}

/* ---- a folder of this machine --------------------------------------------------------------- */

struct fixture {
    struct tow_copy_place place;
    struct tow_copy_stage *stage;
    char root[160];
    int fd; /* of a file that holds "0123456789" */
    struct tow_error err;
};

static void open_folder(struct fixture *f, void **state)
{
    const struct scratch *scratch = *state;
    char text[200], path[200];

    *f = (struct fixture){.err = TOW_ERROR_INIT};
    snprintf(f->root, sizeof f->root, "%s/stage", scratch->folder);
    assert_int_equal(mkdir(f->root, 0700), 0);
    snprintf(text, sizeof text, "file://%s", f->root);
    assert_ok(tow_copy_place_init(&f->place, text, &f->err), f->err);
    f->stage = tow_copy_stage_new(&f->place, NULL, NULL, -1, &f->err);
    assert_non_null(f->stage);
    snprintf(path, sizeof path, "%s/content", scratch->folder);
    scratch_write(path, "0123456789", 10);
    f->fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(f->fd >= 0);
}

static void close_folder(struct fixture *f)
{
    tow_copy_stage_free(f->stage);
    tow_copy_place_release(&f->place);
    close(f->fd);
}

static int exists(const struct fixture *f, const char *name)
{
    char path[300];

    snprintf(path, sizeof path, "%s/%s", f->root, name);
    return access(path, F_OK) == 0;
}

static void test_a_file_appears_whole_and_goes(void **state)
{
    struct fixture f;
    char path[300], *content;
    size_t length;

    open_folder(&f, state);
    assert_ok(tow_copy_stage_put(f.stage, "job/load", "a.csv.gz", f.fd, 10, &f.err), f.err);
    assert_ok(tow_copy_stage_put(f.stage, "job/load", "a.csv.gz", f.fd, 4, &f.err), f.err);
    snprintf(path, sizeof path, "%s/job/load/a.csv.gz", f.root);
    content = scratch_read(path, &length);
    assert_string_equal(content, "0123");
    free(content);
    assert_false(exists(&f, "job/load/.a.csv.gz.tmp"));
    assert_ok(tow_copy_stage_remove_folder(f.stage, "job/load", &f.err), f.err);
    assert_true(exists(&f, "job/load"));
    assert_ok(tow_copy_stage_remove(f.stage, "job/load", "a.csv.gz", &f.err), f.err);
    assert_ok(tow_copy_stage_remove(f.stage, "job/load", "a.csv.gz", &f.err), f.err);
    assert_ok(tow_copy_stage_remove_folder(f.stage, "job/load", &f.err), f.err);
    assert_ok(tow_copy_stage_remove_folder(f.stage, "job/load", &f.err), f.err);
    assert_ok(tow_copy_stage_remove(f.stage, "job/load", "a.csv.gz", &f.err), f.err);
    assert_false(exists(&f, "job/load"));
    close_folder(&f);
}

static void test_what_a_killed_put_has_left_goes_with_its_file(void **state)
{
    struct fixture f;
    char path[300];

    open_folder(&f, state);
    assert_ok(tow_copy_stage_put(f.stage, "job/load", "a", f.fd, 10, &f.err), f.err);
    snprintf(path, sizeof path, "%s/job/load/.b.tmp", f.root);
    scratch_write(path, "half", 4);
    assert_ok(tow_copy_stage_remove(f.stage, "job/load", "b", &f.err), f.err);
    assert_false(exists(&f, "job/load/.b.tmp"));
    assert_true(exists(&f, "job/load/a"));
    close_folder(&f);
}

static void test_a_file_that_ends_early_is_no_part(void **state)
{
    struct fixture f;

    open_folder(&f, state);
    assert_int_equal(tow_copy_stage_put(f.stage, "job/load", "a", f.fd, 11, &f.err), TOW_E_ENV);
    assert_says(f.err, "read back a part");
    assert_false(exists(&f, "job/load/a"));
    close_folder(&f);
}

static int list_one(void *context, const struct tow_copy_entry *entry, struct tow_error *err)
{
    char *seen = context;

    (void)err;
    assert_true(entry->modified_ms > INT64_C(1500000000000));
    strcat(strcat(seen, entry->name), entry->is_folder ? "/ " : " ");
    return strcmp(entry->name, "stop") == 0 ? TOW_END : TOW_OK;
}

static void test_a_folder_is_listed(void **state)
{
    char seen[100] = "";
    struct fixture f;

    open_folder(&f, state);
    assert_ok(tow_copy_stage_each(f.stage, "job", list_one, seen, &f.err), f.err);
    assert_string_equal(seen, "");
    assert_ok(tow_copy_stage_put(f.stage, "job/load", "a", f.fd, 10, &f.err), f.err);
    assert_ok(tow_copy_stage_each(f.stage, "job", list_one, seen, &f.err), f.err);
    assert_ok(tow_copy_stage_each(f.stage, "job/load", list_one, seen, &f.err), f.err);
    assert_string_equal(seen, "load/ a ");
    assert_ok(tow_copy_stage_put(f.stage, "stops", "stop", f.fd, 10, &f.err), f.err);
    assert_int_equal(tow_copy_stage_each(f.stage, "stops", list_one, seen, &f.err), TOW_END);
    close_folder(&f);
}

static void test_s3_is_not_listed_and_has_no_folders(void **state)
{
    const struct tow_s3_settings settings = {.bucket = "bucket", .access_key = "AK"};
    struct tow_error err = TOW_ERROR_INIT;
    const char *access_key, *secret_key, *token;
    struct tow_copy_place place;
    struct tow_copy_stage *stage;
    char seen[100] = "";
    struct lake lake;

    (void)state;
    lake_init(&lake);
    assert_ok(tow_copy_place_init(&place, "s3://bucket/p", &err), err);
    stage = tow_copy_stage_new(&place, NULL, &settings, -1, &err);
    assert_non_null(stage);
    assert_ok(tow_copy_stage_each(stage, "job", list_one, seen, &err), err);
    assert_ok(tow_copy_stage_remove_folder(stage, "job", &err), err);
    assert_string_equal(seen, "");
    tow_copy_stage_keys(stage, &access_key, &secret_key, &token);
    assert_string_equal(access_key, "AK");
    tow_copy_stage_free(stage);
    tow_copy_place_release(&place);
    lake_release(&lake);
}

#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_are_told_apart_and_put_together),
        cmocka_unit_test(test_places_that_cannot_be_are_refused),
        STAGE_TEST(test_a_file_appears_whole_and_goes),
        STAGE_TEST(test_what_a_killed_put_has_left_goes_with_its_file),
        STAGE_TEST(test_a_file_that_ends_early_is_no_part),
        STAGE_TEST(test_a_folder_is_listed),
        cmocka_unit_test(test_s3_is_not_listed_and_has_no_folders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
