#include "config/option/words.h"

#include <string.h>

#include "config/excerpt.h"
#include "config/option/option_value.h"
#include "config/text.h"
#include "towpath/value.h"

/* ---- lists ---------------------------------------------------------------------------------- */

static int word_is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

/* Length of the word at `text`; 0 where none begins there. */
static size_t word_length(const char *text)
{
    size_t length = 0;

    while (word_is_letter(text[length]) || (length && text[length] >= '0' && text[length] <= '9'))
        length++;
    return length <= TOW_WORD_NAME_MAX ? length : 0;
}

struct tow_word *tow_words_find(struct tow_words *words, const char *name, size_t length)
{
    for (size_t i = 0; i < words->count; i++)
        if (strlen(words->items[i].name) == length &&
            memcmp(words->items[i].name, name, length) == 0)
            return &words->items[i];
    return NULL;
}

int tow_words_parse(struct tow_words *words, const char *list, struct tow_error *err)
{
    *words = (struct tow_words){0};
    while (list && *list) {
        size_t length = word_length(list);

        if (!length || (list[length] && list[length] != '|') || words->count == TOW_WORDS_MAX ||
            tow_words_find(words, list, length))
            return tow_error_set(err, TOW_E_UNSUPPORTED,
                                 "words \"%.200s\": at \"%.40s\" stands no word, one that was "
                                 "there before, or one too many; %d are allowed",
                                 list, list, TOW_WORDS_MAX);
        struct tow_word *word = &words->items[words->count++];
        memcpy(word->name, list, length);
        memcpy(word->value, list, length);
        list += length + (list[length] == '|');
    }
    return TOW_OK;
}

int tow_word_set(struct tow_word *word, const char *value, size_t length, struct tow_error *err)
{
    char shown[TOW_EXCERPT_MAX];

    if (length == 0)
        return tow_error_set(err, TOW_E_CONFIG, "it is empty");
    if (length > TOW_WORD_VALUE_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "it has %zu bytes, at most %d are allowed", length,
                             TOW_WORD_VALUE_MAX);
    tow_excerpt(value, length, shown);
    if (!tow_utf8_valid(value, length))
        return tow_error_set(err, TOW_E_CONFIG, "\"%s\" is no UTF-8", shown);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)value[i] < ' ' || value[i] == 0x7f || strchr("{}\"'`/\\", value[i]))
            return tow_error_set(err, TOW_E_CONFIG,
                                 "\"%s\" holds a control character or one of { } \" ' ` / \\",
                                 shown);
    memcpy(word->value, value, length);
    word->value[length] = '\0';
    return TOW_OK;
}

/* ---- in options ----------------------------------------------------------------------------- */

/* The next "{word}" at or behind p: its brace, and the word's length; NULL where there is none. */
static const char *word_next(const char *p, size_t *length)
{
    for (; (p = strchr(p, '{')); p++) {
        *length = word_length(p + 1);
        if (*length && p[1 + *length] == '}')
            return p;
    }
    return NULL;
}

static int word_visit_text(const struct tow_option *option, const char *text, tow_word_visit *visit,
                           void *context)
{
    size_t length = 0;
    int rc = 0;

    for (const char *p = text; !rc && p && (p = word_next(p, &length)); p += length + 2)
        rc = visit(context, option, p + 1, length);
    return rc;
}

/* 1 where the option is text that words may stand in. */
static int word_is_text(const struct tow_option *option)
{
    if (option->flags & TOW_OPTION_SECRET)
        return 0;
    return option->type == TOW_OPTION_STRING || option->type == TOW_OPTION_PATH ||
           option->type == TOW_OPTION_STRINGS;
}

int tow_instance_each_word(const struct tow_instance *instance, tow_word_visit *visit,
                           void *context)
{
    const struct tow_option *option;
    int rc = 0;

    for (size_t i = 0; !rc && (option = tow_option_at(instance->plugin, i)); i++) {
        const void *at = (const char *)instance->self + option->offset;

        if (!word_is_text(option))
            continue;
        if (option->type != TOW_OPTION_STRINGS) {
            rc = word_visit_text(option, *(const char *const *)at, visit, context);
            continue;
        }
        const struct tow_strings *strings = at;
        for (uint64_t j = 0; !rc && j < strings->count; j++)
            rc = word_visit_text(option, strings->items[j], visit, context);
    }
    return rc;
}

