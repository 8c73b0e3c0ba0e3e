/*
 * Words in braces in text options: "lytics_{aid}_metrics". What they stand for comes from the
 * source (towpath/plugin.h, `names`) or from a route; a sink has words of its own, which it fills
 * in itself.
 *
 * A word is a letter or '_', then letters, digits and '_', 32 bytes at most; whatever else stands
 * in braces is none. Secrets are never looked into.
 */
#ifndef CORE_CONFIG_OPTION_WORDS_H
#define CORE_CONFIG_OPTION_WORDS_H

#include "config/option/options.h"

#define TOW_WORDS_MAX      16 /* of a source; a route has one more */
#define TOW_WORD_NAME_MAX  32
#define TOW_WORD_VALUE_MAX 255

struct tow_word {
    char name[TOW_WORD_NAME_MAX + 1];
    char value[TOW_WORD_VALUE_MAX + 1];
};

/* Zero-initialized is empty. */
struct tow_words {
    size_t count;
    struct tow_word items[TOW_WORDS_MAX + 1];
};

/* "aid|audience_slug" (NULL: none): each with its name in the place of its value. Anything else is
 * TOW_E_UNSUPPORTED. */
int tow_words_parse(struct tow_words *words, const char *list, struct tow_error *err);
/* NULL where there is no such word. */
struct tow_word *tow_words_find(struct tow_words *words, const char *name, size_t length);

/*
 * Sets the value of a word, which goes into names of tables, files and the like: 1 to 255 bytes of
 * UTF-8 without control characters, braces, quotes, backticks and slashes of either kind.
 * TOW_E_CONFIG for others, which leave the word as it was; the message does not say where it comes
 * from.
 */
int tow_word_set(struct tow_word *word, const char *value, size_t length, struct tow_error *err);

/* A word in an option; borrowed. */
typedef int tow_word_visit(void *context, const struct tow_option *option, const char *word,
                           size_t length);
/* Stops at other than 0 and returns that. */
int tow_instance_each_word(const struct tow_instance *instance, tow_word_visit *visit,
                           void *context);

/* Puts the values in the place of the words, in options given and in defaults; other words stay.
 * TOW_E_CONFIG names the first option where the outcome is out of its bounds, or would name another
 * folder: it is left as it was, the others are filled. */
int tow_instance_fill(struct tow_instance *instance, const struct tow_words *words,
                      struct tow_error *err);

#endif
