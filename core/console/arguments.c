#include "console/arguments.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "config/diag.h"
#include "towpath/value.h"

/* Room for the options of all commands together. */
#define ARGUMENTS_MAX 128
/* getopt's value of row i: above every letter. */
#define ARGUMENT_BASE 256

/* The tables in the form that getopt_long wants. */
struct parser {
    struct option longs[ARGUMENTS_MAX + 1];
    const struct tow_argument *rows[ARGUMENTS_MAX];
    void *targets[ARGUMENTS_MAX];
    char letters[2 * ARGUMENTS_MAX + 3];
    size_t count;
    struct tow_texts *others; /* NULL: unknown options are refused */
};

/* `prefix` sets getopt's mode: ":" permutes, "-:" hands out other arguments in place. */
static int parser_init(struct parser *parser, const char *prefix,
                       const struct tow_argument_set *sets, size_t set_count, struct tow_error *err)
{
    char *letter = stpcpy(parser->letters, prefix);

    parser->count = 0;
    parser->others = NULL;
    for (size_t s = 0; s < set_count; s++)
        for (const struct tow_argument *row = sets[s].rows; row && row->name; row++) {
            size_t i = parser->count;

            if (row->kind == TOW_ARGUMENT_OTHERS) {
                parser->others = (void *)((char *)sets[s].target + row->offset);
                continue;
            }
            if (i == ARGUMENTS_MAX)
                return tow_error_set(err, TOW_E_BUG, "more than %d options", ARGUMENTS_MAX);
            parser->rows[i] = row;
            parser->targets[i] = sets[s].target;
            parser->longs[i] = (struct option){
                .name = row->name,
                .has_arg = row->kind == TOW_ARGUMENT_FLAG ? no_argument : required_argument,
                .val = ARGUMENT_BASE + (int)i,
            };
            if (row->letter) {
                *letter++ = row->letter;
                if (row->kind != TOW_ARGUMENT_FLAG)
                    *letter++ = ':';
            }
            parser->count++;
        }
    *letter = '\0';
    parser->longs[parser->count] = (struct option){0};
    optind = 0; /* getopt starts anew */
    opterr = 0;
    return TOW_OK;
}

static size_t parser_row(const struct parser *parser, int value)
{
    for (size_t i = 0; i < parser->count; i++)
        if (value == ARGUMENT_BASE + (int)i || value == parser->rows[i]->letter)
            return i;
    return parser->count;
}

/* ---- refusals ------------------------------------------------------------------------------- */

static int parser_unknown_long(const struct parser *parser, const char *given,
                               struct tow_error *err)
{
    const char *names[ARGUMENTS_MAX + 1];
    char name[64];
    size_t length = strcspn(given, "="), matches = 0;

    for (size_t i = 0; i < parser->count; i++) {
        names[i] = parser->rows[i]->name;
        matches += length > 0 && strncmp(names[i], given, length) == 0;
    }
    names[parser->count] = NULL;
    if (matches > 1)
        return tow_error_set(err, TOW_E_CONFIG, "option --%.*s is ambiguous", (int)length, given);
    const char *near = NULL;
    if (length < sizeof name) {
        memcpy(name, given, length);
        name[length] = '\0';
        near = tow_nearest(name, names);
    }
    return tow_error_set(err, TOW_E_CONFIG, "unknown option --%.*s%s%s%s", (int)length, given,
                         near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
}

static int parser_refuse(const struct parser *parser, int answer, char **argv,
                         struct tow_error *err)
{
    const char *given = optind > 0 ? argv[optind - 1] : "";
    size_t i = parser_row(parser, optopt);

    if (answer == ':')
        return tow_error_set(err, TOW_E_CONFIG, "option %s needs a value: %s", given,
                             i < parser->count ? parser->rows[i]->value : "?");
    if (optopt >= ARGUMENT_BASE && i < parser->count)
        return tow_error_set(err, TOW_E_CONFIG, "option --%s takes no value",
                             parser->rows[i]->name);
    if (optopt)
        return tow_error_set(err, TOW_E_CONFIG, "unknown option -%c", optopt);
    return parser_unknown_long(parser, given + strspn(given, "-"), err);
}

/* ---- values --------------------------------------------------------------------------------- */

static int argument_number(const struct tow_argument *row, const char *text, int64_t *out,
                           struct tow_error *err)
{
    if (tow_parse_int64(text, strlen(text), out) != TOW_PARSE_OK)
        return tow_error_set(err, TOW_E_CONFIG, "option --%s: \"%s\" is not a whole number",
                             row->name, text);
    if (*out < row->min && row->max == INT64_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "option --%s: %lld is less than %lld", row->name,
                             (long long)*out, (long long)row->min);
    if (*out < row->min || *out > row->max)
        return tow_error_set(err, TOW_E_CONFIG, "option --%s: %lld is not within %lld .. %lld",
                             row->name, (long long)*out, (long long)row->min, (long long)row->max);
    return TOW_OK;
}

static int argument_choice(const struct tow_argument *row, const char *text, int *out,
                           struct tow_error *err)
{
    const char *choice = row->value;

