#include "far_end.h"

#include <ctype.h>

#include "connectors/databricks/fetch.h"
#include "ipc_writer.h"
#include "towpath/value.h"
#include "unit.h"

struct far_end far;

struct tow_databricks {
    int unused;
};

void far_reset(void)
{
    far_release();
    far = (struct far_end){
        .version = -1, .gone_after = -1, .chunk_rows = 3, .now_us = 1767323045123456};
}

void far_forget(size_t kept)
{
    for (size_t i = kept; i < far.statement_count; i++)
        free(far.statements[i].text);
    for (size_t i = 0; i < far.text_count; i++)
        free(far.texts[i]);
    far.statement_count = kept < far.statement_count ? kept : far.statement_count;
    far.text_count = 0;
}

void far_release(void)
{
    far_forget(0);
}

void far_add(int64_t id, int64_t at, const char *name)
{
    assert_true(far.count < FAR_ROWS_MAX);
    far.rows[far.count++] =
        (struct far_row){.id = id, .at = at, .at_is_null = at < 0, .name = name};
}

size_t far_submitted(const char *text)
{
    size_t count = 0;

    for (size_t i = 0; i < far.text_count; i++)
        count += strstr(far.texts[i], text) != NULL;
    return count;
}

/* ---- the client ----------------------------------------------------------------------------- */

struct tow_databricks *tow_databricks_new(const struct tow_databricks_config *config, int cancel_fd,
                                          struct tow_error *err)
{
    struct tow_databricks *databricks = calloc(1, sizeof *databricks);

    (void)config, (void)cancel_fd;
    if (!databricks)
        tow_error_nomem(err);
    return databricks;
}

void tow_databricks_free(struct tow_databricks *databricks)
{
    free(databricks);
}

/* ---- which rows ----------------------------------------------------------------------------- */

static const char *parameter(const struct tow_statement_request *request, const char *name)
{
    for (size_t i = 0; i < request->parameter_count; i++)
        if (strcmp(request->parameters[i].name, name) == 0)
            return request->parameters[i].value;
    return NULL;
}

static int is_asked(const struct tow_statement_request *request, const char *name)
{
    for (size_t i = 0; i < request->parameter_count; i++)
        if (strcmp(request->parameters[i].name, name) == 0)
            return 1;
    return 0;
}

static int64_t time_of(const char *text)
{
    int64_t us = 0;
    int zone;

    assert_int_equal(tow_parse_timestamp(text, strlen(text), &us, &zone), TOW_PARSE_OK);
    return us;
}

/* As the order has it: nulls first. */
static int compare_at(const struct far_row *row, const char *text)
{
    int64_t at = time_of(text);

    if (row->at_is_null)
        return -1;
    return row->at < at ? -1 : row->at > at;
}

/* The row against the key ":<name>0, :<name>1" of cursor and id, which has no nulls. */
static int compare_key(const struct far_row *row, const struct tow_statement_request *request,
                       const char *name)
{
    char first[16], second[16];
    const char *id;
    int order;

    snprintf(first, sizeof first, "%s0", name);
    snprintf(second, sizeof second, "%s1", name);
    if (strcmp(request->parameters[0].type, "BIGINT") == 0) {
        int64_t wanted = strtoll(parameter(request, first), NULL, 10);

        return row->id < wanted ? -1 : row->id > wanted;
    }
    order = compare_at(row, parameter(request, first));
    id = parameter(request, second);
    if (order != 0 || !id)
        return order;
    return row->id < strtoll(id, NULL, 10) ? -1 : row->id > strtoll(id, NULL, 10);
}

static int is_wanted(const struct far_row *row, const struct tow_statement_request *request)
{
    const char *upto = parameter(request, "upto0");

    if (is_asked(request, "after0") && compare_key(row, request, "after") <= 0)
        return 0;
    if (is_asked(request, "from0") && compare_key(row, request, "from") < 0)
        return 0;
    if (row->at_is_null && strstr(request->text, "`.`at` IS NOT NULL"))
        return 0;
    if (!is_asked(request, "upto0"))
        return 1;
    if (row->at_is_null)
        return strstr(request->text, "`.`at` IS NULL)") != NULL;
    return upto && compare_at(row, upto) <= 0;
}

