#include "fake_lake.h"

#include <unistd.h>
#include <zlib.h>

#include "connectors/databricks/statement.h"
#include "connectors/databricks/volume.h"
#include "connectors/s3/s3.h"
#include "unit.h"

#define LAKE_NAME_MAX 512
#define LAKE_NOW_MS   1700000000000

struct tow_databricks {
    int unused;
};

struct tow_s3 {
    int unused;
};

struct tow_cells {
    const char *at; /* in the statement's body: "name\ttype\n" ... */
    char texts[2][LAKE_NAME_MAX];
    const char *cells[2];
    size_t lengths[2];
};

static struct lake *the_lake;
static int32_t (*lake_put)(const struct tow_host *host, const char *key, const void *value,
                           uint32_t length, struct tow_error *err);
static int32_t (*lake_remove)(const struct tow_host *host, const char *key, struct tow_error *err);

/* ---- steps ---------------------------------------------------------------------------------- */

static int lake_dead(struct tow_error *err)
{
    return tow_error_set(err, TOW_E_ENV, "killed");
}

/* What happens to the step that begins: TOW_OK, or how it fails without being done. *after is set
 * where it fails once it is done. */
static int lake_step(int *after, struct tow_error *err)
{
    struct lake *lake = the_lake;

    *after = 0;
    if (lake->is_dead)
        return lake_dead(err);
    if (++lake->step != lake->fail_step)
        return TOW_OK;
    switch (lake->fault) {
    case LAKE_KILL_BEFORE:
        lake->is_dead = 1;
        return lake_dead(err);
    case LAKE_LOST_BEFORE:
        return tow_error_set(err, TOW_E_TRANSIENT, "lost on the way there");
    default:
        *after = 1;
        return TOW_OK;
    }
}

static int lake_end(int after, int code, struct tow_error *err)
{
    if (!after || code != TOW_OK)
        return code;
    if (the_lake->fault == LAKE_LOST_AFTER)
        return tow_error_set(err, TOW_E_TRANSIENT, "lost on the way back");
    the_lake->is_dead = 1;
    return lake_dead(err);
}

/* A ledger is local: it fails with the process alone. */
static int lake_ledger_step(int *after, struct tow_error *err)
{
    struct lake *lake = the_lake;

    *after = 0;
    if (lake->is_dead)
        return lake_dead(err);
    if (lake->fault == LAKE_LOST_BEFORE || lake->fault == LAKE_LOST_AFTER) {
        lake->step++;
        return TOW_OK;
    }
    return lake_step(after, err);
}

static int32_t lake_ledger_put(const struct tow_host *host, const char *key, const void *value,
                               uint32_t length, struct tow_error *err)
{
    int after, code = lake_ledger_step(&after, err);

    if (code == TOW_OK)
        code = lake_end(after, lake_put(host, key, value, length, err), err);
    return code;
}

static int32_t lake_ledger_remove(const struct tow_host *host, const char *key,
                                  struct tow_error *err)
{
    int after, code = lake_ledger_step(&after, err);

    if (code == TOW_OK)
        code = lake_end(after, lake_remove(host, key, err), err);
    return code;
}

void lake_watch(struct fake_host *fake)
{
    lake_put = fake->host.ledger_put;
    lake_remove = fake->host.ledger_remove;
    fake->host.ledger_put = lake_ledger_put;
    fake->host.ledger_remove = lake_ledger_remove;
}

/* ---- tables --------------------------------------------------------------------------------- */

static char *lake_copy(const char *text, size_t length)
{
    char *copy = strndup(text, length);

    assert_non_null(copy);
    return copy;
}

static void lake_push(char ***items, size_t *count, char *item)
{
    char **grown = realloc(*items, (*count + 1) * sizeof *grown);

    assert_non_null(grown);
    *items = grown;
    grown[(*count)++] = item;
}

static void lake_clear(char ***items, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        free((*items)[i]);
    free(*items);
    *items = NULL;
    *count = 0;
}

struct lake_table *lake_find(struct lake *lake, const char *name)
{
    for (size_t i = 0; i < lake->table_count; i++)
        if (strcmp(lake->tables[i].name, name) == 0)
            return &lake->tables[i];
    return NULL;
}

