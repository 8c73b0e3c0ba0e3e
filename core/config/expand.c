#include "config/expand.h"

#include <stdlib.h>
#include <string.h>

#include "config/excerpt.h"
#include "config/file.h"
#include "config/others.h"
#include "config/text.h"
#include "towpath/value.h"

struct expansion {
    const char *dir;
    struct tow_text out;
    int origin;
    char warning[TOW_EXCERPT_MAX + TOW_OTHERS_MAX + 32]; /* "": none */
    struct tow_error *err;
};

static int expand_append(struct expansion *expansion, const char *bytes, size_t length)
{
    if (tow_text_append(&expansion->out, bytes, length))
        return tow_error_nomem(expansion->err);
    return TOW_OK;
}

static int expand_append_outside(struct expansion *expansion, const char *bytes, size_t length)
{
    expansion->origin = TOW_SETTING_EXPANDED;
    return expand_append(expansion, bytes, length);
}

static int expand_is_name(const char *name)
{
    for (const char *p = name; *p; p++)
        if (!(*p == '_' || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') ||
              (p > name && *p >= '0' && *p <= '9')))
            return 0;
    return *name != '\0';
}

/* reference: NAME or NAME:-default. */
static int expand_env(struct expansion *expansion, char *reference)
{
    char *fallback = strstr(reference, ":-");
    char shown[TOW_EXCERPT_MAX];

    if (fallback) {
        *fallback = '\0';
        fallback += 2;
    }
    tow_excerpt(reference, strlen(reference), shown);
    if (!expand_is_name(reference))
        return tow_error_set(expansion->err, TOW_E_CONFIG,
                             "${env:%s}: that is no name of an environment variable", shown);
    if (fallback && strstr(fallback, "${"))
        return tow_error_set(expansion->err, TOW_E_CONFIG,
                             "${env:%s:-...}: the default cannot hold a reference", shown);
    const char *value = getenv(reference);
    if (fallback && (!value || !*value)) {
        if (expansion->origin == TOW_SETTING_LITERAL)
            expansion->origin = TOW_SETTING_DEFAULTED;
        return expand_append(expansion, fallback, strlen(fallback));
    }
    if (!value)
        return tow_error_set(expansion->err, TOW_E_CONFIG,
                             "${env:%s}: the environment variable is not set", shown);
    if (!tow_utf8_valid(value, strlen(value)))
        return tow_error_set(expansion->err, TOW_E_CONFIG,
                             "${env:%s}: the environment variable is not UTF-8", shown);
    return expand_append_outside(expansion, value, strlen(value));
}

static int expand_check_content(const struct tow_text *content, struct tow_error *err)
{
    if (content->length && memchr(content->bytes, '\0', content->length))
        return tow_error_set(err, TOW_E_CONFIG, "it holds a NUL byte");
    if (content->length && !tow_utf8_valid(content->bytes, content->length))
        return tow_error_set(err, TOW_E_CONFIG, "it is not UTF-8");
    return TOW_OK;
}

static void expand_check_writers(struct expansion *expansion, const char *reference,
                                 const struct stat *info)
{
    char shown[TOW_EXCERPT_MAX], who[TOW_OTHERS_MAX];

    if (!*expansion->warning && tow_others_write(info, who))
        snprintf(expansion->warning, sizeof expansion->warning, "${file:%s}: %s; chmod go-w it",
                 tow_excerpt(reference, strlen(reference), shown), who);
}

static int expand_file(struct expansion *expansion, const char *reference)
{
    struct tow_text content = {0};
    struct stat info;
    char *path = NULL;
    int rc = tow_path_resolve(reference, expansion->dir, &path, expansion->err);

    if (!rc)
        rc = tow_file_read(path, TOW_EXPAND_FILE_MAX, &content, &info, expansion->err);
    if (!rc)
        expand_check_writers(expansion, reference, &info);
    if (!rc)
        rc = expand_check_content(&content, expansion->err);
    if (rc && rc != TOW_E_NOMEM) {
        char shown[TOW_EXCERPT_MAX];

        tow_error_prefix(expansion->err, "${file:%s}",
                         tow_excerpt(reference, strlen(reference), shown));
    }
    size_t length = content.length;
    if (length && content.bytes[length - 1] == '\n')
        length -= length > 1 && content.bytes[length - 2] == '\r' ? 2 : 1;
    if (!rc)
        rc = expand_append_outside(expansion, content.bytes, length);
    tow_text_release(&content);
    free(path);
    return rc;
}