static int compare_rows(const void *a, const void *b)
{
    const struct far_row *left = a, *right = b;

    if (left->at_is_null != right->at_is_null)
        return right->at_is_null - left->at_is_null;
    if (!left->at_is_null && left->at != right->at)
        return left->at < right->at ? -1 : 1;
    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    return strcmp(left->name ? left->name : "", right->name ? right->name : "");
}

static int compare_ids(const void *a, const void *b)
{
    const struct far_row *left = a, *right = b;

    return left->id < right->id ? -1 : left->id > right->id;
}

static void pick_rows(struct far_statement *statement, const struct tow_statement_request *request)
{
    const char *limit = strstr(request->text, " LIMIT ");
    size_t most = limit ? (size_t)strtoull(limit + 7, NULL, 10) : FAR_ROWS_MAX;

    for (size_t i = 0; i < far.count; i++)
        if (is_wanted(&far.rows[i], request))
            statement->rows[statement->count++] = far.rows[i];
    if (strstr(request->text, "ORDER BY `t`.`at`"))
        qsort(statement->rows, statement->count, sizeof *statement->rows, compare_rows);
    else if (strstr(request->text, "ORDER BY `t`.`id`"))
        qsort(statement->rows, statement->count, sizeof *statement->rows, compare_ids);
    if (statement->count > most)
        statement->count = most;
}

/* ---- statements ----------------------------------------------------------------------------- */

static int add_column(struct tow_statement *out, const char *name, const char *type)
{
    struct tow_statement_column *columns =
        realloc(out->columns, (out->column_count + 1) * sizeof *columns);

    if (!columns)
        return TOW_E_NOMEM;
    out->columns = columns;
    columns[out->column_count] = (struct tow_statement_column){.name = strdup(name)};
    columns[out->column_count].type_text = strdup(type);
    out->column_count++;
    return columns[out->column_count - 1].name && columns[out->column_count - 1].type_text
               ? TOW_OK
               : TOW_E_NOMEM;
}

static int describe(struct tow_statement *out, const struct tow_statement_request *request,
                    struct tow_error *err)
{
    const char *id_type = far.id_type ? far.id_type : "BIGINT";
    const int is_rows = !strstr(request->text, "LIMIT 0");
    const int is_cast = strstr(request->text, "unix_micros(") != NULL;
    int code;

    if (is_rows && far.main_id_type)
        id_type = far.main_id_type;
    code = add_column(out, "id", id_type);
    if (code == TOW_OK)
        code = add_column(out, "at", is_cast ? "BIGINT" : "TIMESTAMP");
    if (code == TOW_OK)
        code = add_column(out, "name", "STRING");
    return code == TOW_OK ? TOW_OK : tow_error_nomem(err);
}

/* A one-row answer: its cells as "name=value" lines in the body. */
static int answer(struct tow_statement *out, struct tow_error *err, const char *name, int64_t value,
                  int is_null)
{
    return is_null ? TOW_OK
                   : tow_buffer_printf(&out->body, err, "%s=%lld\n", name, (long long)value);
}

static int answer_bounds(struct tow_statement *out, struct tow_error *err)
{
    int64_t newest = 0, nulls = 0, values = 0;
    int code;

    for (size_t i = 0; i < far.count; i++) {
        nulls += far.rows[i].at_is_null;
        values += !far.rows[i].at_is_null;
        if (!far.rows[i].at_is_null && far.rows[i].at > newest)
            newest = far.rows[i].at;
    }
    code = answer(out, err, "now", far.now_us, 0);
    if (code == TOW_OK)
        code = answer(out, err, "newest", newest, values == 0);
    return code == TOW_OK ? answer(out, err, "nulls", nulls, 0) : code;
}

static int fail_with(struct tow_statement *out, const char *class, int code, struct tow_error *err)
{
    snprintf(out->error_class, sizeof out->error_class, "%s", class);
    return tow_error_set(err, code, "[%s] the far end was told to", class);
}

