#include "config/job_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/source/lexer.h"
#include "config/source/source_text.h"

static int folder_sets_job(const struct tow_source *source)
{
    struct tow_lexer lexer;
    struct tow_token token = {.kind = TOW_TOKEN_SEMICOLON};
    int depth = 0, named = 0;

    if (source->unreadable)
        return 1;
    tow_lexer_init(&lexer, source->text.bytes, source->text.length);
    for (; token.kind != TOW_TOKEN_END; tow_lexer_next(&lexer, &token)) {
        if (named && token.kind == TOW_TOKEN_EQUALS)
            return 1;
        named = depth == 0 && token.kind == TOW_TOKEN_NAME && token.length == 3 &&
                memcmp(token.start, "job", 3) == 0;
        depth += (token.kind == TOW_TOKEN_OPEN) - (token.kind == TOW_TOKEN_CLOSE);
    }
    return 0;
}

static int folder_is_job(const char *path, int *is_job, struct tow_error *err)
{
    struct tow_source source = {0};
    struct tow_pool names = {0};
    struct tow_diags diags = {0};
    int rc = tow_source_read(&source, path, &names, &diags, err);

    *is_job = !rc && folder_sets_job(&source);
    tow_diags_release(&diags);
    tow_source_release(&source);
    tow_pool_release(&names);
    return rc;
}

static int folder_is_config(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return entry->d_name[0] != '.' && length > 4 && strcmp(entry->d_name + length - 4, ".cfg") == 0;
}

struct folder_visit {
    int (*visit)(void *context, const char *path, int is_job, struct tow_error *err);
    void *context;
};

static int folder_entry(const struct folder_visit *to, const char *folder, const char *name,
                        struct tow_error *err)
{
    size_t length = strlen(folder);
    char *path = NULL;
    int is_job = 0;

    while (length > 1 && folder[length - 1] == '/')
        length--;
    if (asprintf(&path, "%.*s/%s", (int)length, folder, name) < 0)
        return tow_error_nomem(err);
    int rc = folder_is_job(path, &is_job, err);
    if (!rc)
        rc = to->visit(to->context, path, is_job, err);
    free(path);
    return rc;
}

int tow_job_folder_each(const char *folder,
                        int (*visit)(void *context, const char *path, int is_job,
                                     struct tow_error *err),
                        void *context, struct tow_error *err)
{
    const struct folder_visit to = {visit, context};
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, folder_is_config, alphasort);
    int rc = TOW_OK;

    if (count < 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "folder %s", folder);
    for (int i = 0; i < count; i++) {
        if (!rc)
            rc = folder_entry(&to, folder, entries[i]->d_name, err);
        free(entries[i]);
    }
    free(entries);
    return rc;
}
