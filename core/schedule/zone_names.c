#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kit/zone/zone_changes.h"
#include "schedule/zone.h"

#define ZONE_NAMES_MAX   4096
#define ZONE_NAMES_DEPTH 3 /* America/Argentina/Salta */

struct zone_names {
    char **items;
    size_t count;
    int failed;
};

static void zone_names_add(struct zone_names *names, const char *name)
{
    if (names->count == ZONE_NAMES_MAX)
        return;
    names->items[names->count] = strdup(name);
    if (!names->items[names->count])
        names->failed = 1;
    else
        names->count++;
}

/* Zones start with a capital letter; what lies beside them ("posix", "tzdata.zi") does not. */
static int zone_names_is_one(const char *name)
{
    return name[0] >= 'A' && name[0] <= 'Z';
}

static void zone_names_walk(struct zone_names *names, const char *below, int depth)
{
    char path[PATH_MAX], name[NAME_MAX + 1];
    struct dirent *entry;
    struct stat st;
    DIR *folder;

    if ((size_t)snprintf(path, sizeof path, "%s/%s", tow_zone_folder(), below) >= sizeof path)
        return;
    folder = opendir(path);
    while (folder && !names->failed && (entry = readdir(folder))) {
        if (!zone_names_is_one(entry->d_name) ||
            (size_t)snprintf(name, sizeof name, "%s%s%s", below, *below ? "/" : "",
                             entry->d_name) >= sizeof name ||
            fstatat(dirfd(folder), entry->d_name, &st, 0) != 0)
            continue;
        if (S_ISREG(st.st_mode))
            zone_names_add(names, name);
        else if (S_ISDIR(st.st_mode) && depth < ZONE_NAMES_DEPTH)
            zone_names_walk(names, name, depth + 1);
    }
    if (folder)
        closedir(folder);
}

char **tow_zone_names(void)
{
    struct zone_names names = {.items = calloc(ZONE_NAMES_MAX + 1, sizeof *names.items)};

    if (!names.items)
        return NULL;
    zone_names_walk(&names, "", 1);
    if (!names.failed && names.count)
        return names.items;
    tow_zone_names_free(names.items);
    return NULL;
}

void tow_zone_names_free(char **names)
{
    for (char **name = names; name && *name; name++)
        free(*name);
    free(names);
}