/* What stands between "${" and "}". */
static int expand_reference(struct expansion *expansion, char *reference)
{
    if (strncmp(reference, "env:", 4) == 0)
        return expand_env(expansion, reference + 4);
    if (strncmp(reference, "file:", 5) == 0)
        return expand_file(expansion, reference + 5);
    return tow_error_set(expansion->err, TOW_E_CONFIG,
                         "unknown reference; there are ${env:NAME}, ${env:NAME:-default} and "
                         "${file:path}; a literal \"${\" is written \"$${\"");
}

/* Takes the reference whose "${" lies at *p and moves behind it. */
static int expand_take_reference(struct expansion *expansion, const char **p)
{
    const char *start = *p + 2;
    const char *end = strchr(start, '}');

    if (!end)
        return tow_error_set(expansion->err, TOW_E_CONFIG,
                             "\"${\" is never closed by '}'; a literal \"${\" is written \"$${\"");
    char *reference = strndup(start, (size_t)(end - start));
    if (!reference)
        return tow_error_nomem(expansion->err);
    int rc = expand_reference(expansion, reference);
    free(reference);
    *p = end + 1;
    return rc;
}

/* On success the caller has expansion->out to free. */
static int expand_whole(struct expansion *expansion, const char *text)
{
    const char *p = text;
    int rc = expand_append(expansion, "", 0);

    while (!rc && *p) {
        size_t plain = strcspn(p, "$");

        rc = expand_append(expansion, p, plain);
        p += plain;
        if (rc || !*p)
            break;
        if (strncmp(p, "$${", 3) == 0) {
            rc = expand_append(expansion, "${", 2);
            p += 3;
        } else if (p[1] == '{') {
            rc = expand_take_reference(expansion, &p);
        } else {
            rc = expand_append(expansion, p++, 1);
        }
    }
    if (rc)
        tow_text_release(&expansion->out);
    return rc;
}

int tow_expand_text(const char *text, const char *dir, char **out, int *origin,
                    struct tow_error *err)
{
    struct tow_error own = TOW_ERROR_INIT;
    struct expansion expansion = {.dir = dir, .err = err ? err : &own};
    int rc = expand_whole(&expansion, text);

    if (!rc) {
        *out = expansion.out.bytes;
        *origin = expansion.origin;
    }
    return rc;
}

static int expand_string(struct tow_setting *setting, const char *dir, struct tow_diags *diags,
                         struct tow_error *err)
{
    struct tow_error own = TOW_ERROR_INIT;
    struct expansion expansion = {.dir = dir, .err = &own};

    if (!strstr(setting->text, "${"))
        return TOW_OK;
    int rc = expand_whole(&expansion, setting->text);
    if (rc == TOW_E_NOMEM)
        return tow_error_nomem(err);
    if (rc) {
        if (setting->name)
            tow_error_prefix(&own, "%s", setting->name);
        tow_diags_found(diags, setting->file, setting->line, &own);
        setting->expanded = TOW_SETTING_UNKNOWN;
        return TOW_OK;
    }
    if (*expansion.warning)
        tow_diags_add(diags, TOW_DIAG_WARNING, setting->file, setting->line, "%s%s%s",
                      setting->name ? setting->name : "", setting->name ? ": " : "",
                      expansion.warning);
    explicit_bzero(setting->text, strlen(setting->text));
    free(setting->text);
    setting->text = expansion.out.bytes;
    setting->expanded = expansion.origin;
    return TOW_OK;
}

int tow_expand_setting(struct tow_setting *setting, const char *dir, struct tow_diags *diags,
                       struct tow_error *err)
{
    int rc = TOW_OK;

    if (setting->kind == TOW_SETTING_STRING)
        return expand_string(setting, dir, diags, err);
    for (size_t i = 0; !rc && i < setting->count; i++)
        rc = tow_expand_setting(&setting->items[i], dir, diags, err);
    return rc;
}
