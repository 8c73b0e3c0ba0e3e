#include "cli/guess.h"

#include <stdlib.h>
#include <string.h>

#include "config/job.h"
#include "config/option/options.h"
#include "run/host.h"
#include "towpath/value.h"

#define GUESS_BATCH_BYTES (4 << 20)

/* What values of a column may still be, narrowest first. */
static const enum tow_type_id guess_types[] = {
    TOW_TYPE_INT64, TOW_TYPE_FLOAT64,   TOW_TYPE_BOOL,
    TOW_TYPE_DATE,  TOW_TYPE_TIMESTAMP, TOW_TYPE_TIMESTAMP_NTZ,
};

#define GUESS_TYPES (sizeof guess_types / sizeof guess_types[0])

/* One column while rows are looked at: bit t is set where a value was no guess_types[t]. */
struct guess_state {
    unsigned refuted;
    int64_t values;
};

/* ---- values --------------------------------------------------------------------------------- */

static int guess_keeps_text(const char *text, size_t length)
{
    size_t sign = length > 0 && text[0] == '-';

    if (length > 0 && text[0] == '+')
        return 0;
    return !(length > sign + 1 && text[sign] == '0' && text[sign + 1] >= '0' &&
             text[sign + 1] <= '9');
}

/* Words only: columns of 0 and 1 are numbers. */
static int guess_is_bool(const char *text, size_t length)
{
    int value;

    return length > 0 && !(text[0] >= '0' && text[0] <= '9') &&
           tow_parse_bool(text, length, &value) == TOW_PARSE_OK;
}

static int guess_fits(enum tow_type_id type, const char *text, size_t length)
{
    int64_t integer;
    double number;
    int32_t date;
    int zone;

    switch (type) {
    case TOW_TYPE_INT64:
        return guess_keeps_text(text, length) &&
               tow_parse_int64(text, length, &integer) == TOW_PARSE_OK;
    case TOW_TYPE_FLOAT64:
        return guess_keeps_text(text, length) &&
               tow_parse_double(text, length, &number) == TOW_PARSE_OK;
    case TOW_TYPE_BOOL:
        return guess_is_bool(text, length);
    case TOW_TYPE_DATE:
        return tow_parse_date(text, length, &date) == TOW_PARSE_OK;
    case TOW_TYPE_TIMESTAMP:
    case TOW_TYPE_TIMESTAMP_NTZ:
        return tow_parse_timestamp(text, length, &integer, &zone) == TOW_PARSE_OK &&
               zone == (type == TOW_TYPE_TIMESTAMP);
    default:
        return 0;
    }
}

static void guess_value(struct guess_state *state, const char *text, size_t length)
{
    state->values++;
    for (size_t t = 0; t < GUESS_TYPES; t++)
        if (!(state->refuted >> t & 1) && !guess_fits(guess_types[t], text, length))
            state->refuted |= 1u << t;
}

static enum tow_type_id guess_type(const struct guess_state *state)
{
    for (size_t t = 0; state->values > 0 && t < GUESS_TYPES; t++)
        if (!(state->refuted >> t & 1))
            return guess_types[t];
    return TOW_TYPE_STRING;
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* A column that the source has a type for already keeps it. */
static void guess_column(struct tow_guess_column *column, struct guess_state *state,
                         const struct tow_view *view)
{
    for (int64_t row = 0; row < view->length; row++) {
        size_t length;

        if (tow_view_is_null(view, row)) {
            column->nulls = 1;
        } else if (view->type.id == TOW_TYPE_STRING) {
            const char *text = tow_view_bytes(view, row, &length);

            guess_value(state, text, length);
        }
    }
}

static int guess_batch(struct tow_guess *guess, struct guess_state *states,
                       const struct ArrowSchema *schema, const struct ArrowArray *array,
                       struct tow_error *err)
{
    int rc = tow_array_validate(array, schema, err);

