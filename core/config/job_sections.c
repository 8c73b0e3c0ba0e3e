#include <stdlib.h>
#include <string.h>

#include "config/excerpt.h"
#include "config/expand.h"
#include "config/job_keys.h"
#include "config/job_reader.h"
#include "config/option/bind.h"

#define JOB_VERSION  1
#define JOB_NAME_MAX 64

static const char *const job_file_keys[] = {"version", "connections", "job", NULL};
const char *const tow_job_own_keys[] = {"name",     "source",     "sink",           "results",
                                        "history",  "transforms", "columns",        "retry",
                                        "pipeline", "rejects",    "allow_programs", "load",
                                        "schedule", "route",      "alerts",         NULL};

int tow_job_expect_kind(const struct tow_job_reader *reader, const struct tow_setting *setting,
                        enum tow_setting_kind kind)
{
    if (setting->kind == kind)
        return 1;
    tow_diags_add(reader->diags, TOW_DIAG_ERROR, setting->file, setting->line,
                  "%s%sis of type %s, must be of type %s", setting->name ? setting->name : "",
                  setting->name ? ": " : "this entry ", tow_setting_kind_name(setting->kind),
                  tow_setting_kind_name(kind));
    return 0;
}

static void job_check_keys(const struct tow_job_reader *reader, const struct tow_setting *group,
                           const char *owner, const char *const *names)
{
    for (size_t i = 0; i < group->count; i++) {
        const char *const *name = names;

        while (*name && strcmp(*name, group->items[i].name) != 0)
            name++;
        if (!*name)
            tow_unknown_key(&group->items[i], owner, names, reader->diags);
    }
}

/* What is not here may stand in the include that is missing. */
static void job_need_key(const struct tow_job_reader *reader, const struct tow_setting *root,
                         const char *what)
{
    if (!reader->incomplete)
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, root->file, 0, "the job file needs %s", what);
}

static void job_check_version(const struct tow_job_reader *reader, const struct tow_setting *root)
{
    const struct tow_setting *version = tow_setting_get(root, "version");

    if (!version)
        job_need_key(reader, root, "`version = 1;`");
    else if (tow_job_expect_kind(reader, version, TOW_SETTING_INT) &&
             version->integer != JOB_VERSION)
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, version->file, version->line,
                      "version is %lld; this program reads job files of version %d",
                      (long long)version->integer, JOB_VERSION);
}

static int job_is_name(const char *name)
{
    for (const char *p = name; *p; p++) {
        int plain =
            (*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z');

        if (!plain && (p == name || !strchr("_.-", *p)))
            return 0;
    }
    return *name && strlen(name) <= JOB_NAME_MAX;
}

static void job_read_name(struct tow_job_reader *reader)
{
    const struct tow_setting *group = &reader->content->group;
    const struct tow_setting *name = tow_setting_get(group, "name");
    char shown[TOW_EXCERPT_MAX];

    if (!name) {
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, group->file, group->line,
                      "job needs the key \"name\": what its runs and its state are kept under");
        return;
    }
    if (!tow_job_expect_kind(reader, name, TOW_SETTING_STRING))
        return;
    if (name->expanded != TOW_SETTING_UNKNOWN && !job_is_name(name->text))
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, name->file, name->line,
                      "name: \"%s\" is not made of 1 to %d letters, digits, '_', '.' and '-', a "
                      "letter or digit first",
                      tow_excerpt(name->text, strlen(name->text), shown), JOB_NAME_MAX);
    reader->job->name = name->text;
}

static void job_check_plugin(const struct tow_job_reader *reader, const struct tow_setting *section,
                             const char *owner)
{
    const struct tow_setting *plugin = tow_setting_get(section, "plugin");

    if (!plugin)
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, section->file, section->line,
                      "%s needs the key \"plugin\"", owner);
    else if (tow_job_expect_kind(reader, plugin, TOW_SETTING_STRING) && !*plugin->text)
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, plugin->file, plugin->line,
                      "plugin: the name is empty");
}

