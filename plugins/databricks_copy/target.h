/*
 * The options of the sink, and what they come to: which table, how it is written, and where parts
 * are staged. Reads the environment and local files; no network.
 */
#ifndef PLUGINS_DATABRICKS_COPY_TARGET_H
#define PLUGINS_DATABRICKS_COPY_TARGET_H

#include "connectors/databricks/config.h"
#include "connectors/databricks/sql.h"
#include "connectors/s3/s3.h"
#include "plugins/databricks_copy/columns.h"
#include "plugins/databricks_copy/place.h"
#include "towpath/plugin.h"

/* Indexes into the option table's choices. */
enum { TOW_COPY_APPEND, TOW_COPY_REPLACE, TOW_COPY_MERGE, TOW_COPY_DROP_CREATE };
enum { TOW_COPY_TYPED, TOW_COPY_INFER };
enum { TOW_COPY_CHANGE_FAIL, TOW_COPY_CHANGE_ADD, TOW_COPY_CHANGE_REPLACE };
enum { TOW_COPY_CSV, TOW_COPY_NDJSON };

/* As plugin.h's option types have it. */
struct tow_copy_options {
    struct tow_databricks_settings databricks;
    const char *table;
    const char *location; /* of a table to create; NULL: the catalog's own */
    int32_t mode;
    struct tow_strings keys;
    const char *stage;
    const char *aws_region, *aws_endpoint;
    const char *aws_access_key_id, *aws_secret_access_key, *aws_session_token;
    const char *stage_credential; /* NULL: none */
    int32_t aws_keys_in_sql;
    int32_t create_table;
    int32_t schema;
    int32_t schema_change;
    struct tow_strings column_types;
    int32_t format;
    int64_t part_bytes, part_rows;
    int64_t level;
    const char *spool; /* NULL: the system's folder for temporary files */
    int64_t query_timeout_ms, start_timeout_ms;
    int32_t keep_staged;
    int64_t retention_ms;
};

struct tow_copy_target {
    const struct tow_copy_options *options; /* borrowed */
    struct tow_databricks_config config;
    struct tow_sql_table table;
    struct tow_buffer table_text; /* quoted, with a NUL behind it */
    struct tow_copy_place place;
    struct tow_s3_settings s3; /* borrows from options and place */
};

/* TOW_E_CONFIG with the reason where the options do not go together. Release it in any case. */
int tow_copy_target_init(struct tow_copy_target *target, const struct tow_copy_options *options,
                         struct tow_error *err);
void tow_copy_target_release(struct tow_copy_target *target);

/* For `check`: what else can be known without a network, of folders and of S3's keys. */
int tow_copy_target_check(const struct tow_copy_target *target, struct tow_error *err);

/* 1 where a load gives its table columns and types of its own, whatever the table had. */
int tow_copy_target_remakes(const struct tow_copy_target *target);

struct tow_copy_column_spec tow_copy_target_columns(const struct tow_copy_target *target);
/* Differs between any two sets of key columns. */
uint64_t tow_copy_target_keys(const struct tow_copy_target *target);
/* Differs between any two formats and sets of columns whose text may not be in one load. */
uint64_t tow_copy_target_layout(const struct tow_copy_target *target,
                                const struct ArrowSchema *schema);

#endif
