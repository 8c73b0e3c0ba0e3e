#include "plugins/databricks_copy/target.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "plugins/databricks_copy/ledger.h"
#include "plugins/databricks_copy/part.h"

#define FNV_OFFSET 0xcbf29ce484222325u
#define FNV_PRIME  0x100000001b3u

/* ---- what goes together --------------------------------------------------------------------- */

static int target_check_keys(const struct tow_copy_options *options, struct tow_error *err)
{
    for (uint64_t i = 0; i < options->keys.count; i++)
        for (uint64_t j = 0; j < i; j++)
            if (strcasecmp(options->keys.items[i], options->keys.items[j]) == 0)
                return tow_error_set(err, TOW_E_CONFIG, "keys: \"%s\" is named twice",
                                     options->keys.items[i]);
    return TOW_OK;
}

static int target_check_mode(const struct tow_copy_options *options, struct tow_error *err)
{
    if (options->location && !options->location[0])
        return tow_error_set(err, TOW_E_CONFIG, "location is empty");
    if (options->mode == TOW_COPY_MERGE && options->keys.count == 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "mode \"merge\" needs keys, the columns that a row is known by");
    if (options->mode != TOW_COPY_MERGE && options->keys.count > 0)
        return tow_error_set(err, TOW_E_CONFIG, "keys are for mode \"merge\"");
    if (options->schema_change == TOW_COPY_CHANGE_REPLACE && options->mode != TOW_COPY_REPLACE)
        return tow_error_set(err, TOW_E_CONFIG,
                             "schema_change \"replace\" is for mode \"replace\": other modes keep "
                             "the rows that are there");
    return target_check_keys(options, err);
}

/* What a table that is made anew by each load cannot have. */
static int target_check_remade(const struct tow_copy_options *options, struct tow_error *err)
{
    const int is_dropped = options->mode == TOW_COPY_DROP_CREATE;
    const char *what = is_dropped ? "mode \"drop_create\"" : "schema \"infer\"";

    if (!is_dropped && options->schema != TOW_COPY_INFER)
        return TOW_OK;
    if (!is_dropped && options->mode != TOW_COPY_REPLACE)
        return tow_error_set(err, TOW_E_CONFIG,
                             "schema \"infer\" is for the modes replace and drop_create: with "
                             "the others the table has types that files may not fit");
    if (options->location)
        return tow_error_set(err, TOW_E_CONFIG,
                             "location and %s exclude each other: what lies there would outlive "
                             "the table",
                             what);
    if (options->schema_change != TOW_COPY_CHANGE_FAIL)
        return tow_error_set(err, TOW_E_CONFIG,
                             "schema_change and %s exclude each other: the table gets the columns "
                             "of each load",
                             what);
    if (is_dropped && !options->create_table)
        return tow_error_set(err, TOW_E_CONFIG,
                             "create_table = false and mode \"drop_create\" exclude each other");
    if (options->schema == TOW_COPY_INFER && options->column_types.count > 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "column_types are for schema \"typed\"; with \"infer\" COPY INTO "
                             "finds the types");
    if (options->schema == TOW_COPY_INFER && options->format != TOW_COPY_CSV)
        return tow_error_set(err, TOW_E_CONFIG, "schema \"infer\" needs format = \"csv\"");
    return TOW_OK;
}

static const char *target_s3_option(const struct tow_copy_options *options)
{
    return options->aws_region              ? "aws_region"
           : options->aws_endpoint          ? "aws_endpoint"
           : options->aws_access_key_id     ? "aws_access_key_id"
           : options->aws_secret_access_key ? "aws_secret_access_key"
           : options->aws_session_token     ? "aws_session_token"
           : options->stage_credential      ? "stage_credential"
           : options->aws_keys_in_sql       ? "aws_keys_in_sql"
                                            : NULL;
}

static int target_check_stage(const struct tow_copy_target *target, struct tow_error *err)
{
    const struct tow_copy_options *options = target->options;
    const char *s3_option = target_s3_option(options);

    if (strlen(options->stage) > TOW_COPY_STAGE_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "stage has %zu bytes, at most %d",
                             strlen(options->stage), TOW_COPY_STAGE_MAX);
    if (s3_option && target->place.kind != TOW_COPY_S3)
        return tow_error_set(err, TOW_E_CONFIG, "%s is for a stage in S3, this one is \"%s\"",
                             s3_option, options->stage);
    if (options->stage_credential && options->aws_keys_in_sql)
        return tow_error_set(err, TOW_E_CONFIG,
                             "stage_credential and aws_keys_in_sql exclude each other");
    return TOW_OK;
}

/* ---- making it ------------------------------------------------------------------------------ */