    for (size_t i = 0; !rc && i < guess->count; i++) {
        struct tow_view view;

        tow_view_init(&view, schema, array, (int64_t)i);
        guess_column(&guess->columns[i], &states[i], &view);
    }
    guess->rows += rc ? 0 : array->length;
    return rc;
}

static int guess_read(struct tow_guess *guess, struct guess_state *states,
                      const struct tow_source_ops *ops, void *self,
                      const struct ArrowSchema *schema, struct tow_error *err)
{
    int rc = TOW_OK;

    while (!rc && guess->rows < TOW_GUESS_ROWS) {
        struct tow_batch batch = {.size = sizeof batch, .position.size = sizeof batch.position};

        rc = ops->read(self, &batch, err);
        if (!rc && batch.array.release)
            rc = guess_batch(guess, states, schema, &batch.array, err);
        if (batch.array.release)
            batch.array.release(&batch.array);
        if (batch.lines.release)
            batch.lines.release(&batch.lines);
    }
    return rc == TOW_END ? TOW_OK : rc;
}

static int guess_columns(struct tow_guess *guess, const struct ArrowSchema *schema,
                         struct tow_error *err)
{
    guess->columns = calloc((size_t)schema->n_children + 1, sizeof *guess->columns);
    if (!guess->columns)
        return tow_error_nomem(err);
    for (int64_t i = 0; i < schema->n_children; i++) {
        struct tow_field field;
        int rc = tow_schema_field(schema, i, &field, err);

        if (rc)
            return rc;
        guess->columns[i].name = strdup(field.name);
        if (!guess->columns[i].name)
            return tow_error_nomem(err);
        guess->columns[i].type = field.type.id;
        guess->count++;
    }
    return TOW_OK;
}

static int guess_rows(struct tow_guess *guess, const struct tow_source_ops *ops, void *self,
                      const struct ArrowSchema *schema, struct tow_error *err)
{
    struct guess_state *states = calloc(guess->count + 1, sizeof *states);
    int rc = states ? guess_read(guess, states, ops, self, schema, err) : tow_error_nomem(err);

    for (size_t i = 0; !rc && i < guess->count; i++) {
        if (guess->columns[i].type == TOW_TYPE_STRING)
            guess->columns[i].type = guess_type(&states[i]);
        guess->columns[i].nulls |= guess->rows == 0;
    }
    free(states);
    return rc;
}

/* ---- the source ----------------------------------------------------------------------------- */

/* Rows that cannot be read say nothing about types. */
static int guess_reject(void *context, const struct tow_source_reject *row)
{
    struct tow_guess *guess = context;

    (void)row;
    guess->rejected++;
    return TOW_OK;
}

static int guess_open(struct tow_guess *guess, struct tow_instance *instance,
                      const struct tow_job *job, struct tow_error *err)
{
    static const struct tow_position start = {.size = sizeof start};
    const struct tow_source_ops *ops = instance->plugin->source;
    struct ArrowSchema schema = {0};
    struct tow_host_box box;

    tow_host_init(&box, job, "source", instance->plugin);
    box.reject = guess_reject;
    box.context = guess;
    int rc = ops->open(instance->self, &box.host, &start, err);
    if (!rc)
        rc = ops->schema(instance->self, &schema, err);
    if (!rc)
        rc = tow_schema_validate(&schema, err);
    if (!rc)
        rc = guess_columns(guess, &schema, err);
    if (!rc)
        rc = guess_rows(guess, ops, instance->self, &schema, err);
    if (schema.release)
        schema.release(&schema);
    if (ops->close)
        ops->close(instance->self);
    return rc == TOW_END
               ? tow_error_set(err, TOW_E_UNSUPPORTED, "columns can only be guessed from a file")
               : rc;
}

/* One reading of the file, with these options. */
static int guess_with(struct tow_guess *guess, const struct tow_plugin *plugin,
                      const struct tow_setting *section, struct tow_error *err)
{
    const struct tow_job job = {
        .name = "init",
        .tuning = {.batch_rows = TOW_GUESS_ROWS, .batch_bytes = GUESS_BATCH_BYTES},
    };
    struct tow_instance instance = {0};
    struct tow_diags diags = {0};

    *guess = (struct tow_guess){0};
    int rc = tow_instance_init(&instance, plugin, section, "/", &diags, err);
    if (!rc)
        rc = tow_diags_error(&diags, err);
    if (!rc)
        rc = guess_open(guess, &instance, &job, err);
    tow_diags_release(&diags);
    tow_instance_release(&instance);
    return rc;
}

static const struct tow_option *guess_option(const struct tow_plugin *plugin, const char *name)
{
    const struct tow_option *option;

    for (size_t i = 0; (option = tow_option_at(plugin, i)) != NULL; i++)
        if (strcmp(option->name, name) == 0 && option->type == TOW_OPTION_STRING)
            return option;
    return NULL;
}

/* Another delimiter makes it a table, and loses no row that the one column had. */
static int guess_is_better(const struct tow_guess *a, const struct tow_guess *b)
{
    return a->count > b->count && a->rejected <= b->rejected;
}

/* Keeps the first delimiter in the name of the only column that makes more of the file. What is
 * wrong with one that was only tried is of no interest. */
static void guess_delimiter(struct tow_guess *guess, const struct tow_plugin *plugin,
                            struct tow_setting *section)
{
    static const char *const delimiters[] = {";", "\t", "|", ","};
    const struct tow_option *option = guess_option(plugin, "delimiter");

    for (size_t i = 0; option && guess->count == 1 && i < sizeof delimiters / sizeof *delimiters;
         i++) {
        struct tow_error ignored = TOW_ERROR_INIT;
        struct tow_guess other;

        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): there are columns. */
        if (!strstr(guess->columns[0].name, delimiters[i]))
            continue;
        section->items[section->count++] = (struct tow_setting){.name = (char *)option->name,
                                                                .kind = TOW_SETTING_STRING,
                                                                .text = (char *)delimiters[i]};
        if (!guess_with(&other, plugin, section, &ignored) && guess_is_better(&other, guess)) {
            struct tow_guess worse = *guess;
            *guess = other;
            guess->delimiter = option;
            guess->delimiter_value = delimiters[i];
            other = worse;
        }
        section->count--;
        tow_guess_release(&other);
    }
}

int tow_guess_file(struct tow_guess *guess, const struct tow_plugin *plugin, const char *option,
                   const char *path, struct tow_error *err)
{
    struct tow_setting items[2] = {
        {.name = (char *)option, .kind = TOW_SETTING_STRING, .text = (char *)path}};
    struct tow_setting section = {.kind = TOW_SETTING_GROUP, .items = items, .count = 1};
    int rc = guess_with(guess, plugin, &section, err);

    if (!rc)
        guess_delimiter(guess, plugin, &section);
    return rc;
}

void tow_guess_release(struct tow_guess *guess)
{
    for (size_t i = 0; i < guess->count; i++)
        free(guess->columns[i].name);
    free(guess->columns);
    *guess = (struct tow_guess){0};
}
