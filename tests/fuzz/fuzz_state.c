/*
 * What lies in the state and beside it, and may have been damaged or written by hand: positions of
 * csv ('c') and events ('e'), tokens of the sink file ('f'), a file of rejects ('r', whose length
 * by the state stands in the second byte, as parts of 255), and words in options ('w': a value, a
 * line end, and the option's text).
 */
#include <stdint.h>
#include <unistd.h>

#include "config/option/words.h"
#include "fuzz_demand.h"
#include "plugins/csv/resume.h"
#include "plugins/events/position.h"
#include "plugins/file/token.h"
#include "state/rejects.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- positions --------------------------------------------------------------------------------
 */

static void demand_class(int code, struct tow_error *err)
{
    demand(code == TOW_E_ENV || code == TOW_E_CONFIG, "a refusal");
    demand_message(err);
}

static void demand_same(const struct tow_position *a, const struct tow_position *b)
{
    demand(a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0,
           "the same position");
}

/* What can be read can be written, and is then read and written as the same. */
static void try_csv(const struct tow_position *position)
{
    struct tow_position first = {.size = sizeof first}, second = {.size = sizeof second};
    struct tow_csv_resume *resume = calloc(1, sizeof *resume);
    struct tow_error err = TOW_ERROR_INIT;
    int code;

    demand(resume != NULL, "memory");
    code = tow_csv_resume_get(resume, position, &err);
    if (code == TOW_OK) {
        demand(resume->at.offset >= 0 && resume->line > 0 && resume->rows >= 0, "a place");
        demand(strlen(resume->path) <= TOW_CSV_PATH_MAX, "a path that fits");
        tow_csv_resume_put(resume, &first);
        demand(tow_csv_resume_get(resume, &first, &err) == TOW_OK, "a position that reads again");
        tow_csv_resume_put(resume, &second);
        demand_same(&first, &second);
    } else if (code != TOW_END) {
        demand_class(code, &err);
    } else {
        demand(position->length == 0, "none where there is none");
    }
    free(resume);
}

static void try_events(const struct tow_position *from)
{
    struct tow_position first = {.size = sizeof first}, second = {.size = sizeof second};
    struct tow_events_position *position = calloc(1, sizeof *position);
    struct tow_error err = TOW_ERROR_INIT;
    int code;

    demand(position != NULL, "memory");
    code = tow_events_position_get(position, from, &err);
    if (code == TOW_OK) {
        demand(position->at.offset >= 0 && position->line >= 0 && position->taken >= 0, "a place");
        demand((position->place == TOW_EVENTS_NOWHERE) == (from->length == 0), "somewhere");
        demand(strlen(position->path) <= TOW_EVENTS_PATH_MAX, "a path that fits");
        tow_events_position_put(position, &first);
        demand(tow_events_position_get(position, &first, &err) == TOW_OK, "that reads again");
        tow_events_position_put(position, &second);
        demand_same(&first, &second);
    } else {
        demand_class(code, &err);
    }
    free(position);
}

static void try_file_token(const struct tow_position *position)
{
    struct tow_position first = {.size = sizeof first}, second = {.size = sizeof second};
    struct tow_file_token *token = calloc(1, sizeof *token);
    struct tow_error err = TOW_ERROR_INIT;
    int code;

    demand(token != NULL, "memory");
    code = tow_file_token_read(position, token, &err);
    if (code == TOW_OK) {
        demand(strlen(token->path) <= TOW_FILE_PATH_MAX, "a path that fits");
        tow_file_token_write(token, &first);
        demand(first.length <= TOW_POSITION_MAX, "a token that fits");
        demand(tow_file_token_read(&first, token, &err) == TOW_OK, "a token that reads again");
        tow_file_token_write(token, &second);
        demand_same(&first, &second);
    } else {
        demand_class(code, &err);
    }
    free(token);
}

static void try_position(int which, const uint8_t *data, size_t size)
{
    struct tow_position position = {.size = sizeof position};

    position.length = (uint32_t)(size < TOW_POSITION_MAX ? size : TOW_POSITION_MAX);
    if (position.length)
        memcpy(position.bytes, data, position.length);
    if (which == 'c')
        try_csv(&position);
    else if (which == 'e')
        try_events(&position);
    else
        try_file_token(&position);
}