static int target_set_table(struct tow_copy_target *target, struct tow_error *err)
{
    int code = tow_sql_table_parse(&target->table, target->options->table, err);

    if (code == TOW_OK)
        code = tow_sql_table(&target->table_text, &target->table, err);
    if (code == TOW_OK)
        code = tow_buffer_append(&target->table_text, "", 1, err);
    if (code != TOW_OK)
        return code;
    if (target->table_text.size > TOW_COPY_TABLE_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "table: a name of %zu bytes, at most %d",
                             target->table_text.size, TOW_COPY_TABLE_MAX);
    return TOW_OK;
}

int tow_copy_target_init(struct tow_copy_target *target, const struct tow_copy_options *options,
                         struct tow_error *err)
{
    int code;

    *target = (struct tow_copy_target){.options = options};
    code = target_set_table(target, err);
    if (code == TOW_OK)
        code = target_check_mode(options, err);
    if (code == TOW_OK)
        code = target_check_remade(options, err);
    if (code == TOW_OK)
        code = tow_copy_place_init(&target->place, options->stage, err);
    if (code == TOW_OK)
        code = target_check_stage(target, err);
    if (code == TOW_OK)
        code = tow_databricks_config_init(&target->config, &options->databricks, 1, err);
    target->s3 = (struct tow_s3_settings){
        .bucket = target->place.bucket,
        .region = options->aws_region,
        .endpoint = options->aws_endpoint,
        .access_key = options->aws_access_key_id,
        .secret_key = options->aws_secret_access_key,
        .session_token = options->aws_session_token,
        .ca_file = target->config.ca_file,
        .proxy = target->config.proxy,
        .connect_timeout_ms = target->config.connect_timeout_ms,
        .stall_timeout_ms = target->config.stall_timeout_ms,
    };
    return code;
}

void tow_copy_target_release(struct tow_copy_target *target)
{
    tow_databricks_config_release(&target->config);
    tow_sql_table_release(&target->table);
    tow_buffer_release(&target->table_text);
    tow_copy_place_release(&target->place);
    *target = (struct tow_copy_target){.options = NULL};
}

/* ---- looking -------------------------------------------------------------------------------- */

static int target_check_folder(const struct tow_copy_target *target, struct tow_error *err)
{
    const char *folder = target->place.root;

    if (access(folder, W_OK | X_OK) != 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "write in the stage \"%s\"", folder);
    return TOW_OK;
}

static int target_check_s3(const struct tow_copy_target *target, struct tow_error *err)
{
    struct tow_s3 *s3 = tow_s3_new(&target->s3, -1, err);

    if (!s3)
        return err->code;
    tow_s3_free(s3);
    return TOW_OK;
}

int tow_copy_target_check(const struct tow_copy_target *target, struct tow_error *err)
{
    int code = tow_copy_spool_check(tow_copy_spool_folder(target->options->spool), err);

    if (code == TOW_OK && target->place.kind == TOW_COPY_FOLDER)
        code = target_check_folder(target, err);
    if (code == TOW_OK && target->place.kind == TOW_COPY_S3)
        code = target_check_s3(target, err);
    return code;
}

/* ---- what loads are told apart by ----------------------------------------------------------- */

int tow_copy_target_remakes(const struct tow_copy_target *target)
{
    return target->options->mode == TOW_COPY_DROP_CREATE ||
           target->options->schema == TOW_COPY_INFER;
}

struct tow_copy_column_spec tow_copy_target_columns(const struct tow_copy_target *target)
{
    return (struct tow_copy_column_spec){target->options->keys, target->options->column_types};
}

/* FNV-1a; the terminator keeps neighbours apart. */
static uint64_t target_hash(uint64_t hash, const char *text)
{
    do {
        hash = (hash ^ (unsigned char)*text) * FNV_PRIME;
    } while (*text++);
    return hash;
}

uint64_t tow_copy_target_keys(const struct tow_copy_target *target)
{
    const struct tow_strings *keys = &target->options->keys;
    uint64_t hash = FNV_OFFSET;

    for (uint64_t i = 0; i < keys->count; i++)
        hash = target_hash(hash, keys->items[i]);
    return hash;
}

uint64_t tow_copy_target_layout(const struct tow_copy_target *target,
                                const struct ArrowSchema *schema)
{
    uint64_t hash = target_hash(FNV_OFFSET, target->options->format == TOW_COPY_CSV ? "c" : "j");

    if (target->options->schema == TOW_COPY_INFER)
        hash = target_hash(hash, "infer");

    for (int64_t i = 0; i < schema->n_children; i++) {
        hash = target_hash(hash, schema->children[i]->name);
        hash = target_hash(hash, schema->children[i]->format);
    }
    return hash;
}