struct lake_table *lake_add(struct lake *lake, const char *name, const char *columns)
{
    struct lake_table *table = &lake->tables[lake->table_count++];

    assert_true(lake->table_count <= sizeof lake->tables / sizeof *lake->tables);
    *table = (struct lake_table){.name = strdup(name), .columns = strdup(columns)};
    return table;
}

void lake_add_row(struct lake_table *table, const char *line)
{
    lake_push(&table->rows, &table->row_count, strdup(line));
}

static void lake_release_table(struct lake_table *table)
{
    lake_clear(&table->rows, &table->row_count);
    lake_clear(&table->history, &table->history_count);
    free(table->name);
    free(table->columns);
}

static void lake_drop(struct lake *lake, const char *name)
{
    struct lake_table *table = lake_find(lake, name);

    if (!table)
        return;
    lake_release_table(table);
    *table = lake->tables[--lake->table_count];
}

void lake_init(struct lake *lake)
{
    memset(lake, 0, sizeof *lake);
    the_lake = lake;
}

void lake_release(struct lake *lake)
{
    for (size_t i = 0; i < lake->table_count; i++)
        lake_release_table(&lake->tables[i]);
    for (size_t i = 0; i < lake->file_count; i++) {
        free(lake->files[i].path);
        free(lake->files[i].bytes);
    }
    lake_clear(&lake->statements, &lake->statement_count);
    free(lake->orphan);
}

void lake_revive(struct lake *lake)
{
    lake->is_dead = 0;
    lake->fail_step = 0;
}

size_t lake_ran(const struct lake *lake, const char *text)
{
    size_t count = 0;

    for (size_t i = 0; i < lake->statement_count; i++)
        count += strncmp(lake->statements[i], text, strlen(text)) == 0;
    return count;
}

/* ---- files ---------------------------------------------------------------------------------- */

static struct lake_file *lake_file(const char *path)
{
    for (size_t i = 0; i < the_lake->file_count; i++)
        if (strcmp(the_lake->files[i].path, path) == 0)
            return &the_lake->files[i];
    return NULL;
}

static int lake_store(const char *path, int fd, int64_t length)
{
    struct lake_file *file = lake_file(path);

    if (!file) {
        file = &the_lake->files[the_lake->file_count++];
        assert_true(the_lake->file_count < sizeof the_lake->files / sizeof *file);
        *file = (struct lake_file){.path = strdup(path), .modified_ms = LAKE_NOW_MS};
    }
    free(file->bytes);
    file->bytes = malloc((size_t)length + 1);
    file->size = (size_t)length;
    assert_non_null(file->bytes);
    assert_int_equal(pread(fd, file->bytes, file->size, 0), length);
    return TOW_OK;
}

static int lake_unlink(const char *path)
{
    struct lake_file *file = lake_file(path);

    if (!file)
        return TOW_OK;
    free(file->path);
    free(file->bytes);
    *file = the_lake->files[--the_lake->file_count];
    return TOW_OK;
}

static int lake_deny(struct tow_error *err)
{
    return tow_error_set(err, TOW_E_AUTH, "no right to do so");
}

int tow_volume_put(struct tow_databricks *databricks, const char *path, int fd, int64_t length,
                   struct tow_error *err)
{
    int after, code = lake_step(&after, err);

    (void)databricks;
    return code == TOW_OK ? lake_end(after, lake_store(path, fd, length), err) : code;
}

int tow_volume_remove(struct tow_databricks *databricks, const char *path, struct tow_error *err)
{
    int after, code = lake_step(&after, err);

    (void)databricks;
    if (code == TOW_OK && the_lake->denies)
        return lake_deny(err);
    return code == TOW_OK ? lake_end(after, lake_unlink(path), err) : code;
}

int tow_volume_remove_folder(struct tow_databricks *databricks, const char *path,
                             struct tow_error *err)
{
    (void)databricks;
    (void)path;
    return the_lake->is_dead ? lake_dead(err) : TOW_OK;
}

