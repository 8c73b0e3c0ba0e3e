#include "connectors/databricks/ini.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/databricks/show.h"

struct ini_span {
    const char *text;
    size_t length;
};

enum ini_kind { INI_NOTHING, INI_SECTION, INI_PAIR, INI_BAD };

struct ini_line {
    enum ini_kind kind;
    struct ini_span name, value; /* of a section its name alone */
    size_t number;
};

/* ---- lines ---------------------------------------------------------------------------------- */

static struct ini_span ini_trim(const char *from, const char *to)
{
    while (from < to && strchr(" \t\r", *from))
        from++;
    while (from < to && strchr(" \t\r", to[-1]))
        to--;
    return (struct ini_span){from, (size_t)(to - from)};
}

static void ini_split_pair(struct ini_line *line, struct ini_span text)
{
    const char *end = text.text + text.length, *p = text.text;

    while (p < end && *p != '=' && *p != ':')
        p++;
    line->name = ini_trim(text.text, p);
    line->kind = p < end && line->name.length ? INI_PAIR : INI_BAD;
    if (line->kind == INI_BAD)
        return;
    line->value = ini_trim(p + 1, end);
    if (line->value.length >= 2 && line->value.text[0] == '"' && end[-1] == '"') {
        line->value.text++;
        line->value.length -= 2;
    }
}

/* The line at *p, which moves behind it; 0 at the end. */
static int ini_next(const struct tow_ini *ini, const char **p, struct ini_line *line)
{
    const char *end = ini->text + ini->length, *start = *p, *stop;
    struct ini_span text;

    if (start >= end)
        return 0;
    stop = memchr(start, '\n', (size_t)(end - start));
    *p = stop ? stop + 1 : end;
    text = ini_trim(start, stop ? stop : end);
    *line = (struct ini_line){.kind = INI_NOTHING, .number = line->number + 1};
    if (text.length == 0 || text.text[0] == '#' || text.text[0] == ';')
        return 1;
    if (text.text[0] != '[') {
        ini_split_pair(line, text);
        return 1;
    }
    line->kind = text.text[text.length - 1] == ']' ? INI_SECTION : INI_BAD;
    if (line->kind == INI_SECTION)
        line->name = ini_trim(text.text + 1, text.text + text.length - 1);
    return 1;
}

static int ini_is(struct ini_span span, const char *text)
{
    return span.length == strlen(text) && memcmp(span.text, text, span.length) == 0;
}

static int ini_is_key(struct ini_span span, const char *key)
{
    return span.length == strlen(key) && strncasecmp(span.text, key, span.length) == 0;
}

/* ---- loading -------------------------------------------------------------------------------- */

int tow_ini_parse(struct tow_ini *ini, const char *path, const char *text, size_t length,
                  struct tow_error *err)
{
    static const char mark[] = "\xef\xbb\xbf";

    *ini = (struct tow_ini){NULL, NULL, 0};
    if (length > TOW_INI_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "%s has more than %zu bytes", path, TOW_INI_MAX);
    if (length && memchr(text, '\0', length))
        return tow_error_set(err, TOW_E_CONFIG, "%s holds a NUL byte: it is no text file", path);
    if (length >= sizeof mark - 1 && memcmp(text, mark, sizeof mark - 1) == 0) {
        text += sizeof mark - 1;
        length -= sizeof mark - 1;
    }
    ini->path = strdup(path);
    ini->text = malloc(length + 1);
    if (!ini->path || !ini->text) {
        tow_ini_release(ini);
        return tow_error_nomem(err);
    }
    if (length)
        memcpy(ini->text, text, length);
    ini->text[length] = '\0';
    ini->length = length;
    return TOW_OK;
}

