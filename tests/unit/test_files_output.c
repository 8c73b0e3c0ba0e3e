#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "connectors/files/hidden.h"
#include "connectors/files/output.h"
#include "connectors/files/output_lock.h"
#include "connectors/files/place.h"
#include "scratch.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- helpers -------------------------------------------------------------------------------- */

struct names {
    char final[256], hidden[256];
};

static struct names names_of(void **state, const char *name)
{
    const struct scratch *scratch = *state;
    struct names names;

    snprintf(names.final, sizeof names.final, "%s/%s", scratch->folder, name);
    snprintf(names.hidden, sizeof names.hidden, "%s/.%s.tmp", scratch->folder, name);
    return names;
}

static int exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

static int mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void assert_holds(const char *path, const char *text)
{
    size_t length;
    char *content = scratch_read(path, &length);

    assert_string_equal(content, text);
    free(content);
}

static struct tow_output *create(const char *path, int gzip)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_output_spec spec = {.path = path, .gzip = gzip, .use_helpers = 1, .cancel_fd = -1};
    struct tow_output *output = tow_output_create(&spec, &err);

    if (!output)
        fail_msg("%s", err.message);
    return output;
}

static struct tow_output *resume(const char *path, int gzip, uint64_t length)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_output_spec spec = {.path = path, .gzip = gzip, .use_helpers = 1, .cancel_fd = -1};
    struct tow_output *output = tow_output_continue(&spec, length, &err);

    if (!output)
        fail_msg("%s", err.message);
    return output;
}

static void put(struct tow_output *output, const char *text)
{
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_output_write(output, text, strlen(text), &err), err);
}

static uint64_t sync_output(struct tow_output *output)
{
    struct tow_error err = TOW_ERROR_INIT;
    uint64_t length = 0;

    assert_ok(tow_output_sync(output, &length, &err), err);
    return length;
}

static void publish(const char *path)
{
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_hidden_publish(path, &err), err);
}

/* All members of a gzip file; the test fails where it is not whole. Heap, with a NUL behind. */
static char *gunzip(const char *path, size_t *members)
{
    size_t length, used = 0, room = 1 << 20;
    char *packed = scratch_read(path, &length);
    char *text = malloc(room + 1);
    z_stream stream = {.next_in = (Bytef *)packed, .avail_in = (uInt)length};

    assert_non_null(text);
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    for (*members = 0; stream.avail_in > 0; ++*members) {
        stream.next_out = (Bytef *)text + used;
        stream.avail_out = (uInt)(room - used);
        assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
        used = room - stream.avail_out;
        assert_int_equal(inflateReset(&stream), Z_OK);
    }
    inflateEnd(&stream);
    free(packed);
    text[used] = '\0';
    return text;
}

static void assert_gunzips_to(const char *path, const char *text, size_t members)
{
    size_t seen;
    char *content = gunzip(path, &seen);

    assert_string_equal(content, text);
    assert_int_equal(seen, members);
    free(content);
}

/* ---- plain files ---------------------------------------------------------------------------- */

static void test_readers_see_nothing_before_publish_and_all_after(void **state)
{
    struct names names = names_of(state, "out.csv");
    struct tow_output *output;

    scratch_write(names.final, "old", 3);
    output = create(names.final, 0);
    put(output, "new ");
    put(output, "content");
    assert_int_equal(sync_output(output), 11);
    tow_output_close(output);
    assert_holds(names.final, "old");
    publish(names.final);
    assert_holds(names.final, "new content");
    assert_false(exists(names.hidden));
}

static void test_publish_a_second_time_finds_the_work_done(void **state)
{
    struct names names = names_of(state, "out.csv");
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_output *output = create(names.final, 0);

    put(output, "x");
    sync_output(output);
    tow_output_close(output);
    publish(names.final);
    publish(names.final);
    assert_holds(names.final, "x");
    assert_int_equal(unlink(names.final), 0);
    assert_int_equal(tow_hidden_publish(names.final, &err), TOW_E_ENV);
    assert_says(err, "neither");
    assert_says(err, ".out.csv.tmp");
}

