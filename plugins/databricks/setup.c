/* A table for what a sink needs: created where it is not there, compared where it is. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "connectors/databricks/describe.h"
#include "plugins/databricks/scan.h"

struct setup {
    struct tow_scan *scan;
    const struct tow_setup *asked;
    struct tow_query_definition *columns; /* that the table must have; the cursor last */
    char (*types)[TOW_DATABRICKS_TYPE_MAX];
    size_t count;
    struct tow_description there;
};

static void setup_release(struct setup *setup)
{
    free(setup->columns);
    free(setup->types);
    tow_description_release(&setup->there);
}

/* ---- what there must be --------------------------------------------------------------------- */

static int setup_has(const struct setup *setup, const char *name)
{
    for (size_t i = 0; i < setup->count; i++)
        if (strcasecmp(setup->columns[i].name, name) == 0)
            return 1;
    return 0;
}

/* json with a shape is a nested column of that type. */
static int setup_add(struct setup *setup, int64_t index, struct tow_error *err)
{
    const char *shape = setup->asked->shapes[index];
    struct tow_query_definition *column = &setup->columns[setup->count];
    char *type = setup->types[setup->count];
    struct tow_field field;
    int code = tow_schema_field(setup->asked->columns, index, &field, err);

    if (code != TOW_OK)
        return code;
    if (setup_has(setup, field.name))
        return tow_error_set(err, TOW_E_CONFIG,
                             "column \"%s\" is there twice but for the case of its letters, which "
                             "Databricks does not tell apart",
                             field.name);
    *column = (struct tow_query_definition){
        .name = setup->asked->columns->children[index]->name,
        .sql_type = *shape ? shape : tow_databricks_type_sql(field.type, type),
        .not_null = field.not_null,
    };
    setup->count++;
    return TOW_OK;
}

static int setup_list(struct setup *setup, struct tow_error *err)
{
    const struct ArrowSchema *columns = setup->asked->columns;
    const char *cursor = setup->scan->options.cursor;
    const size_t most = columns ? (size_t)columns->n_children + 1 : 1;
    int code = TOW_OK;

    setup->columns = calloc(most, sizeof *setup->columns);
    setup->types = calloc(most, sizeof *setup->types);
    if (!setup->columns || !setup->types)
        return tow_error_nomem(err);
    for (int64_t i = 0; columns && i < columns->n_children && code == TOW_OK; i++)
        code = setup_add(setup, i, err);
    if (code == TOW_OK && cursor && !setup_has(setup, cursor))
        setup->columns[setup->count++] = (struct tow_query_definition){cursor, "TIMESTAMP", 0};
    return code;
}

/* ---- what there is -------------------------------------------------------------------------- */

static int setup_describe(struct setup *setup, int *is_absent, struct tow_error *err)
{
    struct tow_scan *scan = setup->scan;
    const struct tow_query_source source = tow_scan_source(scan);
    struct tow_statement statement = {.columns = NULL};
    struct tow_query query = {.parameter_count = 0};
    struct tow_error own = TOW_ERROR_INIT; /* that there is no table is no error */
    int code = tow_query_describe(&query, &source, &own);

    if (code == TOW_OK)
        code = tow_scan_run(scan, "looking at", &query, &statement, &own);
    *is_absent = code == TOW_E_CONFIG && tow_statement_lacks_table(&statement);
    if (code == TOW_OK)
        code = tow_description_read(scan->client, &statement, &setup->there, &own);
    if (*is_absent)
        code = TOW_OK;
    if (code != TOW_OK)
        *err = own;
    tow_statement_release(&statement);
    tow_query_release(&query);
    return code;
}

/* Kinds of types that stand in for each other: sinks take integers of any width, and so on. */
static int setup_kind(enum tow_type_id id)
{
    switch (id) {
    case TOW_TYPE_INT8:
    case TOW_TYPE_INT16:
    case TOW_TYPE_INT32:
    case TOW_TYPE_INT64:
    case TOW_TYPE_UINT8:
    case TOW_TYPE_UINT16:
    case TOW_TYPE_UINT32:
    case TOW_TYPE_UINT64:
        return TOW_TYPE_INT64;
    case TOW_TYPE_FLOAT32:
    case TOW_TYPE_FLOAT64:
    case TOW_TYPE_DECIMAL:
        return TOW_TYPE_FLOAT64;
    case TOW_TYPE_DATE:
    case TOW_TYPE_TIMESTAMP:
    case TOW_TYPE_TIMESTAMP_NTZ:
        return TOW_TYPE_TIMESTAMP;
    default:
        return id;
    }
}

static int setup_fits(const char *wanted, const char *there)
{
    const int want = setup_kind(tow_databricks_type(wanted).id);
    const int have = setup_kind(tow_databricks_type(there).id);

    return want == have || (want == TOW_TYPE_FLOAT64 && have == TOW_TYPE_INT64);
}

static const struct tow_described *setup_find(const struct setup *setup, const char *name)
{
    for (size_t i = 0; i < setup->there.count; i++)
        if (strcasecmp(setup->there.items[i].name, name) == 0)
            return &setup->there.items[i];
    return NULL;
}

/* The cursor may be of any type that can be one: tow_scan_columns_init looks at that. */
static int setup_compare_column(const struct setup *setup, size_t i, struct tow_buffer *out,
                                struct tow_error *err)
{
    const struct tow_query_definition *column = &setup->columns[i];
    const struct tow_described *there = setup_find(setup, column->name);
    const char *cursor = setup->scan->options.cursor;
    const char *between = out->size ? ", " : "";