    for (int i = 0;; i++) {
        size_t length = strcspn(choice, "|");

        if (strlen(text) == length && strncmp(text, choice, length) == 0) {
            *out = i;
            return TOW_OK;
        }
        if (!choice[length])
            break;
        choice += length + 1;
    }
    return tow_error_set(err, TOW_E_CONFIG, "option --%s: \"%s\" is none of %s", row->name, text,
                         row->value);
}

static int argument_append(struct tow_texts *texts, const char *text, struct tow_error *err)
{
    const char **items = reallocarray(texts->items, texts->count + 1, sizeof *items);

    if (!items)
        return tow_error_nomem(err);
    texts->items = items;
    items[texts->count++] = text;
    return TOW_OK;
}

static int argument_store(const struct tow_argument *row, void *target, const char *text,
                          struct tow_error *err)
{
    void *member = (char *)target + row->offset;

    switch (row->kind) {
    case TOW_ARGUMENT_FLAG:
        *(int *)member = 1;
        return TOW_OK;
    case TOW_ARGUMENT_TEXT:
        *(const char **)member = text;
        return TOW_OK;
    case TOW_ARGUMENT_NUMBER:
        return argument_number(row, text, member, err);
    case TOW_ARGUMENT_CHOICE:
        return argument_choice(row, text, member, err);
    case TOW_ARGUMENT_TEXTS:
        return argument_append(member, text, err);
    case TOW_ARGUMENT_OTHERS: /* argument_other */
        break;
    }
    return TOW_OK;
}

/* An unknown option of which getopt has passed the name alone. */
static int argument_other(struct tow_texts *others, int argc, char **argv, struct tow_error *err)
{
    const char *name = argv[optind - 1] + strspn(argv[optind - 1], "-");
    const char *equal = strchr(name, '=');
    const char *value = equal ? equal + 1 : optind < argc ? argv[optind] : NULL;

    if (!value)
        return tow_error_set(err, TOW_E_CONFIG, "option --%s needs a value", name);
    optind += !equal;
    int rc = argument_append(others, name, err);
    return rc ? rc : argument_append(others, value, err);
}

/* ---- the calls ------------------------------------------------------------------------------ */

int tow_arguments_words(int argc, char **argv, const struct tow_argument_set *sets,
                        size_t set_count, struct tow_texts *words, size_t capacity,
                        struct tow_error *err)
{
    struct parser parser;
    int rc = parser_init(&parser, "-:", sets, set_count, err);

    while (!rc && words->count < capacity) {
        int answer = getopt_long(argc, argv, parser.letters, parser.longs, NULL);

        if (answer < 0)
            break;
        if (answer == 1)
            rc = argument_append(words, optarg, err);
        else if ((answer == '?' || answer == ':') && words->count == 0)
            rc = parser_refuse(&parser, answer, argv, err);
    }
    return rc;
}

int tow_arguments_parse(int argc, char **argv, const struct tow_argument_set *sets,
                        size_t set_count, int *first, struct tow_error *err)
{
    struct parser parser;
    int rc = parser_init(&parser, ":", sets, set_count, err);

    while (!rc) {
        int answer = getopt_long(argc, argv, parser.letters, parser.longs, NULL);

        if (answer < 0)
            break;
        size_t i = parser_row(&parser, answer);
        if (answer == '?' && optopt == 0 && parser.others)
            rc = argument_other(parser.others, argc, argv, err);
        else if (answer == '?' || answer == ':' || i == parser.count)
            rc = parser_refuse(&parser, answer, argv, err);
        else
            rc = argument_store(parser.rows[i], parser.targets[i], optarg, err);
    }
    *first = optind;
    return rc;
}

void tow_arguments_defaults(const struct tow_argument_set *set)
{
    for (const struct tow_argument *row = set->rows; row && row->name; row++) {
        void *member = (char *)set->target + row->offset;

        if (row->kind == TOW_ARGUMENT_NUMBER)
            *(int64_t *)member = row->fallback;
        else if (row->kind == TOW_ARGUMENT_CHOICE)
            *(int *)member = (int)row->fallback;
    }
}

void tow_arguments_release(const struct tow_argument_set *set)
{
    for (const struct tow_argument *row = set->rows; row && row->name; row++)
        if (row->kind == TOW_ARGUMENT_TEXTS || row->kind == TOW_ARGUMENT_OTHERS) {
            struct tow_texts *texts = (struct tow_texts *)((char *)set->target + row->offset);

            free(texts->items);
            *texts = (struct tow_texts){0};
        }
}