/* A name of its own, and no way to another folder. */
static int word_check_path(const struct tow_option *option, const struct tow_word *word,
                           struct tow_error *err)
{
    if (strcmp(word->value, ".") != 0 && strcmp(word->value, "..") != 0)
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG, "%s: {%s} is \"%s\", which would name another folder",
                         option->name, word->name, word->value);
}

static int word_fill_text(const struct tow_option *option, const char *text,
                          struct tow_words *words, struct tow_text *out, struct tow_error *err)
{
    const char *p = text, *brace;
    size_t length = 0;
    int rc = TOW_OK;

    while (!rc && (brace = word_next(p, &length))) {
        const struct tow_word *word = tow_words_find(words, brace + 1, length);
        const char *end = brace + length + 2;

        if (word && option->type == TOW_OPTION_PATH)
            rc = word_check_path(option, word, err);
        if (!rc && tow_text_append(out, p, (size_t)((word ? brace : end) - p)))
            rc = tow_error_nomem(err);
        if (!rc && word && tow_text_append(out, word->value, strlen(word->value)))
            rc = tow_error_nomem(err);
        p = end;
    }
    if (!rc && tow_text_append(out, p, strlen(p)))
        rc = tow_error_nomem(err);
    return rc;
}

/* *text becomes the filled text, which the instance owns; it stays where it has no words. */
static int word_fill(struct tow_instance *instance, const struct tow_option *option,
                     const char **text, struct tow_words *words, struct tow_error *err)
{
    struct tow_text out = {0};
    size_t length;

    if (!*text || !word_next(*text, &length))
        return TOW_OK;
    int rc = word_fill_text(option, *text, words, &out, err);
    const char *copy = rc ? NULL : tow_pool_text(instance->priv, out.bytes, out.length);
    if (!rc && !copy)
        rc = tow_error_nomem(err);
    if (!rc && option->type != TOW_OPTION_STRINGS && tow_option_is_bounded(option) &&
        ((int64_t)out.length < option->min || (int64_t)out.length > option->max)) {
        char bounds[80];

        tow_option_bounds_text(option, bounds, sizeof bounds);
        rc = tow_error_set(err, TOW_E_CONFIG,
                           "%s: %zu bytes, with \"%.100s\" filled in, are out "
                           "of bounds: %s",
                           option->name, out.length, *text, bounds);
    }
    if (!rc)
        *text = copy;
    tow_text_release(&out);
    return rc;
}

static int word_fill_strings(struct tow_instance *instance, const struct tow_option *option,
                             struct tow_strings *strings, struct tow_words *words,
                             struct tow_error *err)
{
    const char **items = tow_pool_alloc(instance->priv, (strings->count + 1) * sizeof *items);
    int rc = items ? TOW_OK : tow_error_nomem(err);

    for (uint64_t i = 0; !rc && i < strings->count; i++) {
        items[i] = strings->items[i];
        rc = word_fill(instance, option, &items[i], words, err);
    }
    if (!rc)
        strings->items = items;
    return rc;
}

int tow_instance_fill(struct tow_instance *instance, const struct tow_words *words,
                      struct tow_error *err)
{
    struct tow_words known = *words;
    const struct tow_option *option;
    int first = TOW_OK;

    for (size_t i = 0; known.count && (option = tow_option_at(instance->plugin, i)); i++) {
        void *at = (char *)instance->self + option->offset;
        struct tow_error own = TOW_ERROR_INIT;
        int rc = TOW_OK;

        if (word_is_text(option))
            rc = option->type == TOW_OPTION_STRINGS
                     ? word_fill_strings(instance, option, at, &known, &own)
                     : word_fill(instance, option, at, &known, &own);
        if (rc && !first)
            first = tow_error_set(err, rc, "%s", own.message);
    }
    return first;
}
