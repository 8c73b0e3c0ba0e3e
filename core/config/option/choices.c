#include "config/option/choices.h"

#include <string.h>

#include "config/diag.h"

int tow_choices_next(const char **p, char out[TOW_CHOICE_TEXT_MAX])
{
    size_t length = strcspn(*p, "|");

    if (length == 0 || length >= TOW_CHOICE_TEXT_MAX)
        return -1;
    memcpy(out, *p, length);
    out[length] = '\0';
    *p = (*p)[length] ? *p + length + 1 : NULL;
    return 0;
}

int tow_choices_find(const char *choices, const char *text)
{
    char choice[TOW_CHOICE_TEXT_MAX];

    for (int i = 0; choices && tow_choices_next(&choices, choice) == 0; i++)
        if (strcmp(choice, text) == 0)
            return i;
    return -1;
}

const char *tow_choices_nearest(const char *choices, const char *text,
                                char out[TOW_CHOICE_TEXT_MAX])
{
    char all[TOW_CHOICES_MAX][TOW_CHOICE_TEXT_MAX];
    const char *names[TOW_CHOICES_MAX + 1] = {NULL};
    size_t count = 0;

    while (count < TOW_CHOICES_MAX && choices && tow_choices_next(&choices, all[count]) == 0) {
        names[count] = all[count];
        count++;
    }
    const char *nearest = tow_nearest(text, names);
    return nearest ? strcpy(out, nearest) : NULL;
}
