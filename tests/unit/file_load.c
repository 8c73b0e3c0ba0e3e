#include "file_load.h"

#include <dirent.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <zlib.h>

#include "scratch.h"
#include "unit.h"

extern tow_plugin_entry file_LTX_tow_plugin_entry;

static const struct tow_field load_fields[] = {{"id", {TOW_TYPE_INT64, 0, 0}, 0},
                                               {"name", {TOW_TYPE_STRING, 0, 0}, 0}};

/* A new process: options from the job, nothing else. */
void load_start(struct load *load)
{
    load->self = fake_instance_new(load->plugin, load->settings);
}

/* settings: up to six pairs that a NULL ends, besides path. */
void load_init(struct load *load, void **state, const char *name, const char *const *settings)
{
    const struct scratch *scratch = *state;

    memset(load, 0, sizeof *load);
    load->err = (struct tow_error)TOW_ERROR_INIT;
    load->token.size = sizeof load->token;
    load->plugin = file_LTX_tow_plugin_entry();
    fake_host_init(&load->fake);
    snprintf(load->path, sizeof load->path, "%s/%s", scratch->folder, name);
    load->settings[0] = "path";
    load->settings[1] = load->path;
    for (size_t i = 0; settings && settings[i]; i++)
        load->settings[2 + i] = settings[i];
    assert_ok(tow_schema_make(&load->schema, load_fields, sizeof load_fields / sizeof *load_fields,
                              &load->err),
              load->err);
    load_start(load);
}

int load_open(struct load *load)
{
    int code;

    load->is_open = 1;
    code = load->plugin->sink->open(load->self, &load->fake.host, &load->token, &load->err);
    if (code == TOW_OK)
        code = load->plugin->sink->begin(load->self, &load->fake.host, &load->schema, &load->err);
    return code;
}

/* As a killed process: nothing but files and token remain. */
void load_stop(struct load *load)
{
    if (load->is_open)
        load->plugin->sink->close(load->self);
    load->is_open = 0;
    fake_instance_free(load->self);
    load->self = NULL;
}

void load_restart(struct load *load)
{
    load_stop(load);
    load_start(load);
    assert_ok(load_open(load), load->err);
}

void load_release(struct load *load)
{
    load_stop(load);
    load->schema.release(&load->schema);
    fake_host_release(&load->fake);
}

/* Rows "1,row 1", "2,row 2" ... */
int load_write(struct load *load, int64_t first, int64_t count)
{
    struct tow_builder *builder = tow_builder_new_schema(&load->schema, &load->err);
    struct ArrowArray array;
    struct tow_rows rows = {.size = sizeof rows, .attempt = 1, .seq = load->seq++};
    int code;

    assert_non_null(builder);
    for (int64_t i = first; i < first + count; i++) {
        char name[32];

        snprintf(name, sizeof name, "row %" PRId64, i);
        assert_ok(tow_append_int64(builder, 0, i, &load->err), load->err);
        assert_ok(tow_append_text(builder, 1, name, &load->err), load->err);
        assert_ok(tow_builder_end_row(builder, &load->err), load->err);
    }
    assert_ok(tow_builder_finish(builder, &array, &load->err), load->err);
    rows.array = &array;
    code = load->plugin->sink->write(load->self, &rows, &load->err);
    array.release(&array);
    tow_builder_free(builder);
    return code;
}

int load_flush(struct load *load)
{
    return load->plugin->sink->flush(load->self, &load->token, &load->err);
}

int load_finish(struct load *load)
{
    return load->plugin->sink->finish(load->self, &load->err);
}

/* Opens, writes rows 1 to count, flushes and finishes. */
void load_run(struct load *load, int64_t count)
{
    load->token.length = 0;
    assert_ok(load_open(load), load->err);
    if (count > 0)
        assert_ok(load_write(load, 1, count), load->err);
    assert_ok(load_flush(load), load->err);
    assert_ok(load_finish(load), load->err);
}

int load_check(struct load *load)
{
    return load->plugin->sink->check(load->self, &load->fake.host, &load->err);
}

/* ---- what lies in the folder ---------------------------------------------------------------- */

void file_path(void **state, const char *name, char path[300])
{
    const struct scratch *scratch = *state;

    snprintf(path, 300, "%s/%s", scratch->folder, name);
}

int file_exists(void **state, const char *name)
{
    struct stat st;
    char path[300];

    file_path(state, name, path);
    return lstat(path, &st) == 0;
}

/* Heap, with a NUL behind. gzip files are unpacked. */
char *file_content(void **state, const char *name)
{
    enum { SIZE = 8 << 20 };
    char path[300], *text = malloc(SIZE);
    gzFile file;
    int length;

    assert_non_null(text);
    file_path(state, name, path);
    file = gzopen(path, "r");
    if (!file)
        fail_msg("%s is not there", name);
    length = gzread(file, text, SIZE - 1);
    assert_true(length >= 0);
    assert_int_equal(gzclose(file), Z_OK);
    text[length] = '\0';
    return text;
}

void assert_file(void **state, const char *name, const char *text)
{
    char *content = file_content(state, name);

    assert_string_equal(content, text);
    free(content);
}

/* A file with the rows, and nothing else, below a header. */
void assert_rows(void **state, const char *name, int64_t first, int64_t count)
{
    char *content = file_content(state, name), *p = content;

    assert_memory_equal(p, "id,name\n", 8);
    p += 8;
    for (int64_t i = first; i < first + count; i++) {
        char line[64];
        size_t length = (size_t)snprintf(line, sizeof line, "%" PRId64 ",row %" PRId64 "\n", i, i);

        if (strncmp(p, line, length) != 0)
            fail_msg("%s: expected %.*s, found %.20s", name, (int)length - 1, line, p);
        p += length;
    }
    assert_string_equal(p, "");
    free(content);
}

/* Names in the folder besides "." and "..". */
int file_count(void **state)
{
    const struct scratch *scratch = *state;
    DIR *folder = opendir(scratch->folder);
    int count = -2;

    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}
