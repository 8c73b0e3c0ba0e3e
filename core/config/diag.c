#include "config/diag.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Findings without a file come first, then by name of file and by line. */
static int diag_compare(const struct tow_diag *diag, const char *file, int line)
{
    int by_file = strcmp(diag->file ? diag->file : "", file ? file : "");

    return by_file ? by_file : (diag->line > line) - (diag->line < line);
}

/* Where a finding goes: behind all that stand at the same place. */
static size_t diags_slot(const struct tow_diags *diags, const char *file, int line)
{
    size_t low = 0, high = diags->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (diag_compare(&diags->items[middle], file, line) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int diags_known(const struct tow_diags *diags, size_t slot, const struct tow_diag *diag)
{
    for (size_t i = slot; i > 0; i--) {
        const struct tow_diag *known = &diags->items[i - 1];

        if (diag_compare(known, diag->file, diag->line) != 0)
            return 0;
        if (known->severity == diag->severity && strcmp(known->text, diag->text) == 0)
            return 1;
    }
    return 0;
}

static int diags_reserve(struct tow_diags *diags)
{
    if (diags->count < diags->capacity)
        return 0;
    size_t capacity = diags->capacity ? diags->capacity * 2 : 16;
    struct tow_diag *items = reallocarray(diags->items, capacity, sizeof *items);

    if (!items)
        return -1;
    diags->items = items;
    diags->capacity = capacity;
    return 0;
}

static void diag_release(struct tow_diag *diag)
{
    free(diag->file);
    free(diag->text);
}

/* Takes over what diag points to. */
static void diags_insert(struct tow_diags *diags, struct tow_diag *diag)
{
    size_t slot = diags_slot(diags, diag->file, diag->line);

    if (diags_known(diags, slot, diag)) {
        diag_release(diag);
        return;
    }
    memmove(&diags->items[slot + 1], &diags->items[slot],
            (diags->count - slot) * sizeof *diags->items);
    diags->items[slot] = *diag;
    diags->count++;
    if (diag->severity == TOW_DIAG_ERROR)
        diags->errors++;
    else
        diags->warnings++;
}

/* Names and paths out of a file may hold anything; a finding is one line. */
static void diag_make_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

static void diags_miss(struct tow_diags *diags)
{
    if (!diags->incomplete)
        diags->errors++;
    diags->incomplete = 1;
}

void tow_diags_add(struct tow_diags *diags, enum tow_severity severity, const char *file, int line,
                   const char *format, ...)
{
    struct tow_diag diag = {.severity = severity, .line = line};
    va_list args;

    va_start(args, format);
    if (vasprintf(&diag.text, format, args) < 0)
        diag.text = NULL;
    va_end(args);
    if (file)
        diag.file = strdup(file);
    if (diag.text && (diag.file || !file) && diags_reserve(diags) == 0) {
        diag_make_line(diag.text);
        diags_insert(diags, &diag);
        return;
    }
    diag_release(&diag);
    diags_miss(diags);
}

void tow_diags_found(struct tow_diags *diags, const char *file, int line,
                     const struct tow_error *found)
{
    const size_t errors = diags->errors;

    if (found->code == TOW_E_NOMEM) {
        diags_miss(diags);
        return;
    }
    tow_diags_add(diags, TOW_DIAG_ERROR, file, line, "%s", found->message);
    if (found->code == TOW_E_ENV && !diags->incomplete)
        diags->outside += diags->errors - errors;
}

void tow_diags_print(struct tow_diags *diags, FILE *to)
{
    for (size_t i = 0; i < diags->count; i++) {
        const struct tow_diag *diag = &diags->items[i];

        if (diag->file)
            fprintf(to, "%s:", diag->file);
        if (diag->file && diag->line)
            fprintf(to, "%d:", diag->line);
        fprintf(to, "%s%s: %s\n", diag->file ? " " : "",
                diag->severity == TOW_DIAG_ERROR ? "error" : "warning", diag->text);
    }
    if (diags->incomplete)
        fputs("error: out of memory: findings are missing here\n", to);
}

void tow_diags_release(struct tow_diags *diags)
{
    for (size_t i = 0; i < diags->count; i++)
        diag_release(&diags->items[i]);
    free(diags->items);
    *diags = (struct tow_diags){0};
}

int tow_diags_error(const struct tow_diags *diags, struct tow_error *err)
{
    const struct tow_diag *first = NULL;

    if (diags->incomplete)
        return tow_error_nomem(err);
    for (size_t i = 0; i < diags->count && !first; i++)
        if (diags->items[i].severity == TOW_DIAG_ERROR)
            first = &diags->items[i];
    if (!first)
        return TOW_OK;
    tow_error_set(err, TOW_E_CONFIG, "%s%s", first->text,
                  diags->errors > 1 ? " (and more: see `towpath check`)" : "");
    if (first->file && first->line > 0)
        return tow_error_prefix(err, "%s:%d", first->file, first->line);
    return first->file ? tow_error_prefix(err, "%s", first->file) : TOW_E_CONFIG;
}