static void test_continue_cuts_what_lies_behind_the_durable_length(void **state)
{
    struct names names = names_of(state, "out.csv");
    struct tow_output *output = create(names.final, 0);
    uint64_t durable;

    put(output, "durable ");
    durable = sync_output(output);
    put(output, "lost");
    tow_output_close(output);
    assert_holds(names.hidden, "durable lost");
    output = resume(names.final, 0, durable);
    put(output, "rest");
    assert_int_equal(sync_output(output), 12);
    tow_output_close(output);
    publish(names.final);
    assert_holds(names.final, "durable rest");
}

static void test_continue_refuses_a_file_that_is_gone_or_shorter(void **state)
{
    struct names names = names_of(state, "out.csv");
    struct tow_output_spec spec = {.path = names.final, .cancel_fd = -1};
    struct tow_error err = TOW_ERROR_INIT;

    assert_null(tow_output_continue(&spec, 0, &err));
    assert_int_equal(err.code, TOW_E_ENV);
    assert_says(err, "not there");
    scratch_write(names.hidden, "abc", 3);
    assert_null(tow_output_continue(&spec, 4, &err));
    assert_int_equal(err.code, TOW_E_ENV);
    assert_says(err, "holds only 3");
    assert_holds(names.hidden, "abc");
}

static void test_create_replaces_what_an_abandoned_load_left(void **state)
{
    struct names names = names_of(state, "out.csv");
    struct tow_output *output;

    scratch_write(names.hidden, "a long leftover", 15);
    output = create(names.final, 0);
    put(output, "new");
    sync_output(output);
    tow_output_close(output);
    assert_holds(names.hidden, "new");
}

static void test_discard_removes_the_hidden_file_alone(void **state)
{
    struct names names = names_of(state, "out.csv");
    struct tow_error err = TOW_ERROR_INIT;
    int removed;

    scratch_write(names.final, "old", 3);
    tow_output_close(create(names.final, 0));
    assert_ok(tow_hidden_discard(names.final, &removed, &err), err);
    assert_int_equal(removed, 1);
    assert_false(exists(names.hidden));
    assert_ok(tow_hidden_discard(names.final, &removed, &err), err);
    assert_int_equal(removed, 0);
    assert_holds(names.final, "old");
}

static void test_new_files_obey_the_umask_and_replaced_ones_keep_their_mode(void **state)
{
    struct names fresh = names_of(state, "fresh.csv");
    struct names old = names_of(state, "old.csv");
    mode_t before = umask(027);

    tow_output_close(create(fresh.final, 0));
    publish(fresh.final);
    assert_int_equal(mode_of(fresh.final), 0640);
    scratch_write(old.final, "old", 3);
    assert_int_equal(chmod(old.final, 0606), 0);
    tow_output_close(create(old.final, 0));
    publish(old.final);
    assert_int_equal(mode_of(old.final), 0606);
    umask(before);
}

static void test_restore_copies_the_final_file(void **state)
{
    struct names names = names_of(state, "out.csv");
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_output *output;

    scratch_write(names.final, "published", 9);
    assert_int_equal(chmod(names.final, 0640), 0);
    scratch_write(names.hidden, "part of a copy", 14);
    assert_ok(tow_hidden_restore(names.final, &err), err);
    assert_holds(names.hidden, "published");
    assert_int_equal(mode_of(names.hidden), 0640);
    output = resume(names.final, 0, 9);
    put(output, " more");
    sync_output(output);
    tow_output_close(output);
    assert_holds(names.final, "published");
    publish(names.final);
    assert_holds(names.final, "published more");
    assert_int_equal(unlink(names.final), 0);
    assert_int_equal(tow_hidden_restore(names.final, &err), TOW_E_ENV);
}

/* ---- names that are something else ---------------------------------------------------------- */