/* Files right in the folder, and the folders of those that lie deeper. */
int tow_volume_each(struct tow_databricks *databricks, const char *path,
                    int (*visit)(void *context, const struct tow_volume_entry *entry,
                                 struct tow_error *err),
                    void *context, struct tow_error *err)
{
    const size_t length = strlen(path);
    int code = the_lake->is_dead ? lake_dead(err) : TOW_OK;

    (void)databricks;
    the_lake->lists++;
    if (code == TOW_OK && the_lake->denies)
        return lake_deny(err);
    for (size_t i = 0; i < the_lake->file_count && code == TOW_OK; i++) {
        const struct lake_file *file = &the_lake->files[i];
        struct tow_volume_entry entry = {.modified_ms = file->modified_ms};
        const char *slash;
        char name[LAKE_NAME_MAX];

        if (strncmp(file->path, path, length) != 0 || file->path[length] != '/')
            continue;
        slash = strchr(file->path + length + 1, '/');
        snprintf(name, sizeof name, "%.*s",
                 slash ? (int)(slash - file->path - (ptrdiff_t)length - 1) : 500,
                 file->path + length + 1);
        entry.name = name;
        entry.is_folder = slash != NULL;
        code = visit(context, &entry, err);
    }
    return code;
}

struct tow_s3 *tow_s3_new(const struct tow_s3_settings *settings, int cancel_fd,
                          struct tow_error *err)
{
    (void)cancel_fd;
    if (!settings->access_key) {
        tow_error_set(err, TOW_E_CONFIG, "no keys for S3");
        return NULL;
    }
    return calloc(1, sizeof(struct tow_s3));
}

void tow_s3_free(struct tow_s3 *s3)
{
    free(s3);
}

void tow_s3_keys(const struct tow_s3 *s3, const char **access_key, const char **secret_key,
                 const char **session_token)
{
    (void)s3;
    *access_key = "AK";
    *secret_key = "verysecret";
    *session_token = NULL;
}

int tow_s3_put(struct tow_s3 *s3, const char *key, int fd, int64_t length, struct tow_error *err)
{
    char path[LAKE_NAME_MAX];

    (void)s3;
    (void)err;
    snprintf(path, sizeof path, "s3://bucket/%s", key);
    return lake_store(path, fd, length);
}

int tow_s3_remove(struct tow_s3 *s3, const char *key, struct tow_error *err)
{
    char path[LAKE_NAME_MAX];

    (void)s3;
    (void)err;
    snprintf(path, sizeof path, "s3://bucket/%s", key);
    return lake_unlink(path);
}

/* ---- statements ----------------------------------------------------------------------------- */

/* The quoted name that stands at `text`: "`a`.`b`". */
static const char *lake_name(const char *text, char name[LAKE_NAME_MAX])
{
    const char *p = text;

    while (*p == '`') {
        p = strchr(p + 1, '`') + 1;
        if (*p == '.')
            p++;
    }
    snprintf(name, LAKE_NAME_MAX, "%.*s", (int)(p - text), text);
    return p;
}

static int lake_no_table(const char *name, struct tow_statement *out, struct tow_error *err)
{
    snprintf(out->error_class, sizeof out->error_class, "TABLE_OR_VIEW_NOT_FOUND");
    return tow_error_set(err, TOW_E_CONFIG, "[TABLE_OR_VIEW_NOT_FOUND] %s", name);
}

/* The text behind `mark` in a statement. */
static const char *lake_behind(const char *text, const char *mark)
{
    const char *found = strstr(text, mark);

    if (!found)
        fail_msg("no \"%s\" in %s", mark, text);
    return found + strlen(mark);
}

static struct lake_table *lake_table_at(const char *text, struct tow_statement *out,
                                        struct tow_error *err)
{
    char name[LAKE_NAME_MAX];
    struct lake_table *table;

    lake_name(text, name);
    table = lake_find(the_lake, name);
    if (!table)
        lake_no_table(name, out, err);
    return table;
}

static int lake_describe(const char *text, struct tow_statement *out, struct tow_error *err)
{
    struct lake_table *table = lake_table_at(text, out, err);
    const char *at = table && table->columns[0] ? table->columns : NULL;

    if (!table)
        return TOW_E_CONFIG;
    while (at) {
        const char *name = strchr(at, '`') + 1, *end = strchr(name, '`');
        const char *type = end + 2, *next = strstr(type, ", `");

        assert_ok(tow_buffer_printf(&out->body, err, "%.*s\t%.*s\n", (int)(end - name), name,
                                    next ? (int)(next - type) : 500, type),
                  *err);
        at = next;
    }
    assert_ok(tow_buffer_printf(&out->body, err, "\t\n# Partition\t\n%c", 0), *err);
    out->column_count = 2;
    return TOW_OK;
}