static int run_rows(struct tow_statement *out, const struct tow_statement_request *request,
                    struct tow_error *err)
{
    struct far_statement *statement = &far.statements[far.statement_count];
    int64_t per_chunk = far.chunk_rows;

    if (far.no_links && request->result == TOW_STATEMENT_LINKS)
        return tow_error_set(err, TOW_E_UNSUPPORTED, "this workspace does not hand out links");
    snprintf(out->id, sizeof out->id, "s%zu", far.statement_count);
    if (far.too_large && request->result == TOW_STATEMENT_INLINE)
        return tow_error_set(err, TOW_E_CONFIG, "Inline byte limit exceeded");
    assert_true(far.statement_count < FAR_STATEMENTS_MAX);
    *statement = (struct far_statement){.text = strdup(request->text)};
    if (!statement->text)
        return tow_error_nomem(err);
    far.statement_count++;
    pick_rows(statement, request);
    out->rows = (int64_t)statement->count;
    out->chunks = request->result == TOW_STATEMENT_LINKS ? (out->rows + per_chunk - 1) / per_chunk
                                                         : out->rows > 0;
    out->truncated = far.truncated;
    return TOW_OK;
}

int tow_statement_run(struct tow_databricks *databricks,
                      const struct tow_statement_request *request, struct tow_statement *out,
                      struct tow_error *err)
{
    char *text = strdup(request->text);

    (void)databricks;
    *out = (struct tow_statement){.columns = NULL};
    if (!text)
        return tow_error_nomem(err);
    assert_true(far.text_count < sizeof far.texts / sizeof *far.texts);
    far.texts[far.text_count++] = text;
    assert_int_equal(request->repeatable, 1);
    if (far.text_count == 1)
        request->waiting(request->context, "STARTING");
    if (far.submit_failures > 0) {
        far.submit_failures--;
        return tow_error_set(err, TOW_E_TRANSIENT, "%s: no answer", request->what);
    }
    if (strncmp(request->text, "DESCRIBE HISTORY", 16) == 0) {
        if (far.history_class)
            return fail_with(out, far.history_class, far.history_code, err);
        return answer(out, err, "version", far.version, far.version < 0);
    }
    if (far.version_class && strstr(request->text, "VERSION AS OF 1"))
        return fail_with(out, far.version_class, TOW_E_ENV, err);
    if (far.rows_class && strstr(request->text, "ORDER BY"))
        return fail_with(out, far.rows_class, TOW_E_ENV, err);
    if (strstr(request->text, "AS `"))
        if (strstr(request->text, "`now`") || strstr(request->text, "`newest`") ||
            strstr(request->text, "`nulls`"))
            return answer_bounds(out, err);
    if (describe(out, request, err) != TOW_OK)
        return TOW_E_NOMEM;
    return strstr(request->text, "LIMIT 0") ? TOW_OK : run_rows(out, request, err);
}

static struct far_statement *statement_of(const char *id)
{
    size_t number = (size_t)strtoull(id + 1, NULL, 10);

    return id[0] == 's' && number < far.statement_count ? &far.statements[number] : NULL;
}

int tow_statement_find(struct tow_databricks *databricks, const char *id, struct tow_statement *out,
                       struct tow_error *err)
{
    const struct far_statement *statement = statement_of(id);
    struct tow_statement_request request;

    (void)databricks;
    *out = (struct tow_statement){.columns = NULL};
    far.finds++;
    if (!statement || statement->is_closed || far.forgets)
        return TOW_END;
    request = (struct tow_statement_request){.text = statement->text};
    if (describe(out, &request, err) != TOW_OK)
        return TOW_E_NOMEM;
    snprintf(out->id, sizeof out->id, "%s", id);
    out->rows = (int64_t)statement->count;
    out->chunks = (out->rows + far.chunk_rows - 1) / far.chunk_rows;
    return TOW_OK;
}

void tow_statement_close(struct tow_databricks *databricks, struct tow_statement *statement)
{
    (void)databricks;
    far.closes++;
    if (statement_of(statement->id))
        statement_of(statement->id)->is_closed = 1;
}