/* All of a file that is open; *length bytes, at most TOW_INI_MAX + 1, so that longer ones show. */
static int ini_read(int fd, const char *path, char *text, size_t *length, struct tow_error *err)
{
    *length = 0;
    while (*length <= TOW_INI_MAX) {
        ssize_t got = read(fd, text + *length, TOW_INI_MAX + 1 - *length);

        if (got == 0)
            return TOW_OK;
        if (got > 0)
            *length += (size_t)got;
        else if (errno != EINTR)
            return tow_error_errno(err, TOW_E_ENV, errno, "read %s", path);
    }
    return TOW_OK;
}

int tow_ini_load(struct tow_ini *ini, const char *path, struct tow_error *err)
{
    struct stat st;
    char *text = NULL;
    size_t length = 0;
    /* A pipe without a writer would hold up the open. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), code;

    *ini = (struct tow_ini){NULL, NULL, 0};
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? TOW_END
                   : tow_error_errno(err, TOW_E_ENV, errno, "open %s", path);
    if (fstat(fd, &st) != 0)
        code = tow_error_errno(err, TOW_E_ENV, errno, "look at %s", path);
    else if (!S_ISREG(st.st_mode))
        code = tow_error_set(err, TOW_E_CONFIG, "%s is no regular file", path);
    else if (!(text = malloc(TOW_INI_MAX + 1)))
        code = tow_error_nomem(err);
    else
        code = ini_read(fd, path, text, &length, err);
    if (code == TOW_OK)
        code = tow_ini_parse(ini, path, text, length, err);
    if (text)
        explicit_bzero(text, length);
    free(text);
    close(fd);
    return code;
}

void tow_ini_release(struct tow_ini *ini)
{
    if (ini->text)
        explicit_bzero(ini->text, ini->length);
    free(ini->text);
    free(ini->path);
    *ini = (struct tow_ini){NULL, NULL, 0};
}

/* ---- looking up ----------------------------------------------------------------------------- */

static int ini_copy(char **value, struct ini_span span, struct tow_error *err)
{
    if (*value)
        explicit_bzero(*value, strlen(*value));
    free(*value);
    *value = NULL;
    if (span.length == 0)
        return TOW_OK;
    *value = strndup(span.text, span.length);
    return *value ? TOW_OK : tow_error_nomem(err);
}

int tow_ini_get(const struct tow_ini *ini, const char *section, const char *key, char **value,
                struct tow_error *err)
{
    struct ini_line line = {.number = 0};
    const char *p = ini->text;
    int inside = 0, code = TOW_OK;

    *value = NULL;
    while (code == TOW_OK && ini_next(ini, &p, &line)) {
        if (line.kind == INI_SECTION)
            inside = ini_is(line.name, section);
        else if (inside && line.kind == INI_BAD)
            code = tow_error_set(err, TOW_E_CONFIG,
                                 "%s, line %zu: neither \"[profile]\" nor \"key = value\"",
                                 ini->path, line.number);
        else if (inside && line.kind == INI_PAIR && ini_is_key(line.name, key))
            code = ini_copy(value, line.value, err);
    }
    if (code != TOW_OK)
        ini_copy(value, (struct ini_span){"", 0}, NULL);
    return code;
}

int tow_ini_has(const struct tow_ini *ini, const char *section)
{
    struct ini_line line = {.number = 0};
    const char *p = ini->text;

    while (ini_next(ini, &p, &line))
        if (line.kind == INI_SECTION && ini_is(line.name, section))
            return 1;
    return 0;
}

void tow_ini_sections(const struct tow_ini *ini, char *list, size_t size)
{
    struct ini_line line = {.number = 0};
    const char *p = ini->text;
    size_t used = 0;

    list[0] = '\0';
    while (ini_next(ini, &p, &line)) {
        char shown[TOW_SHOW_MAX];
        int added;

        if (line.kind != INI_SECTION)
            continue;
        added = snprintf(list + used, size - used, "%s%s", used ? ", " : "",
                         tow_show(line.name.text, line.name.length, shown));
        if (added < 0 || (size_t)added >= size - used) {
            list[used] = '\0';
            return;
        }
        used += (size_t)added;
    }
}