static int lake_create(const char *text)
{
    char name[LAKE_NAME_MAX], *columns;
    const char *behind = lake_name(text, name);
    const char *open = behind + strspn(behind, " (");
    const char *end = strstr(open, ") USING DELTA");

    if (lake_find(the_lake, name))
        return TOW_OK;
    if (!end) {
        lake_add(the_lake, name, "");
        return TOW_OK;
    }
    columns = lake_copy(open, (size_t)(end - open));
    lake_add(the_lake, name, columns);
    free(columns);
    return TOW_OK;
}

static int lake_alter(const char *text, struct tow_statement *out, struct tow_error *err)
{
    struct lake_table *table = lake_table_at(text, out, err);
    const char *open = lake_behind(text, "ADD COLUMNS (");
    char *columns;

    if (!table)
        return TOW_E_CONFIG;
    assert_true(asprintf(&columns, "%s, %.*s", table->columns, (int)strlen(open) - 1, open) > 0);
    free(table->columns);
    table->columns = columns;
    return TOW_OK;
}

static void lake_answer(struct tow_statement *out, const char *name, int64_t value)
{
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_buffer_printf(&out->body, &err, "%s=%lld\n%c", name, (long long)value, 0), err);
    out->body.size--;
}

/* A table without columns gets those of a header, as strings. */
static void lake_infer(struct lake_table *table, const char *header)
{
    char *columns = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&columns, &size);

    assert_non_null(out);
    for (const char *p = header; *p; p += strcspn(p, ","), p += *p == ',')
        fprintf(out, "%s`%.*s` STRING", p == header ? "" : ", ", (int)strcspn(p, ",") - 2, p + 1);
    fclose(out);
    if (table->columns[0])
        assert_string_equal(table->columns, columns);
    free(table->columns);
    table->columns = columns;
}