static void test_links_folders_and_devices_are_refused(void **state)
{
    struct names names = names_of(state, "out.csv");
    struct tow_output_spec spec = {.path = names.final, .cancel_fd = -1};
    struct tow_error err = TOW_ERROR_INIT;
    struct names victim = names_of(state, "victim");

    scratch_write(victim.final, "precious", 8);
    assert_int_equal(symlink(victim.final, names.final), 0);
    assert_null(tow_output_create(&spec, &err));
    assert_int_equal(err.code, TOW_E_ENV);
    assert_says(err, "symbolic link");
    assert_int_equal(tow_hidden_check(names.final, &err), TOW_E_ENV);
    assert_int_equal(unlink(names.final), 0);

    assert_int_equal(mkdir(names.final, 0700), 0);
    assert_null(tow_output_create(&spec, &err));
    assert_says(err, "folder");
    assert_int_equal(rmdir(names.final), 0);

    assert_int_equal(mkfifo(names.final, 0600), 0);
    assert_null(tow_output_create(&spec, &err));
    assert_says(err, "device, pipe or socket");
    assert_int_equal(unlink(names.final), 0);
    assert_false(exists(names.hidden));
    assert_holds(victim.final, "precious");
}

static void test_a_link_under_the_hidden_name_is_never_written_through(void **state)
{
    struct names names = names_of(state, "out.csv");
    struct names victim = names_of(state, "victim");
    struct tow_output_spec spec = {.path = names.final, .cancel_fd = -1};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_output *output;

    scratch_write(victim.final, "precious", 8);
    assert_int_equal(symlink(victim.final, names.hidden), 0);
    assert_null(tow_output_continue(&spec, 3, &err));
    assert_says(err, "symbolic link");
    assert_int_equal(tow_hidden_publish(names.final, &err), TOW_E_ENV);
    assert_true(exists(names.hidden));
    output = create(names.final, 0);
    put(output, "new");
    sync_output(output);
    tow_output_close(output);
    assert_holds(victim.final, "precious");
    assert_holds(names.hidden, "new");
}

static void test_check_tells_what_stands_in_the_way(void **state)
{
    struct names names = names_of(state, "missing/out.csv");
    struct names folder = names_of(state, "");
    struct tow_error err = TOW_ERROR_INIT;
    char long_name[600];

    assert_int_equal(tow_hidden_check(names.final, &err), TOW_E_ENV);
    assert_says(err, "missing");
    assert_int_equal(tow_hidden_check(folder.final, &err), TOW_E_CONFIG);
    assert_says(err, "names a folder");
    snprintf(long_name, sizeof long_name, "%s%0250d", folder.final, 7);
    assert_int_equal(tow_hidden_check(long_name, &err), TOW_E_CONFIG);
    assert_says(err, "too long: 250 bytes");
    names = names_of(state, "out.csv");
    assert_ok(tow_hidden_check(names.final, &err), err);
    assert_false(exists(names.hidden));
}

/* In a child; 0 where check and create say what they should. */
static int use_unwritable_folder(const struct scratch *scratch)
{
    struct tow_error err = TOW_ERROR_INIT;
    char path[256];
    struct tow_output_spec spec = {.path = path, .cancel_fd = -1};

    snprintf(path, sizeof path, "%s/out.csv", scratch->folder);
    if (chmod(scratch->folder, 0500) != 0)
        return 1;
    if (tow_hidden_check(path, &err) != TOW_E_ENV || !strstr(err.message, "write in folder"))
        return 2;
    if (tow_output_create(&spec, &err) || err.code != TOW_E_ENV)
        return 3;
    if (tow_output_lock_take(path, &err) || !strstr(err.message, "Permission denied"))
        return 4;
    snprintf(path, sizeof path, "%s/new/folder/out.csv", scratch->folder);
    return tow_place_check_folders(path, &err) == TOW_E_ENV ? 0 : 5;
}

static void test_a_folder_that_may_not_be_written_is_told_early(void **state)
{
    assert_int_equal(scratch_child(*state, use_unwritable_folder, 1), 0);
}

