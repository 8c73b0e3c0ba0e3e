#include "unit.h"

#include <pthread.h>
#include <unistd.h>

#include "log.h"

struct capture {
    FILE *file;
    int saved; /* stderr as it was */
    char *text;
};

/* stderr goes to a file until it is read. */
static int capture_start(void **state)
{
    struct capture *capture = calloc(1, sizeof *capture);

    capture->file = tmpfile();
    capture->saved = dup(STDERR_FILENO);
    *state = capture;
    if (!capture->file || dup2(fileno(capture->file), STDERR_FILENO) < 0)
        return -1;
    tow_log_setup(TOW_LOG_INFO, TOW_LOG_TEXT);
    return 0;
}

static int capture_end(void **state)
{
    struct capture *capture = *state;

    tow_log_live(NULL);
    dup2(capture->saved, STDERR_FILENO);
    close(capture->saved);
    fclose(capture->file);
    free(capture->text);
    free(capture);
    return 0;
}

/* All that was written so far. */
static char *captured(void **state)
{
    struct capture *capture = *state;
    long size;

    fseek(capture->file, 0, SEEK_END);
    size = ftell(capture->file);
    rewind(capture->file);
    free(capture->text);
    capture->text = calloc(1, (size_t)size + 1);
    assert_int_equal(fread(capture->text, 1, (size_t)size, capture->file), size);
    return capture->text;
}

static void test_a_line_names_its_job(void **state)
{
    tow_log_name("orders");
    tow_log_line(TOW_LOG_WARN, "source csv", "7 rows");
    tow_log_setup(TOW_LOG_INFO, TOW_LOG_JSON);
    tow_log_line(TOW_LOG_WARN, "source csv", "8 rows");
    tow_log_name(NULL);
    tow_log_line(TOW_LOG_WARN, "source csv", "9 rows");
    const char *said = captured(state);
    assert_memory_equal(said, "towpath: orders: warning: source csv: 7 rows\n", 45);
    assert_non_null(
        strstr(said, "\"area\":\"source csv\",\"job\":\"orders\",\"message\":\"8 rows\"}\n"));
    assert_non_null(strstr(said, "\"area\":\"source csv\",\"message\":\"9 rows\"}\n"));
}

static void test_a_line_names_level_and_area(void **state)
{
    tow_log_line(TOW_LOG_WARN, "source csv", "%d rows", 7);
    tow_log_line(TOW_LOG_ERROR, NULL, "no area");
    assert_string_equal(captured(state), "towpath: warning: source csv: 7 rows\n"
                                         "towpath: error: no area\n");
}

static void test_lines_below_the_level_are_left_out(void **state)
{
    tow_log_line(TOW_LOG_DEBUG, "run", "quiet");
    tow_log_setup(TOW_LOG_ERROR, TOW_LOG_TEXT);
    tow_log_line(TOW_LOG_WARN, "run", "quiet too");
    assert_string_equal(captured(state), "");
}

static void test_a_level_from_elsewhere_counts_as_the_nearest(void **state)
{
    tow_log_line(99, "p", "loud");
    tow_log_line(-5, "p", "quiet");
    assert_string_equal(captured(state), "towpath: error: p: loud\n");
}

static void test_control_characters_become_spaces_in_text(void **state)
{
    tow_log_line(TOW_LOG_INFO, "p", "a\nb\033[2Jc\177d");
    assert_string_equal(captured(state), "towpath: info: p: a b [2Jc d\n");
}

static void test_debug_shows_the_time(void **state)
{
    int year, month, day, hour, minute, second, millisecond, end = 0;

    tow_log_setup(TOW_LOG_DEBUG, TOW_LOG_TEXT);
    tow_log_line(TOW_LOG_DEBUG, "p", "x");
    assert_int_equal(sscanf(captured(state), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ towpath: debug: p: x%n",
                            &year, &month, &day, &hour, &minute, &second, &millisecond, &end),
                     7);
    assert_int_not_equal(end, 0);
}

static void test_json_escapes_text_and_repairs_bytes(void **state)
{
    const char *line;

    tow_log_setup(TOW_LOG_INFO, TOW_LOG_JSON);
    tow_log_line(TOW_LOG_INFO, "p", "say \"hi\"\n\xff");
    tow_log_line(TOW_LOG_ERROR, NULL, "x");
    line = captured(state);
    assert_memory_equal(line, "{\"time\":\"2", 10);
    assert_non_null(strstr(line, "Z\",\"level\":\"info\",\"area\":\"p\",\"message\":"
                                 "\"say \\\"hi\\\"\\n\xef\xbf\xbd\"}\n"));
    assert_non_null(strstr(line, "\"level\":\"error\",\"area\":null,\"message\":\"x\"}\n"));
}

static void test_a_long_line_is_cut(void **state)
{
    char *text = calloc(1, 20001);
    size_t length;

    memset(text, 'x', 20000);
    tow_log_line(TOW_LOG_INFO, "p", "%s", text);
    free(text);
    length = strlen(captured(state));
    assert_in_range(length, 8000, 8300);
    assert_int_equal(((struct capture *)*state)->text[length - 1], '\n');
}

static void test_a_line_wipes_the_live_line(void **state)
{
    tow_log_live("12 rows");
    tow_log_line(TOW_LOG_INFO, "p", "x");
    tow_log_line(TOW_LOG_INFO, "p", "y");
    assert_string_equal(captured(state), "\r\033[K12 rows\r\033[Ktowpath: info: p: x\n"
                                         "towpath: info: p: y\n");
}

static void test_null_wipes_the_live_line_once(void **state)
{
    tow_log_live(NULL);
    tow_log_live("12 rows");
    tow_log_live(NULL);
    tow_log_live(NULL);
    assert_string_equal(captured(state), "\r\033[K12 rows\r\033[K");
}

#define THREADS 4
#define LINES   200

static void *write_lines(void *context)
{
    for (int i = 0; i < LINES; i++)
        tow_log_line(TOW_LOG_INFO, "p", "%s 0123456789 0123456789 end", (const char *)context);
    return NULL;
}

static void test_lines_of_several_threads_stay_whole(void **state)
{
    static const char *const names[THREADS] = {"a", "b", "c", "d"};
    pthread_t threads[THREADS];
    int count = 0;

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, (void *)names[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (char *line = strtok(captured(state), "\n"); line; line = strtok(NULL, "\n")) {
        char name, rest[40];

        assert_int_equal(sscanf(line, "towpath: info: p: %c %39[^\n]", &name, rest), 2);
        assert_string_equal(rest, "0123456789 0123456789 end");
        count++;
    }
    assert_int_equal(count, THREADS * LINES);
}

#define log_test(test) cmocka_unit_test_setup_teardown(test, capture_start, capture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        log_test(test_a_line_names_its_job),
        log_test(test_a_line_names_level_and_area),
        log_test(test_lines_below_the_level_are_left_out),
        log_test(test_a_level_from_elsewhere_counts_as_the_nearest),
        log_test(test_control_characters_become_spaces_in_text),
        log_test(test_debug_shows_the_time),
        log_test(test_json_escapes_text_and_repairs_bytes),
        log_test(test_a_long_line_is_cut),
        log_test(test_a_line_wipes_the_live_line),
        log_test(test_null_wipes_the_live_line_once),
        log_test(test_lines_of_several_threads_stay_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