/* A group that names a plugin, with its connection put in. */
static int job_finish_section(struct tow_job_reader *reader, struct tow_setting *section,
                              const char *owner)
{
    if (!tow_job_expect_kind(reader, section, TOW_SETTING_GROUP))
        return TOW_OK;
    job_check_plugin(reader, section, owner);
    return tow_connection_merge(reader, section);
}

static int job_read_section(struct tow_job_reader *reader, const char *name,
                            struct tow_setting *section, int *present)
{
    struct tow_setting *group = &reader->content->group;

    *present = tow_setting_take(group, name, section);
    return *present ? job_finish_section(reader, section, name) : TOW_OK;
}

static void job_need_section(const struct tow_job_reader *reader, const char *name, int present)
{
    const struct tow_setting *group = &reader->content->group;

    if (!present)
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, group->file, group->line,
                      "job needs the group \"%s\"", name);
}

static int job_read_transforms(struct tow_job_reader *reader)
{
    struct tow_job *job = reader->job;
    struct tow_setting list = {0};
    int rc = TOW_OK;

    if (!tow_setting_take(&reader->content->group, "transforms", &list))
        return TOW_OK;
    if (tow_job_expect_kind(reader, &list, TOW_SETTING_LIST) && list.count) {
        job->transforms = list.items;
        job->transform_count = list.count;
        list.items = NULL;
        list.count = 0;
    }
    tow_setting_release(&list);
    for (size_t i = 0; !rc && i < job->transform_count; i++)
        rc = job_finish_section(reader, &job->transforms[i], "a transform");
    return rc;
}

static int job_read_sections(struct tow_job_reader *reader)
{
    struct tow_job *job = reader->job;
    int has_source, has_sink;
    int rc = job_read_section(reader, "source", &job->source, &has_source);

    if (!rc)
        job_need_section(reader, "source", has_source);
    if (!rc)
        rc = tow_job_read_route(reader);
    if (!rc)
        rc = job_read_section(reader, "sink", &job->sink, &has_sink);
    if (!rc)
        job_need_section(reader, "sink", has_sink);
    if (!rc)
        rc = job_read_section(reader, "results", &job->results, &job->has_results);
    if (!rc)
        rc = job_read_section(reader, "history", &job->history, &job->has_history);
    if (!rc)
        rc = job_read_transforms(reader);
    return rc;
}

static void job_read_allow_programs(struct tow_job_reader *reader)
{
    const struct tow_setting *allow = tow_setting_get(&reader->content->group, "allow_programs");

    if (allow && tow_job_expect_kind(reader, allow, TOW_SETTING_BOOL))
        reader->job->allow_programs = allow->integer != 0;
}

static int job_read_group(struct tow_job_reader *reader)
{
    struct tow_setting *group = &reader->content->group;
    int rc = tow_expand_setting(group, reader->job->dir, reader->diags, reader->err);

    if (rc)
        return rc;
    job_check_keys(reader, group, "job", tow_job_own_keys);
    job_read_name(reader);
    job_read_allow_programs(reader);
    rc = job_read_sections(reader);
    if (!rc)
        rc = tow_job_read_columns(reader);
    if (!rc)
        rc = tow_job_read_tuning(reader);
    if (!rc)
        rc = tow_job_read_schedule(reader);
    if (!rc)
        rc = tow_job_read_alerts(reader);
    return rc;
}

int tow_job_read(struct tow_job_reader *reader, struct tow_setting *root)
{
    struct tow_setting *group = &reader->content->group;
    int rc = TOW_OK;

    job_check_keys(reader, root, "the job file", job_file_keys);
    job_check_version(reader, root);
    if (tow_setting_take(root, "connections", &reader->connections) &&
        tow_job_expect_kind(reader, &reader->connections, TOW_SETTING_GROUP))
        tow_connections_check(reader);
    if (!tow_setting_take(root, "job", group))
        job_need_key(reader, root, "the group \"job\"");
    else if (tow_job_expect_kind(reader, group, TOW_SETTING_GROUP))
        rc = job_read_group(reader);
    tow_setting_release(&reader->connections);
    return rc;
}