static void test_missing_folders_are_made(void **state)
{
    struct names names = names_of(state, "a/b//c/out.csv");
    struct tow_error err = TOW_ERROR_INIT;
    struct names file = names_of(state, "file");

    assert_false(tow_place_has_folder(names.final));
    assert_ok(tow_place_check_folders(names.final, &err), err);
    assert_ok(tow_place_make_folders(names.final, &err), err);
    assert_ok(tow_place_make_folders(names.final, &err), err);
    assert_true(tow_place_has_folder(names.final));
    assert_ok(tow_hidden_check(names.final, &err), err);
    assert_ok(tow_place_make_folders("just-a-name", &err), err);
    scratch_write(file.final, "", 0);
    names = names_of(state, "file/out.csv");
    assert_int_equal(tow_hidden_check(names.final, &err), TOW_E_ENV);
}

/* ---- the lock ------------------------------------------------------------------------------- */

static void test_a_second_load_of_the_same_path_is_refused(void **state)
{
    struct names names = names_of(state, "out.csv");
    struct names file = names_of(state, ".out.csv.lock");
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_output_lock *lock = tow_output_lock_take(names.final, &err);

    assert_non_null(lock);
    assert_null(tow_output_lock_take(names.final, &err));
    assert_int_equal(err.code, TOW_E_ENV);
    assert_says(err, "being written by another run");
    assert_says(err, "out.csv");
    assert_true(exists(file.final));
    tow_output_lock_drop(lock);
    assert_false(exists(file.final));
    /* As a killed process leaves it. */
    scratch_write(file.final, "", 0);
    lock = tow_output_lock_take(names.final, &err);
    assert_non_null(lock);
    tow_output_lock_drop(lock);
    tow_output_lock_drop(NULL);
}

/* ---- gzip ----------------------------------------------------------------------------------- */

static void test_gzip_can_be_cut_at_every_sync(void **state)
{
    static const char *const pieces[] = {"first piece\n", "second piece\n", "third piece\n"};
    struct names names = names_of(state, "out.gz");
    char expected[256] = "";
    uint64_t durable[COUNT(pieces)];
    struct tow_output *output = create(names.final, 1);

    for (size_t i = 0; i < COUNT(pieces); i++) {
        put(output, pieces[i]);
        durable[i] = sync_output(output);
        assert_int_equal(sync_output(output), durable[i]); /* nothing new: no empty member */
    }
    put(output, "never durable");
    tow_output_close(output);
    for (size_t i = COUNT(pieces); i-- > 0;) {
        strcpy(expected, "");
        for (size_t k = 0; k <= i; k++)
            strcat(expected, pieces[k]);
        tow_output_close(resume(names.final, 1, durable[i]));
        assert_gunzips_to(names.hidden, expected, i + 1);
    }
    output = resume(names.final, 1, durable[0]);
    put(output, "other piece\n");
    sync_output(output);
    tow_output_close(output);
    publish(names.final);
    assert_gunzips_to(names.final, "first piece\nother piece\n", 2);
}

static void test_an_empty_gzip_file_is_one_empty_member(void **state)
{
    struct names names = names_of(state, "out.gz");
    struct tow_output *output = create(names.final, 1);
    uint64_t length = sync_output(output);

    assert_true(length > 0);
    assert_int_equal(sync_output(output), length);
    tow_output_close(output);
    assert_gunzips_to(names.hidden, "", 1);
}

static void test_gzip_of_every_level_reads_back(void **state)
{
    enum { SIZE = 700000 };
    struct names names = names_of(state, "out.gz");
    char *text = malloc(SIZE + 1);
    uint64_t seed = 7;

    assert_non_null(text);
    for (size_t i = 0; i < SIZE; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        /* Half of it packs well, half hardly: both kinds of block occur. */
        text[i] = i < SIZE / 2 ? (char)('a' + i % 7) : (char)(1 + (seed >> 57));
    }
    text[SIZE] = '\0';
    for (int level = 0; level <= TOW_GZIP_LEVEL_MAX; level++) {
        struct tow_output_spec spec = {
            .path = names.final, .gzip = 1, .level = level, .cancel_fd = -1};
        struct tow_error err = TOW_ERROR_INIT;
        struct tow_output *output = tow_output_create(&spec, &err);
        const size_t cuts[] = {0, 1, 65536, 300000, 300001, SIZE};

        assert_non_null(output);
        for (size_t i = 0; i + 1 < COUNT(cuts); i++) {
            assert_ok(tow_output_write(output, text + cuts[i], cuts[i + 1] - cuts[i], &err), err);
            if (i % 2)
                sync_output(output);
        }
        sync_output(output);
        tow_output_close(output);
        assert_gunzips_to(names.hidden, text, 3);
    }
    free(text);
}

