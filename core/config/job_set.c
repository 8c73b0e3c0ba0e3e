/* `--set KEY=VALUE`: values of the command line over those of a job file. */
#include <stdlib.h>
#include <string.h>

#include "config/excerpt.h"
#include "config/job_reader.h"
#include "towpath/value.h"

/* Where findings about these values say they stand. */
#define SET_ORIGIN "--set"

/* Groups that a job may lack and a value may still go into. */
static const char *const set_groups[] = {"retry",   "pipeline", "rejects", "results",
                                         "history", "load",     NULL};

static int set_refuse(struct tow_diags *diags, const char *key, size_t length, const char *text)
{
    char shown[TOW_EXCERPT_MAX];

    tow_diags_add(diags, TOW_DIAG_ERROR, SET_ORIGIN, 0, "\"%s\": %s",
                  tow_excerpt(key, length, shown), text);
    return TOW_OK;
}

/* ---- values --------------------------------------------------------------------------------- */

/* As libconfig tells numbers from words: "inf" and "1.2.3" are words. */
static int set_is_number(const char *text, size_t length, double *number)
{
    size_t sign = length > 0 && (text[0] == '-' || text[0] == '+');

    return length > sign && (text[sign] == '.' || (text[sign] >= '0' && text[sign] <= '9')) &&
           tow_parse_double(text, length, number) == TOW_PARSE_OK;
}

/*
 * A number or boolean where it looks like one, unless the file has a string there; "..." is a
 * string in any case.
 */
static int set_value(struct tow_setting *to, const char *text)
{
    size_t length = strlen(text);
    int quoted = length >= 2 && text[0] == '"' && text[length - 1] == '"';
    int string = quoted || (to->text && to->kind == TOW_SETTING_STRING);

    free(to->text);
    to->text = NULL;
    to->expanded = TOW_SETTING_LITERAL;
    to->file = SET_ORIGIN;
    to->line = 0;
    if (!string && tow_parse_int64(text, length, &to->integer) == TOW_PARSE_OK) {
        to->kind = TOW_SETTING_INT;
    } else if (!string && set_is_number(text, length, &to->number)) {
        to->kind = TOW_SETTING_DOUBLE;
    } else if (!string && (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0)) {
        to->kind = TOW_SETTING_BOOL;
        to->integer = strcasecmp(text, "true") == 0;
    } else {
        to->kind = TOW_SETTING_STRING;
        to->text = quoted ? strndup(text + 1, length - 2) : strdup(text);
        return to->text ? 0 : -1;
    }
    return 0;
}

/* ---- places --------------------------------------------------------------------------------- */

static struct tow_setting *set_find(struct tow_setting *group, const char *name, size_t length)
{
    for (size_t i = 0; i < group->count; i++)
        if (strncmp(group->items[i].name, name, length) == 0 && !group->items[i].name[length])
            return &group->items[i];
    return NULL;
}

/* A new member, a GROUP without members; NULL where memory ran out. */
static struct tow_setting *set_add(struct tow_setting *group, const char *name, size_t length)
{
    struct tow_setting *items = reallocarray(group->items, group->count + 1, sizeof *items);

    if (!items)
        return NULL;
    group->items = items;
    items[group->count] = (struct tow_setting){
        .name = strndup(name, length), .kind = TOW_SETTING_GROUP, .file = SET_ORIGIN};
    return items[group->count].name ? &items[group->count++] : NULL;
}

static int set_may_add(const char *name, size_t length)
{
    for (const char *const *known = set_groups; *known; known++)
        if (strlen(*known) == length && memcmp(*known, name, length) == 0)
            return 1;
    return 0;
}

static int set_unknown_group(const struct tow_setting *group, const char *key, size_t length,
                             struct tow_diags *diags, struct tow_error *err)
{
    const char **names = calloc(group->count + 1, sizeof *names);
    size_t count = 0;
    char shown[TOW_EXCERPT_MAX];

    if (!names)
        return tow_error_nomem(err);
    for (size_t i = 0; i < group->count; i++)
        if (group->items[i].kind == TOW_SETTING_GROUP)
            names[count++] = group->items[i].name;
    const char *near = tow_nearest(tow_excerpt(key, length, shown), names);
    tow_diags_add(diags, TOW_DIAG_ERROR, SET_ORIGIN, 0, "there is no group \"%s\" in %s%s%s%s",
                  shown, group->name, near ? "; did you mean \"" : "", near ? near : "",
                  near ? "\"?" : "");
    free(names);
    return TOW_OK;
}

/* key is NAME.NAME...=VALUE, the names leading down from the group. */
static int set_apply(struct tow_setting *group, const char *key, struct tow_diags *diags,
                     struct tow_error *err)
{
    struct tow_setting *job = group, *member;
    size_t length = strcspn(key, ".=");

    for (; key[length] == '.'; length = strcspn(key, ".=")) {
        member = set_find(group, key, length);
        if (!member && group == job && set_may_add(key, length)) {
            member = set_add(group, key, length);
            if (!member)
                return tow_error_nomem(err);
        }
        if (!member || member->kind != TOW_SETTING_GROUP)
            return set_unknown_group(group, key, length, diags, err);
        group = member;
        key += length + 1;
    }
    if (length == 0)
        return set_refuse(diags, key, strlen(key), "a name is missing before \"=\"");
    member = set_find(group, key, length);
    if (member && (member->kind == TOW_SETTING_GROUP || member->kind == TOW_SETTING_LIST))
        return set_refuse(diags, key, length, "it holds several values; only one can be set");
    if (!member)
        member = set_add(group, key, length);
    if (!member || set_value(member, key + length + 1))
        return tow_error_nomem(err);
    return TOW_OK;
}

/* 1 where the text is UTF-8, as that of a file is, and its key can be shown. */
static int set_is_text(const char *set)
{
    size_t key = strcspn(set, "=");

    for (size_t i = 0; i < key; i++)
        if ((unsigned char)set[i] < 0x20 || set[i] == 0x7f)
            return 0;
    return tow_utf8_valid(set, strlen(set));
}

int tow_job_apply_sets(struct tow_setting *root, const char *const *sets, size_t count,
                       struct tow_diags *diags, struct tow_error *err)
{
    struct tow_setting *job = set_find(root, "job", 3);
    int rc = TOW_OK;

    /* A file without the group is refused by those who read it. */
    if (!job || job->kind != TOW_SETTING_GROUP)
        return TOW_OK;
    for (size_t i = 0; !rc && i < count; i++) {
        const char *key = strncmp(sets[i], "job.", 4) == 0 ? sets[i] + 4 : sets[i];

        if (!strchr(sets[i], '='))
            rc = set_refuse(diags, sets[i], strlen(sets[i]), "KEY=VALUE is needed");
        else if (!set_is_text(sets[i]))
            rc = set_refuse(diags, sets[i], strcspn(sets[i], "="),
                            "the key has control characters, or it and its value are not UTF-8");
        else
            rc = set_apply(job, key, diags, err);
    }
    return rc;
}