void tow_statement_release(struct tow_statement *statement)
{
    for (size_t i = 0; i < statement->column_count; i++) {
        free(statement->columns[i].name);
        free(statement->columns[i].type_text);
    }
    free(statement->columns);
    tow_buffer_release(&statement->body);
    *statement = (struct tow_statement){.columns = NULL};
}

char *tow_statement_text(struct tow_databricks *databricks, struct tow_statement *statement,
                         const char *column, struct tow_error *err)
{
    char name[32];
    const char *found;
    char *text;

    (void)databricks;
    tow_error_set(err, TOW_OK, "%s", "");
    if (statement->body.size == 0)
        return NULL;
    snprintf(name, sizeof name, "%s=", column);
    found = memmem(statement->body.data, statement->body.size, name, strlen(name));
    if (!found)
        return NULL;
    found += strlen(name);
    text = strndup(found, strspn(found, "-0123456789"));
    if (!text)
        tow_error_nomem(err);
    return text;
}

/* ---- inline --------------------------------------------------------------------------------- */

struct tow_cells {
    const struct far_statement *statement;
    size_t row;
    char id[24], at[24];
    const char *texts[3];
    size_t lengths[3];
};

struct tow_cells *tow_cells_new(struct tow_databricks *databricks, struct tow_statement *statement,
                                struct tow_error *err)
{
    struct tow_cells *cells = calloc(1, sizeof *cells);

    (void)databricks;
    if (!cells)
        tow_error_nomem(err);
    else
        cells->statement = statement_of(statement->id);
    return cells;
}

void tow_cells_free(struct tow_cells *cells)
{
    free(cells);
}

int tow_cells_next(struct tow_cells *cells, const char *const **texts, const size_t **lengths,
                   struct tow_error *err)
{
    const struct far_row *row = &cells->statement->rows[cells->row];

    far.fetches++;
    if (far.fail_every && far.fetches % far.fail_every == 0)
        return tow_error_set(err, TOW_E_TRANSIENT, "no answer");
    if (cells->row == cells->statement->count)
        return TOW_END;
    cells->row++;
    snprintf(cells->id, sizeof cells->id, "%lld", (long long)row->id);
    snprintf(cells->at, sizeof cells->at, "%lld", (long long)row->at);
    cells->texts[0] = cells->id;
    cells->texts[1] = row->at_is_null ? NULL : cells->at;
    cells->texts[2] = row->name;
    for (int i = 0; i < 3; i++)
        cells->lengths[i] = cells->texts[i] ? strlen(cells->texts[i]) : 0;
    *texts = cells->texts;
    *lengths = cells->lengths;
    return TOW_OK;
}

/* ---- links ---------------------------------------------------------------------------------- */

struct tow_fetch {
    const struct far_statement *statement;
    struct tow_buffer bytes; /* of the chunk at hand */
    size_t at;
    int64_t chunk; /* of it; -1: none */
    int is_gone;
};

struct tow_fetch *tow_fetch_new(const struct tow_databricks_config *config, int cancel_fd,
                                struct tow_statement *statement,
                                const struct tow_fetch_settings *settings, struct tow_error *err)
{
    struct tow_fetch *fetch = calloc(1, sizeof *fetch);

    (void)config, (void)cancel_fd, (void)settings;
    if (!fetch) {
        tow_error_nomem(err);
        return NULL;
    }
    fetch->statement = statement_of(statement->id);
    fetch->chunk = -1;
    return fetch;
}

void tow_fetch_free(struct tow_fetch *fetch)
{
    if (!fetch)
        return;
    tow_buffer_release(&fetch->bytes);
    free(fetch);
}

static size_t chunk_length(const struct tow_fetch *fetch, int64_t chunk)
{
    size_t first = (size_t)(chunk * far.chunk_rows);
    size_t left = fetch->statement->count - first;

    return left < (size_t)far.chunk_rows ? left : (size_t)far.chunk_rows;
}

