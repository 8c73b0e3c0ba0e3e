#include "config/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/file.h"
#include "config/job_reader.h"
#include "config/source/parse.h"
#include "config/source/source_text.h"

/* Fills job->path and dir. 1, or 0 after a finding; *rc where memory ran out. */
static int job_find(const char *path, struct tow_job *job, struct tow_diags *diags, int *rc)
{
    struct tow_error found = TOW_ERROR_INIT;

    job->path = realpath(path, NULL);
    if (!job->path && errno != ENOMEM) {
        tow_error_errno(&found, tow_file_blame(errno), errno, "cannot open it");
        tow_diags_found(diags, path, 0, &found);
        return 0;
    }
    if (job->path) {
        size_t length = (size_t)(strrchr(job->path, '/') - job->path);

        job->dir = strndup(job->path, length ? length : 1);
    }
    *rc = job->dir ? TOW_OK : TOW_E_NOMEM;
    return job->dir != NULL;
}

/* Findings show the name that the user gave; a link is followed, as its includes lie elsewhere. */
static const char *job_shown_path(const char *path, const struct tow_job *job)
{
    struct stat info;

    return lstat(path, &info) == 0 && S_ISLNK(info.st_mode) ? job->path : path;
}

/* Values of the command line, which go over those of the file. */
struct job_sets {
    const char *const *items;
    size_t count;
};

/* `copy`: of a file that is read in the place of `path`; NULL for none. */
static int job_read(const char *path, const char *copy, const struct job_sets *sets,
                    struct tow_job *job, struct tow_diags *diags, struct tow_error *err)
{
    struct tow_job_reader reader = {
        .job = job,
        .content = job->priv,
        .connections = {.kind = TOW_SETTING_GROUP},
        .diags = diags,
        .err = err,
    };
    struct tow_setting root = {.kind = TOW_SETTING_GROUP};
    struct tow_source source;
    size_t errors;
    int rc = tow_source_read_copy(&source, path, copy, &reader.content->pool, diags, err);

    if (rc || source.unreadable)
        goto out;
    errors = diags->errors;
    rc = tow_parse(&source, &root, diags, err);
    if (rc || (root.count == 0 && diags->errors > errors))
        goto out;
    root.file = path;
    reader.incomplete = source.incomplete;
    rc = tow_job_apply_sets(&root, sets->items, sets->count, diags, err);
    if (!rc)
        rc = tow_job_read(&reader, &root);
out:
    tow_setting_release(&root);
    tow_source_release(&source);
    return rc;
}

int tow_job_load_text(const char *path, const char *text, const char *const *sets, size_t count,
                      struct tow_job *job, struct tow_diags *diags, struct tow_error *err)
{
    const struct job_sets values = {sets, count};
    struct tow_job_content *content = calloc(1, sizeof *content);
    int rc = TOW_OK;

    *job = (struct tow_job){
        .source.kind = TOW_SETTING_GROUP,
        .sink.kind = TOW_SETTING_GROUP,
        .results.kind = TOW_SETTING_GROUP,
        .history.kind = TOW_SETTING_GROUP,
        .priv = content,
    };
    if (!content)
        return tow_error_nomem(err);
    if (!job_find(path, job, diags, &rc))
        return rc ? tow_error_nomem(err) : TOW_OK;
    return job_read(job_shown_path(path, job), text, &values, job, diags, err);
}

int tow_job_load_set(const char *path, const char *const *sets, size_t count, struct tow_job *job,
                     struct tow_diags *diags, struct tow_error *err)
{
    return tow_job_load_text(path, NULL, sets, count, job, diags, err);
}

int tow_job_load(const char *path, struct tow_job *job, struct tow_diags *diags,
                 struct tow_error *err)
{
    return tow_job_load_set(path, NULL, 0, job, diags, err);
}

void tow_job_release(struct tow_job *job)
{
    struct tow_job_content *content = job->priv;

    tow_setting_release(&job->source);
    tow_setting_release(&job->sink);
    tow_setting_release(&job->results);
    tow_setting_release(&job->history);
    for (size_t i = 0; i < job->transform_count; i++)
        tow_setting_release(&job->transforms[i]);
    free(job->transforms);
    free(job->columns);
    tow_schedule_release(&job->schedule);
    if (content) {
        tow_setting_release(&content->group);
        tow_pool_release(&content->pool);
    }
    free(content);
    free(job->path);
    free(job->dir);
    *job = (struct tow_job){0};
}

const char *tow_section_plugin(const struct tow_setting *section)
{
    const struct tow_setting *plugin = tow_setting_get(section, "plugin");

    return plugin && plugin->kind == TOW_SETTING_STRING ? plugin->text : NULL;
}

int tow_job_rolls(const struct tow_job *job)
{
    return job->load.max_rows > 0 || job->load.max_bytes > 0 || job->load.max_age_ms > 0;
}
