#include "plugins/csv/header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_LIST_MAX 400 /* bytes of names in a message */

void tow_csv_header_release(struct tow_csv_header *header)
{
    for (size_t i = 0; i < header->count; i++)
        free(header->names[i].text);
    free(header->names);
    free(header->sorted);
    *header = (struct tow_csv_header){NULL, NULL, 0};
}

int tow_csv_header_init(struct tow_csv_header *header, size_t count, struct tow_error *err)
{
    *header = (struct tow_csv_header){
        .names = calloc(count + 1, sizeof *header->names),
        .sorted = calloc(count + 1, sizeof *header->sorted),
        .count = count,
    };
    if (header->names && header->sorted)
        return TOW_OK;
    header->count = 0;
    tow_csv_header_release(header);
    return tow_error_nomem(err);
}

int tow_csv_header_set(struct tow_csv_header *header, size_t position, const char *text,
                       size_t length, struct tow_error *err)
{
    struct tow_csv_name *name = &header->names[position];

    free(name->text);
    name->text = strndup(text, length);
    name->position = position;
    return name->text ? TOW_OK : tow_error_nomem(err);
}

int tow_csv_header_set_all(struct tow_csv_header *header, struct tow_strings names,
                           struct tow_error *err)
{
    int code = tow_csv_header_init(header, names.count, err);

    for (size_t i = 0; i < names.count && code == TOW_OK; i++)
        code = tow_csv_header_set(header, i, names.items[i], strlen(names.items[i]), err);
    return code;
}

static int header_compare(const void *a, const void *b)
{
    const struct tow_csv_name *left = a, *right = b;
    int order = strcmp(left->text, right->text);

    return order ? order : (left->position > right->position) - (left->position < right->position);
}

int tow_csv_header_finish(struct tow_csv_header *header, const char *where, struct tow_error *err)
{
    for (size_t i = 0; i < header->count; i++)
        if (header->names[i].text[0] == '\0')
            return tow_error_set(err, TOW_E_CONFIG,
                                 "%s: column %zu of %zu has no name: name the columns in the job, "
                                 "columns = [\"...\"]",
                                 where, i + 1, header->count);
    memcpy(header->sorted, header->names, header->count * sizeof *header->names);
    qsort(header->sorted, header->count, sizeof *header->sorted, header_compare);
    for (size_t i = 1; i < header->count; i++)
        if (strcmp(header->sorted[i - 1].text, header->sorted[i].text) == 0)
            return tow_error_set(err, TOW_E_CONFIG,
                                 "%s: columns %zu and %zu are both called \"%s\": name the columns "
                                 "in the job, columns = [\"...\"]",
                                 where, header->sorted[i - 1].position + 1,
                                 header->sorted[i].position + 1, header->sorted[i].text);
    return TOW_OK;
}

static const struct tow_csv_name *header_find(const struct tow_csv_header *header, const char *text)
{
    size_t low = 0, high = header->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(header->sorted[middle].text, text);

        if (order == 0)
            return &header->sorted[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Lists the names of `from` that `in` lacks: ` "a", "b"`. Returns their number. */
static size_t header_list_missing(const struct tow_csv_header *from,
                                  const struct tow_csv_header *in, char list[HEADER_LIST_MAX])
{
    size_t missing = 0, used = 0;

    list[0] = '\0';
    for (size_t i = 0; i < from->count; i++) {
        int length;

        if (header_find(in, from->names[i].text))
            continue;
        if (used < HEADER_LIST_MAX) {
            length = snprintf(list + used, HEADER_LIST_MAX - used, "%s\"%s\"", missing ? ", " : "",
                              from->names[i].text);
            used += length > 0 ? (size_t)length : 0;
        }
        missing++;
    }
    return missing;
}

int tow_csv_header_match(const struct tow_csv_header *job, const struct tow_csv_header *file,
                         const char *path, size_t *fields, struct tow_error *err)
{
    char missing[HEADER_LIST_MAX], extra[HEADER_LIST_MAX];
    size_t missing_count = header_list_missing(job, file, missing);
    size_t extra_count = header_list_missing(file, job, extra);

    if (missing_count || extra_count)
        return tow_error_set(
            err, TOW_E_ENV, "%s does not have the columns of the first file:%s%s%s%s%s", path,
            missing_count ? " it lacks " : "", missing, missing_count && extra_count ? " and" : "",
            extra_count ? " has more: " : "", extra);
    for (size_t i = 0; i < job->count; i++)
        fields[i] = header_find(file, job->names[i].text)->position;
    return TOW_OK;
}

struct tow_field *tow_csv_header_fields(const struct tow_csv_header *header)
{
    struct tow_field *fields = calloc(header->count, sizeof *fields);

    for (size_t i = 0; fields && i < header->count; i++)
        fields[i] =
            (struct tow_field){.name = header->names[i].text, .type = {TOW_TYPE_STRING, 0, 0}};
    return fields;
}