static void test_a_level_that_does_not_exist_is_refused(void **state)
{
    struct names names = names_of(state, "out.gz");
    struct tow_output_spec spec = {.path = names.final, .gzip = 1, .level = 10, .cancel_fd = -1};
    struct tow_error err = TOW_ERROR_INIT;

    assert_null(tow_output_create(&spec, &err));
    assert_int_equal(err.code, TOW_E_CONFIG);
    assert_says(err, "level 10");
}

/* ---- failures ------------------------------------------------------------------------------- */

static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void check_full_disk(void **state, int gzip)
{
    enum { SIZE = 600000 };
    struct names names = names_of(state, "out.data");
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_output *output = create(names.final, gzip);
    char *noise = malloc(SIZE);
    uint64_t length = 0, seed = 3, durable;

    assert_non_null(noise);
    for (size_t i = 0; i < SIZE; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        noise[i] = (char)(seed >> 56);
    }
    put(output, "durable");
    durable = sync_output(output);
    signal(SIGXFSZ, SIG_IGN);
    limit_file_size(70000);
    /* Where other threads compress, what comes of a piece is told with a later one. */
    for (int i = 0; i < 10 && err.code == TOW_OK; i++)
        tow_output_write(output, noise, SIZE, &err);
    assert_int_equal(err.code, TOW_E_ENV);
    limit_file_size(RLIM_INFINITY);
    signal(SIGXFSZ, SIG_DFL);
    assert_says(err, "nothing was published");
    assert_says(err, "70000 bytes are kept in");
    assert_says(err, ".out.data.tmp");
    assert_says(err, "File too large");
    assert_int_equal(tow_output_write(output, "x", 1, &err), TOW_E_BUG);
    assert_int_equal(tow_output_sync(output, &length, &err), TOW_E_BUG);
    tow_output_close(output);
    output = resume(names.final, gzip, durable);
    put(output, " and more");
    sync_output(output);
    tow_output_close(output);
    if (gzip)
        assert_gunzips_to(names.hidden, "durable and more", 2);
    else
        assert_holds(names.hidden, "durable and more");
    free(noise);
}

static void test_a_full_disk_leaves_what_was_durable(void **state)
{
    check_full_disk(state, 0);
}

static void test_a_full_disk_leaves_whole_gzip_members(void **state)
{
    check_full_disk(state, 1);
}

/* ---- standard output ------------------------------------------------------------------------ */

/* Runs body with its standard output on `fd`; its exit code. */
static int with_stdout(int fd, int (*body)(int cancel_fd), int cancel_fd)
{
    pid_t child;
    int status;

    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGPIPE, SIG_IGN);
        dup2(fd, STDOUT_FILENO);
        close(fd); /* the reader's end of a pipe must be the only one left */
        _exit(body(cancel_fd));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* 0 where all went well, 1 where a write failed as `wanted`, 2 otherwise. */
static int write_stdout(int cancel_fd, int gzip, size_t size, int wanted, const char *says)
{
    struct tow_output_spec spec = {.path = "-", .gzip = gzip, .cancel_fd = cancel_fd};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_output *output = tow_output_create(&spec, &err);
    char *text = malloc(size);
    uint64_t length;
    int code;

    if (!output || !text)
        return 2;
    memset(text, 'x', size);
    code = tow_output_write(output, text, size, &err);
    if (code == TOW_OK)
        code = tow_output_sync(output, &length, &err);
    tow_output_close(output);
    free(text);
    if (code == TOW_OK)
        return 0;
    return code == wanted && strstr(err.message, says) ? 1 : 2;
}