/* ---- rejects ----------------------------------------------------------------------------------
 */

/* Puts the rows of a file into a builder; their number. What is made a reject anew says the same.
 */
static int64_t read_rejects(struct tow_reject_reader *reader, struct tow_builder *builder)
{
    struct tow_error err = TOW_ERROR_INIT;
    int64_t rows = 0;
    const char *line;
    size_t length;
    int code;

    while ((code = tow_reject_reader_next(reader, &line, &length, &err)) == TOW_OK) {
        demand(!memchr(line, '\n', length), "a line");
        code = tow_reject_parse(reader, line, length, builder, &err);
        if (code == TOW_OK) {
            demand(tow_builder_end_row(builder, &err) == TOW_OK, "a row");
            rows++;
        } else if (code != TOW_END) {
            demand(code == TOW_E_DATA, "a damaged line is at fault itself");
            demand_message(&err);
        }
        err = (struct tow_error)TOW_ERROR_INIT;
    }
    demand(code == TOW_END || code == TOW_E_ENV || code == TOW_E_DATA, "an end");
    return rows;
}

/* Each row is written as a line, and read back as the same row. */
static void write_again(const struct tow_reject_reader *reader, const struct ArrowArray *array)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct ArrowSchema *schema = tow_reject_reader_schema(reader);
    struct tow_json_writer *writer = tow_json_writer_new(schema, TOW_JSON_OMIT_NULLS, &err);
    struct tow_builder *builder = tow_builder_new_schema(schema, &err);
    struct tow_buffer line = {0}, again = {0};
    struct ArrowArray back;

    demand(writer && builder, "a writer");
    for (int64_t row = 0; row < array->length; row++) {
        const struct tow_reject_row reject = {"code", "message", "sink", "a \"b\"", 7, row, array};

        line.size = 0;
        demand(tow_reject_line(&line, writer, &reject, &err) == TOW_OK, "a line");
        demand(tow_reject_parse(reader, line.data, line.size - 1, builder, &err) == TOW_OK,
               "a line that is read");
        demand(tow_builder_end_row(builder, &err) == TOW_OK, "a row");
    }
    demand(tow_builder_finish(builder, &back, &err) == TOW_OK, "the rows");
    demand(tow_array_validate(&back, schema, &err) == TOW_OK, "sound rows");
    line.size = 0;
    demand(tow_json_writer_rows(writer, array, 0, array->length, &line, &err) == TOW_OK &&
               tow_json_writer_rows(writer, &back, 0, back.length, &again, &err) == TOW_OK,
           "rows as JSON");
    demand(line.size == again.size && (!line.size || memcmp(line.data, again.data, line.size) == 0),
           "the same rows");
    back.release(&back);
    tow_buffer_release(&line);
    tow_buffer_release(&again);
    tow_builder_free(builder);
    tow_json_writer_free(writer);
}

static void try_reader(struct tow_reject_reader *reader)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct ArrowSchema *schema = tow_reject_reader_schema(reader);
    struct tow_builder *builder;
    struct ArrowArray array;
    int64_t rows;

    if (schema->n_children == 0)
        return;
    builder = tow_builder_new_schema(schema, &err);
    demand(builder != NULL, "a builder of the columns");
    rows = read_rejects(reader, builder);
    demand(tow_builder_finish(builder, &array, &err) == TOW_OK, "the rows");
    demand(array.length == rows, "as many rows as were read");
    demand(tow_array_validate(&array, schema, &err) == TOW_OK, "sound rows");
    write_again(reader, &array);
    array.release(&array);
    tow_builder_free(builder);
}

static char path[64];

static void remove_file(void)
{
    unlink(path);
}

/* In memory where there is such a folder. The reader follows no link, so that the file needs a name
 * of its own. */
static int open_file(void)
{
    static int file = -1;

    if (file >= 0)
        return file;
    strcpy(path, "/dev/shm/fuzz_state.XXXXXX");
    file = mkstemp(path);
    if (file < 0) {
        strcpy(path, "/tmp/fuzz_state.XXXXXX");
        file = mkstemp(path);
    }
    demand(file >= 0, "a file");
    atexit(remove_file);
    return file;
}

