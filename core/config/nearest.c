/* Edit distance by Damerau and Levenshtein, restricted: no letter takes part in two edits. */
#include <string.h>

#include "config/diag.h"

#define NEAREST_LENGTH_MAX 64

/* Case, and '-' for '_', are slips that cost nothing. */
static char nearest_fold(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c == '-' ? '_' : c;
}

static unsigned nearest_least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* rows[i % 3][j] is the distance between the first i letters of a and the first j of b. */
static unsigned nearest_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned rows[3][NEAREST_LENGTH_MAX + 1];

    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3];
        const unsigned *two_above = rows[(i + 1) % 3];
        char c = nearest_fold(a[i - 1]);

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            char d = nearest_fold(b[j - 1]);

            row[j] = nearest_least(above[j], row[j - 1]) + 1;
            row[j] = nearest_least(row[j], above[j - 1] + (c != d));
            if (i > 1 && j > 1 && c == nearest_fold(b[j - 2]) && d == nearest_fold(a[i - 2]))
                row[j] = nearest_least(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

const char *tow_nearest(const char *name, const char *const *names)
{
    size_t length = strlen(name);
    const char *nearest = NULL;
    unsigned smallest = NEAREST_LENGTH_MAX;

    if (length == 0 || length > NEAREST_LENGTH_MAX)
        return NULL;
    for (; *names; names++) {
        size_t other = strlen(*names);
        size_t longer = other > length ? other : length;

        if (longer > NEAREST_LENGTH_MAX)
            continue;
        unsigned distance = nearest_distance(name, length, *names, other);
        if (distance <= longer / 3 && distance < smallest) {
            smallest = distance;
            nearest = *names;
        }
    }
    return nearest;
}