static int write_small(int cancel_fd)
{
    return write_stdout(cancel_fd, 0, 5, TOW_OK, "");
}

static int write_small_gzip(int cancel_fd)
{
    return write_stdout(cancel_fd, 1, 5, TOW_OK, "");
}

static int write_to_nobody(int cancel_fd)
{
    return write_stdout(cancel_fd, 0, 100000, TOW_E_ENV, "write standard output: Broken pipe");
}

static int write_to_full(int cancel_fd)
{
    return write_stdout(cancel_fd, 0, 5, TOW_E_ENV, "standard output: No space left on device");
}

static int write_until_cancelled(int cancel_fd)
{
    return write_stdout(cancel_fd, 0, 1 << 20, TOW_E_CANCELLED, "reader of standard output");
}

static void test_standard_output_is_written_through(void **state)
{
    struct names names = names_of(state, "captured");
    int fd = open(names.final, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_int_equal(with_stdout(fd, write_small, -1), 0);
    assert_holds(names.final, "xxxxx");
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(with_stdout(fd, write_small_gzip, -1), 0);
    assert_gunzips_to(names.final, "xxxxx", 1);
    close(fd);
}

static void test_a_reader_that_went_away_is_an_error(void **state)
{
    int ends[2], full;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(with_stdout(ends[1], write_to_nobody, -1), 1);
    close(ends[1]);
    full = open("/dev/full", O_WRONLY);
    assert_true(full >= 0);
    assert_int_equal(with_stdout(full, write_to_full, -1), 1);
    close(full);
}

static void test_a_reader_that_waits_does_not_hold_up_the_end(void **state)
{
    int ends[2], cancel[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe(cancel), 0);
    assert_int_equal(write(cancel[1], "x", 1), 1);
    /* The pipe takes what it has room for, though the run is being stopped; then there is no wait.
     */
    assert_int_equal(with_stdout(ends[1], write_until_cancelled, cancel[0]), 1);
    for (int i = 0; i < 2; i++) {
        close(ends[i]);
        close(cancel[i]);
    }
}

int main(void)
{
#define SCRATCH_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_readers_see_nothing_before_publish_and_all_after),
        SCRATCH_TEST(test_publish_a_second_time_finds_the_work_done),
        SCRATCH_TEST(test_continue_cuts_what_lies_behind_the_durable_length),
        SCRATCH_TEST(test_continue_refuses_a_file_that_is_gone_or_shorter),
        SCRATCH_TEST(test_create_replaces_what_an_abandoned_load_left),
        SCRATCH_TEST(test_discard_removes_the_hidden_file_alone),
        SCRATCH_TEST(test_new_files_obey_the_umask_and_replaced_ones_keep_their_mode),
        SCRATCH_TEST(test_restore_copies_the_final_file),
        SCRATCH_TEST(test_links_folders_and_devices_are_refused),
        SCRATCH_TEST(test_a_link_under_the_hidden_name_is_never_written_through),
        SCRATCH_TEST(test_check_tells_what_stands_in_the_way),
        SCRATCH_TEST(test_a_folder_that_may_not_be_written_is_told_early),
        SCRATCH_TEST(test_missing_folders_are_made),
        SCRATCH_TEST(test_a_second_load_of_the_same_path_is_refused),
        SCRATCH_TEST(test_gzip_can_be_cut_at_every_sync),
        SCRATCH_TEST(test_an_empty_gzip_file_is_one_empty_member),
        SCRATCH_TEST(test_gzip_of_every_level_reads_back),
        SCRATCH_TEST(test_a_level_that_does_not_exist_is_refused),
        SCRATCH_TEST(test_a_full_disk_leaves_what_was_durable),
        SCRATCH_TEST(test_a_full_disk_leaves_whole_gzip_members),
        SCRATCH_TEST(test_standard_output_is_written_through),
        SCRATCH_TEST(test_a_reader_that_went_away_is_an_error),
        SCRATCH_TEST(test_a_reader_that_waits_does_not_hold_up_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