    if (!there)
        return tow_buffer_printf(out, err, "%s%s is missing (%s)", between, column->name,
                                 column->sql_type);
    if ((cursor && strcasecmp(cursor, column->name) == 0) ||
        setup_fits(column->sql_type, there->sql_type))
        return TOW_OK;
    return tow_buffer_printf(out, err, "%s%s is %s and must be %s", between, column->name,
                             there->sql_type, column->sql_type);
}

static int setup_compare(const struct setup *setup, struct tow_error *err)
{
    struct tow_buffer text = {0};
    int code = TOW_OK;

    for (size_t i = 0; i < setup->count && code == TOW_OK; i++)
        code = setup_compare_column(setup, i, &text, err);
    if (code == TOW_OK && text.size)
        code = tow_error_set(err, TOW_E_CONFIG,
                             "table %s is there, and does not fit: %.*s. It was left as it is",
                             setup->scan->options.table, (int)text.size, text.data);
    tow_buffer_release(&text);
    return code;
}

/* ---- what will be read ---------------------------------------------------------------------- */

/* Of the table's columns, those of option `columns`; NULL where it lacks one. */
static const struct tow_statement_column *setup_column(const struct tow_statement_column *all,
                                                       size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(all[i].name, name) == 0)
            return &all[i];
    return NULL;
}

static int setup_schema_of(struct setup *setup, const struct tow_statement_column *all,
                           size_t count, struct ArrowSchema *out, struct tow_error *err)
{
    const struct tow_strings names = setup->scan->options.columns;
    const size_t shown = names.count ? (size_t)names.count : count;
    struct tow_field *fields = calloc(shown + 1, sizeof *fields);
    int code = fields ? TOW_OK : tow_error_nomem(err);

    for (size_t i = 0; i < shown && code == TOW_OK; i++) {
        const struct tow_statement_column *column =
            names.count ? setup_column(all, count, names.items[i]) : &all[i];

        if (!column)
            code = tow_error_set(err, TOW_E_CONFIG, "columns: %s has no column \"%s\"",
                                 setup->scan->options.table, names.items[i]);
        else
            fields[i] = (struct tow_field){column->name, tow_databricks_type(column->type_text), 0};
    }
    if (code == TOW_OK)
        code = tow_schema_make(out, fields, shown, err);
    free(fields);
    return code;
}

/* Looks at the columns as open would: cursor and tie-breakers are among them, and can be such. */
static int setup_schema(struct setup *setup, int is_absent, struct ArrowSchema *out,
                        struct tow_error *err)
{
    struct tow_scan_options options = setup->scan->options;
    const size_t count = is_absent ? setup->count : setup->there.count;
    struct tow_statement_column *all = calloc(count + 1, sizeof *all);
    int code = all ? TOW_OK : tow_error_nomem(err);

    for (size_t i = 0; all && i < count; i++) {
        all[i].name = is_absent ? (char *)setup->columns[i].name : setup->there.items[i].name;
        all[i].type_text =
            is_absent ? (char *)setup->columns[i].sql_type : setup->there.items[i].sql_type;
    }
    options.columns.count = 0;
    if (code == TOW_OK)
        code = tow_scan_columns_init(&setup->scan->columns, &options, all, count, err);
    if (code == TOW_OK)
        code = setup_schema_of(setup, all, count, out, err);
    free(all);
    return code;
}

/* ---- making it ------------------------------------------------------------------------------ */

static int setup_say(const struct setup *setup, int outcome, const char *statement,
                     struct tow_error *err)
{
    struct tow_buffer thing = {0};
    int code = tow_buffer_printf(&thing, err, "table %s", setup->scan->options.table);

    if (code == TOW_OK)
        code = tow_buffer_append(&thing, "", 1, err);
    if (code == TOW_OK && setup->asked->say(setup->asked, outcome, thing.data, statement))
        code = tow_error_nomem(err);
    tow_buffer_release(&thing);
    return code;
}

static int setup_create(struct setup *setup, struct tow_error *err)
{
    struct tow_scan *scan = setup->scan;
    const struct tow_query_source source = tow_scan_source(scan);
    struct tow_statement statement = {.columns = NULL};
    struct tow_query query = {.parameter_count = 0};
    int code = tow_query_create(&query, &source, setup->columns, setup->count, err);

    if (code == TOW_OK && !setup->asked->is_dry_run)
        code = tow_scan_run(scan, "creating", &query, &statement, err);
    if (code == TOW_OK)
        code = setup_say(setup, TOW_SETUP_CREATED, query.text.data, err);
    tow_statement_release(&statement);
    tow_query_release(&query);
    return code;
}

int tow_scan_setup(struct tow_scan *scan, const struct tow_setup *asked, struct ArrowSchema *out,
                   struct tow_error *err)
{
    struct setup setup = {.scan = scan, .asked = asked};
    int is_absent = 0;
    int code = setup_list(&setup, err);

    scan->version = -1;
    if (code == TOW_OK)
        code = setup_describe(&setup, &is_absent, err);
    if (code == TOW_OK && is_absent && !asked->columns)
        code = tow_error_set(err, TOW_E_CONFIG,
                             "table %s is not there, and which columns it must have is not known: "
                             "the sink takes whatever there are, or transforms come before it; "
                             "create it by hand",
                             scan->options.table);
    if (code == TOW_OK && !is_absent)
        code = setup_compare(&setup, err);
    if (code == TOW_OK)
        code = setup_schema(&setup, is_absent, out, err);
    if (code == TOW_OK)
        code =
            is_absent ? setup_create(&setup, err) : setup_say(&setup, TOW_SETUP_EXISTS, NULL, err);
    setup_release(&setup);
    return code;
}