/* All lines of a gzip file; the first is a header where the table is to be inferred. */
static int64_t lake_read_rows(const struct lake_file *file, struct lake_table *table, int infers)
{
    static char text[1 << 20];
    z_stream stream = {.next_in = file->bytes,
                       .avail_in = (uInt)file->size,
                       .next_out = (Bytef *)text,
                       .avail_out = sizeof text - 1};
    char *next = text, *line;
    int64_t rows = 0;

    assert_int_equal(inflateInit2(&stream, 31), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    text[stream.total_out] = '\0';
    inflateEnd(&stream);
    if (infers)
        lake_infer(table, strsep(&next, "\n"));
    while ((line = strsep(&next, "\n")))
        if (*line) {
            lake_add_row(table, line);
            rows++;
        }
    return rows;
}

static int lake_had(const struct lake_table *table, const char *uri)
{
    for (size_t i = 0; i < table->history_count; i++)
        if (strcmp(table->history[i], uri) == 0)
            return 1;
    return 0;
}

static int lake_copy_into(const char *text, struct tow_statement *out, struct tow_error *err)
{
    struct lake_table *table = lake_table_at(text, out, err);
    const char *uri = lake_behind(text, " FROM '");
    const char *name = lake_behind(text, "FILES = (");
    int64_t rows = 0;

    if (!table)
        return TOW_E_CONFIG;
    for (int wet = 0; wet < 2; wet++)
        for (const char *p = name; *p == '\'';
             p = strchr(p + 1, '\'') + 1, p += *p == ',' ? 2 : 0) {
            char path[LAKE_NAME_MAX];
            const struct lake_file *file;

            snprintf(path, sizeof path, "%.*s%.*s", (int)strcspn(uri, "'"), uri,
                     (int)strcspn(p + 1, "'"), p + 1);
            file = lake_file(path);
            if (lake_had(table, path))
                continue;
            if (!file)
                return tow_error_set(err, TOW_E_ENV, "no file %s", path);
            if (!wet)
                continue;
            rows += lake_read_rows(file, table, strstr(text, "'header' = 'true'") != NULL);
            lake_push(&table->history, &table->history_count, strdup(path));
        }
    lake_answer(out, "num_inserted_rows", rows + the_lake->miscounts);
    lake_answer(out, "num_skipped_corrupt_files", 0);
    return TOW_OK;
}

/* Columns that both have, as the sink makes them: the last of a merge's is the ordinal. */
static void lake_take_rows(struct lake_table *into, const struct lake_table *from)
{
    lake_clear(&into->rows, &into->row_count);
    for (size_t i = 0; i < from->row_count; i++)
        lake_add_row(into, from->rows[i]);
}

static int lake_overwrite(const char *text, struct tow_statement *out, struct tow_error *err)
{
    struct lake_table *into = lake_table_at(text, out, err);
    struct lake_table *from = into ? lake_table_at(lake_behind(text, " FROM "), out, err) : NULL;

    if (!into || !from)
        return TOW_E_CONFIG;
    lake_take_rows(into, from);
    return TOW_OK;
}

static int lake_replace(const char *text, struct tow_statement *out, struct tow_error *err)
{
    struct lake_table *from = lake_table_at(lake_behind(text, " FROM "), out, err), *into;
    char name[LAKE_NAME_MAX];

    if (!from)
        return TOW_E_CONFIG;
    lake_name(text, name);
    lake_drop(the_lake, name);
    from = lake_table_at(lake_behind(text, " FROM "), out, err);
    into = lake_add(the_lake, name, from->columns);
    from = lake_table_at(lake_behind(text, " FROM "), out, err);
    lake_take_rows(into, from);
    return TOW_OK;
}

static long long lake_ordinal(const char *line)
{
    return strtoll(strrchr(line, ',') + 1, NULL, 10);
}

/* Rows are known by their first field. */
static void lake_merge_row(struct lake_table *into, const char *line)
{
    const size_t key = strcspn(line, ",") + 1;
    char *row = lake_copy(line, (size_t)(strrchr(line, ',') - line));

    for (size_t i = 0; i < into->row_count; i++)
        if (strncmp(into->rows[i], line, key) == 0) {
            free(into->rows[i]);
            into->rows[i] = row;
            return;
        }
    lake_push(&into->rows, &into->row_count, row);
}

static int lake_by_ordinal(const void *a, const void *b)
{
    long long one = lake_ordinal(*(char *const *)a), other = lake_ordinal(*(char *const *)b);

    return (one > other) - (one < other);
}

static int lake_merge(const char *text, struct tow_statement *out, struct tow_error *err)
{
    struct lake_table *into = lake_table_at(text, out, err);
    struct lake_table *from = into ? lake_table_at(lake_behind(text, " FROM "), out, err) : NULL;

    if (!into || !from)
        return TOW_E_CONFIG;
    if (from->row_count > 0)
        qsort(from->rows, from->row_count, sizeof *from->rows, lake_by_ordinal);
    for (size_t i = 0; i < from->row_count; i++)
        lake_merge_row(into, from->rows[i]);
    return TOW_OK;
}

static int lake_count(const char *text, struct tow_statement *out, struct tow_error *err)
{
    struct lake_table *table = lake_table_at(text, out, err);

    if (!table)
        return TOW_E_CONFIG;
    lake_answer(out, "rows", (int64_t)table->row_count);
    return TOW_OK;
}

static int lake_execute(const char *text, struct tow_statement *out, struct tow_error *err)
{
    static const struct {
        const char *begins;
        int (*run)(const char *text, struct tow_statement *out, struct tow_error *err);
    } known[] = {{"DESCRIBE TABLE ", lake_describe},
                 {"ALTER TABLE ", lake_alter},
                 {"COPY INTO ", lake_copy_into},
                 {"INSERT OVERWRITE TABLE ", lake_overwrite},
                 {"CREATE OR REPLACE TABLE ", lake_replace},
                 {"MERGE INTO ", lake_merge},
                 {"SELECT count(*) AS `rows` FROM ", lake_count}};
    char name[LAKE_NAME_MAX];

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(text, known[i].begins, strlen(known[i].begins)) == 0)
            return known[i].run(text + strlen(known[i].begins), out, err);
    if (strncmp(text, "CREATE TABLE IF NOT EXISTS ", 27) == 0)
        return lake_create(text + 27);
    if (strncmp(text, "DROP TABLE IF EXISTS ", 21) != 0)
        fail_msg("unknown statement: %s", text);
    lake_name(text + 21, name);
    lake_drop(the_lake, name);
    return TOW_OK;
}

