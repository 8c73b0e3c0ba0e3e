#include <stdlib.h>
#include <string.h>

#include "config/excerpt.h"
#include "config/expand.h"
#include "config/job_reader.h"

static void connection_check_keys(const struct tow_job_reader *reader,
                                  const struct tow_setting *connection)
{
    static const char *const refused[] = {"plugin", "connection"};

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const struct tow_setting *key = tow_setting_get(connection, refused[i]);

        if (key)
            tow_diags_add(reader->diags, TOW_DIAG_ERROR, key->file, key->line,
                          "connection \"%s\" cannot set \"%s\": that belongs in the section that "
                          "uses it",
                          connection->name, key->name);
    }
}

void tow_connections_check(const struct tow_job_reader *reader)
{
    const struct tow_setting *connections = &reader->connections;

    for (size_t i = 0; i < connections->count; i++)
        if (tow_job_expect_kind(reader, &connections->items[i], TOW_SETTING_GROUP))
            connection_check_keys(reader, &connections->items[i]);
}

static int connection_refuse_unknown(struct tow_job_reader *reader, const struct tow_setting *key)
{
    const struct tow_setting *connections = &reader->connections;
    const char **names = calloc(connections->count + 1, sizeof *names);
    char shown[TOW_EXCERPT_MAX];

    if (!names)
        return tow_error_nomem(reader->err);
    for (size_t i = 0; i < connections->count; i++)
        names[i] = connections->items[i].name;
    const char *nearest = tow_nearest(key->text, names);
    tow_excerpt(key->text, strlen(key->text), shown);
    if (nearest)
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, key->file, key->line,
                      "there is no connection \"%s\"; did you mean \"%s\"?", shown, nearest);
    else if (connections->count == 0)
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, key->file, key->line,
                      "there is no connection \"%s\": the job has no connections; is an @include "
                      "missing?",
                      shown);
    else
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, key->file, key->line,
                      "there is no connection \"%s\"", shown);
    free(names);
    return TOW_OK;
}

static int connection_copy_under(struct tow_job_reader *reader,
                                 const struct tow_setting *connection, struct tow_setting *section)
{
    struct tow_setting *items =
        reallocarray(section->items, section->count + connection->count + 1, sizeof *items);

    if (!items)
        return tow_error_nomem(reader->err);
    section->items = items;
    for (size_t i = 0; i < connection->count; i++) {
        const struct tow_setting *member = &connection->items[i];

        if (tow_setting_get(section, member->name))
            continue;
        struct tow_setting *to = &items[section->count];
        if (tow_setting_copy(to, member))
            return tow_error_nomem(reader->err);
        section->count++;
        int rc = tow_expand_setting(to, reader->job->dir, reader->diags, reader->err);
        if (rc)
            return rc;
    }
    return TOW_OK;
}

int tow_connection_merge(struct tow_job_reader *reader, struct tow_setting *section)
{
    const struct tow_setting *connection;
    struct tow_setting key = {0};
    int rc = TOW_OK;

    if (!tow_setting_take(section, "connection", &key))
        return TOW_OK;
    if (tow_job_expect_kind(reader, &key, TOW_SETTING_STRING)) {
        connection = tow_setting_get(&reader->connections, key.text);
        if (connection && connection->kind == TOW_SETTING_GROUP)
            rc = connection_copy_under(reader, connection, section);
        else if (!connection && !reader->incomplete && key.expanded != TOW_SETTING_UNKNOWN)
            rc = connection_refuse_unknown(reader, &key);
    }
    tow_setting_release(&key);
    return rc;
}
