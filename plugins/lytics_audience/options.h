/* The options of the source `lytics_audience`, and what can be known of them offline. */
#ifndef PLUGINS_LYTICS_AUDIENCE_OPTIONS_H
#define PLUGINS_LYTICS_AUDIENCE_OPTIONS_H

#include "connectors/lytics/query.h"
#include "plugins/lytics_audience/position.h"
#include "plugins/shared/lytics_options.h"

/* Indexes of the options' choices. */
enum { TOW_MEMBERS_TYPED, TOW_MEMBERS_STRING };
enum { TOW_MEMBERS_REJECT, TOW_MEMBERS_NULL };
enum { TOW_MEMBERS_EMPTY_TABLE, TOW_MEMBERS_FAIL };

/* As plugin.h's option types have it. */
struct tow_members_options {
    struct tow_lytics_options lytics;
    const char *audience;
    struct tow_strings fields;
    int32_t schema, bad_values, on_empty, memberships;
    const char *id_field;
    const char *sort_field; /* NULL: none */
    int32_t is_descending;
    int64_t limit, parts, parallel, size_limit;
};

#define TOW_MEMBERS_OPTIONS(instance, member)                                                      \
    TOW_LYTICS_OPTIONS(instance, member.lytics),                                                   \
        TOW_OPT("audience", TOW_OPTION_STRING, TOW_OPTION_REQUIRED, instance, member.audience,     \
                NULL, 1, 250, NULL, "audience to read, by slug or id"),                            \
        TOW_OPT_STRINGS("fields", instance, member.fields,                                         \
                        "fields of profiles, a column each; all, unless set"),                     \
        TOW_OPT_CHOICE("schema", instance, member.schema, "typed", "typed|string",                 \
                       "columns have the types of Lytics' schema, or are strings; what is no "     \
                       "scalar is json in any case"),                                              \
        TOW_OPT_CHOICE("bad_values", instance, member.bad_values, "reject", "reject|null",         \
                       "a value that is not of its field's type: its profile is rejected, or the " \
                       "value is null"),                                                           \
        TOW_OPT_BOOL("memberships", instance, member.memberships, "false",                         \
                     "a column more, \"segments\", with the audiences that a profile is in"),      \
        TOW_OPT_STRING("id_field", instance, member.id_field, "_id",                               \
                       "field that tells profiles apart where a scan has to begin anew; one "      \
                       "without it is known by all that it holds"),                                \
        TOW_OPT_STRING("sort_field", instance, member.sort_field, NULL,                            \
                       "field that Lytics sorts profiles by"),                                     \
        TOW_OPT_BOOL("descending", instance, member.is_descending, "false", "of sort_field"),      \
        TOW_OPT_INT("page_rows", instance, member.limit, "100", 1, TOW_LYTICS_PAGE_MAX,            \
                    "profiles of a page"),                                                         \
        TOW_OPT_INT("splits", instance, member.parts, "1", 1, TOW_MEMBERS_PARTS_MAX,               \
                    "parts of the audience, by Lytics' splits, each with a scan of its own: one "  \
                    "that has to begin anew has less to read again"),                              \
        TOW_OPT_INT("parallel", instance, member.parallel, "1", 1, TOW_MEMBERS_SCANS_MAX,          \
                    "parts that are scanned at once; splits must be as many at least"),            \
        TOW_OPT_INT("size_limit", instance, member.size_limit, "0", 0, INT64_MAX,                  \
                    "most profiles that are read; 0: all"),                                        \
        TOW_OPT_CHOICE("on_empty", instance, member.on_empty, "empty_table", "empty_table|fail",   \
                       "an audience without members leaves a table without rows, or the table as " \
                       "it is and a run that failed")

/* TOW_E_CONFIG where they do not go together. */
int tow_members_options_check(const struct tow_members_options *options, struct tow_error *err);

#endif