/* What an earlier process has left running: it comes to its end, well or not. */
static void lake_end_orphan(void)
{
    struct tow_statement out = {.rows = 0};
    struct tow_error err = TOW_ERROR_INIT;

    lake_execute(the_lake->orphan, &out, &err);
    tow_statement_release(&out);
    free(the_lake->orphan);
    the_lake->orphan = NULL;
}

/* TOW_E_TRANSIENT where the files of this COPY are still being loaded. */
static int lake_meet_orphan(const char *text, struct tow_error *err)
{
    if (!the_lake->orphan)
        return TOW_OK;
    if (strncmp(text, "COPY INTO ", 10) == 0 && strcmp(text, the_lake->orphan) == 0) {
        lake_end_orphan();
        return tow_error_set(err, TOW_E_TRANSIENT, "[COPY_INTO_DUPLICATED_FILES_COPY_NOT_ALLOWED]");
    }
    if (the_lake->orphan_waits-- <= 0)
        lake_end_orphan();
    return TOW_OK;
}

int tow_statement_run(struct tow_databricks *databricks,
                      const struct tow_statement_request *request, struct tow_statement *out,
                      struct tow_error *err)
{
    int after, code;

    (void)databricks;
    *out = (struct tow_statement){.rows = 0};
    assert_true(request->repeatable);
    code = lake_step(&after, err);
    if (code != TOW_OK)
        return code;
    lake_push(&the_lake->statements, &the_lake->statement_count, strdup(request->text));
    code = lake_meet_orphan(request->text, err);
    if (code != TOW_OK)
        return code;
    if (the_lake->refuses &&
        strncmp(request->text, the_lake->refuses, strlen(the_lake->refuses)) == 0)
        return tow_error_set(err, the_lake->refuses_with, "%s: refused%s", request->what,
                             the_lake->echoes ? request->text : "");
    if (after && the_lake->fault == LAKE_KILL_ORPHAN) {
        the_lake->orphan = strdup(request->text);
        return lake_end(after, TOW_OK, err);
    }
    return lake_end(after, lake_execute(request->text, out, err), err);
}

void tow_statement_release(struct tow_statement *statement)
{
    tow_buffer_release(&statement->body);
}

char *tow_statement_text(struct tow_databricks *databricks, struct tow_statement *statement,
                         const char *column, struct tow_error *err)
{
    const char *line = statement->body.data;
    const size_t length = strlen(column);

    (void)databricks;
    (void)err;
    for (; line && *line; line = strchr(line, '\n') + 1)
        if (strncmp(line, column, length) == 0 && line[length] == '=')
            return lake_copy(line + length + 1, strcspn(line + length + 1, "\n"));
    return NULL;
}

struct tow_cells *tow_cells_new(struct tow_databricks *databricks, struct tow_statement *statement,
                                struct tow_error *err)
{
    struct tow_cells *cells = calloc(1, sizeof *cells);

    (void)databricks;
    if (!cells) {
        tow_error_nomem(err);
        return NULL;
    }
    cells->at = statement->body.data;
    return cells;
}

void tow_cells_free(struct tow_cells *cells)
{
    free(cells);
}

int tow_cells_next(struct tow_cells *cells, const char *const **texts, const size_t **lengths,
                   struct tow_error *err)
{
    (void)err;
    if (!*cells->at)
        return TOW_END;
    for (int i = 0; i < 2; i++) {
        cells->lengths[i] = strcspn(cells->at, "\t\n");
        snprintf(cells->texts[i], sizeof cells->texts[i], "%.*s", (int)cells->lengths[i],
                 cells->at);
        cells->cells[i] = cells->texts[i];
        cells->at += cells->lengths[i] + 1;
    }
    *texts = cells->cells;
    *lengths = cells->lengths;
    return TOW_OK;
}

/* ---- clients -------------------------------------------------------------------------------- */

struct tow_databricks *tow_databricks_new(const struct tow_databricks_config *config, int cancel_fd,
                                          struct tow_error *err)
{
    struct tow_databricks *databricks = calloc(1, sizeof *databricks);

    (void)config;
    (void)cancel_fd;
    if (!databricks)
        tow_error_nomem(err);
    return databricks;
}

void tow_databricks_free(struct tow_databricks *databricks)
{
    free(databricks);
}