static void put_rows(struct tow_buffer *out, const struct far_row *rows, size_t count)
{
    static const struct tow_ipc_field fields[] = {
        {.name = "id", .type = TOW_IPC_INT, .width = 64, .is_signed = 1, .nullable = 1},
        {.name = "at",
         .type = TOW_IPC_TIMESTAMP,
         .unit = TOW_IPC_MICRO,
         .width = 64,
         .timezone = "Etc/UTC",
         .nullable = 1},
        {.name = "name", .type = TOW_IPC_UTF8, .nullable = 1}};
    int64_t ids[FAR_ROWS_MAX], ats[FAR_ROWS_MAX];
    int32_t offsets[FAR_ROWS_MAX + 1] = {0};
    uint8_t at_validity[FAR_ROWS_MAX / 8 + 1] = {0}, name_validity[FAR_ROWS_MAX / 8 + 1] = {0};
    char names[4096];
    int64_t at_nulls = 0, name_nulls = 0;

    for (size_t i = 0; i < count; i++) {
        size_t length = rows[i].name ? strlen(rows[i].name) : 0;

        ids[i] = rows[i].id;
        ats[i] = rows[i].at;
        at_nulls += rows[i].at_is_null;
        name_nulls += !rows[i].name;
        at_validity[i / 8] |= (uint8_t)(!rows[i].at_is_null << i % 8);
        name_validity[i / 8] |= (uint8_t)((rows[i].name != NULL) << i % 8);
        memcpy(names + offsets[i], rows[i].name ? rows[i].name : "", length);
        offsets[i + 1] = offsets[i] + (int32_t)length;
    }
    const struct tow_ipc_column columns[] = {
        {.field = &fields[0], .length = (int64_t)count, .values = ids},
        {.field = &fields[1],
         .length = (int64_t)count,
         .null_count = at_nulls,
         .validity = at_nulls ? at_validity : NULL,
         .values = ats},
        {.field = &fields[2],
         .length = (int64_t)count,
         .null_count = name_nulls,
         .validity = name_nulls ? name_validity : NULL,
         .offsets = offsets,
         .bytes = names}};

    ipc_put_schema(out, fields, 3);
    ipc_put_columns(out, columns, 3, IPC_CODEC_NONE);
    ipc_put_end(out);
}

static void fill_chunk(struct tow_fetch *fetch, int64_t chunk)
{
    struct far_row rows[2 * FAR_ROWS_MAX];
    size_t count = chunk_length(fetch, chunk), first = (size_t)(chunk * far.chunk_rows);

    memcpy(rows, &fetch->statement->rows[first], count * sizeof *rows);
    for (int i = 0; i < far.padding; i++)
        rows[count++] = (struct far_row){.id = -1, .name = "\xFF"};
    if (first + chunk_length(fetch, chunk) == fetch->statement->count)
        count -= (size_t)far.missing;
    fetch->bytes.size = 0;
    fetch->at = 0;
    fetch->chunk = chunk;
    if (far.damage && chunk == 0)
        assert_int_equal(tow_buffer_append(&fetch->bytes, far.damage, strlen(far.damage), NULL),
                         TOW_OK);
    else
        put_rows(&fetch->bytes, rows, count);
}

int tow_fetch_next(struct tow_fetch *fetch, int64_t chunk, const void **bytes, size_t *length,
                   struct tow_error *err)
{
    size_t left;

    far.fetches++;
    if (far.gone_after >= 0 && far.fetches > far.gone_after) {
        far.gone_after = -1;
        fetch->is_gone = 1;
        return tow_error_set(err, TOW_E_ENV, "the result is gone");
    }
    if (far.fail_every && far.fetches % far.fail_every == 0)
        return tow_error_set(err, TOW_E_TRANSIENT, "cut off");
    if (fetch->chunk != chunk) {
        if (far.working)
            far.working(1);
        fill_chunk(fetch, chunk);
        if (far.working)
            far.working(0);
    }
    left = fetch->bytes.size - fetch->at;
    if (left == 0)
        return TOW_END;
    *bytes = fetch->bytes.data + fetch->at;
    *length = left < 100 ? left : 100;
    fetch->at += *length;
    return TOW_OK;
}

int64_t tow_fetch_rows(const struct tow_fetch *fetch, int64_t chunk)
{
    return far.untold ? -1 : (int64_t)chunk_length(fetch, chunk);
}

int tow_fetch_gone(const struct tow_fetch *fetch)
{
    return fetch->is_gone;
}