static void try_rejects(const uint8_t *data, size_t size)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_reject_reader *reader;
    int file = open_file();
    int64_t valid = data[0] ? (int64_t)(size - 1) * data[0] / 255 : (int64_t)size + 5;

    if (ftruncate(file, 0) != 0 || pwrite(file, data + 1, size - 1, 0) != (ssize_t)(size - 1))
        exit(99);
    reader = tow_reject_reader_new(path, valid, &err);
    if (reader)
        try_reader(reader);
    else
        demand_message(&err);
    tow_reject_reader_free(reader);
}

/* ---- words ------------------------------------------------------------------------------------
 */

struct thing {
    const char *text, *path, *token;
};

static const struct tow_option options[] = {
    {"text", TOW_OPTION_STRING, 0, offsetof(struct thing, text), NULL, 1, 60, NULL, "a text"},
    {"path", TOW_OPTION_PATH, 0, offsetof(struct thing, path), NULL, 0, 0, NULL, "a path"},
    {"token", TOW_OPTION_STRING, TOW_OPTION_SECRET, offsetof(struct thing, token), NULL, 0, 0, NULL,
     "a secret"},
    TOW_OPTIONS_END,
};
static const struct tow_plugin plugin = {
    TOW_PLUGIN_HEAD, "thing", "1", "a thing", sizeof(struct thing), options, NULL, NULL, NULL,
};

static size_t count_slashes(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += *text == '/';
    return count;
}

static int see_word(void *context, const struct tow_option *option, const char *word, size_t length)
{
    int *count = context;

    demand(!(option->flags & TOW_OPTION_SECRET), "no word of a secret");
    demand(length > 0 && length <= TOW_WORD_NAME_MAX, "a word");
    *count += length == 1 && *word == 'w';
    return 0;
}

static void try_fill(struct tow_words *words, const char *text)
{
    const char *const pairs[] = {"text", text, "path", text, "token", text};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_instance instance;
    const struct thing *thing;
    int count = 0;
    size_t slashes;

    if (tow_instance_init_texts(&instance, &plugin, pairs, 6, &err) != TOW_OK) {
        demand_message(&err);
        tow_instance_release(&instance);
        return;
    }
    thing = instance.self;
    slashes = count_slashes(thing->path);
    demand(tow_instance_each_word(&instance, see_word, &count) == 0, "all words");
    if (tow_instance_fill(&instance, words, &err) == TOW_OK) {
        demand(strcmp(thing->token, text) == 0, "a secret as it was");
        demand(count > 0 || strcmp(thing->text, text) == 0, "a text as it was");
        demand(strlen(thing->text) >= 1 && strlen(thing->text) <= 60, "a text in bounds");
        demand(count_slashes(thing->path) == slashes, "no other folder");
    } else {
        demand(err.code == TOW_E_CONFIG, "a refusal");
        demand_message(&err);
    }
    tow_instance_release(&instance);
}

static void try_words(char *text)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_words words = {0};
    char *option = strchr(text, '\n');

    if (!option)
        option = text + strlen(text);
    else
        *option++ = '\0';
    if (tow_words_parse(&words, text, &err) != TOW_OK)
        demand_message(&err);
    err = (struct tow_error)TOW_ERROR_INIT;
    demand(tow_words_parse(&words, "w", &err) == TOW_OK, "a list of one");
    if (tow_word_set(&words.items[0], text, strlen(text), &err) == TOW_OK) {
        demand(strcmp(words.items[0].value, text) == 0, "the value");
        demand(tow_utf8_valid(text, strlen(text)) && !strpbrk(text, "/\\{}\"'`\n"), "a tame value");
        try_fill(&words, option);
    } else {
        demand_message(&err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size < 3)
        return 0;
    if (data[0] == 'r') {
        try_rejects(data + 1, size - 1);
    } else if (data[0] == 'w') {
        text = strndup((const char *)data + 1, size - 1);
        demand(text != NULL, "memory");
        try_words(text);
        free(text);
    } else {
        try_position(data[0], data + 1, size - 1);
    }
    return 0;
}
