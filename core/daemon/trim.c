#include "daemon/trim.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* A mapping as /proc/self/smaps describes it. */
struct trim_mapping {
    uintptr_t start, end;
    int from_file; /* backed by a file, and not writable */
    int changed;   /* has pages of its own: a relocated table, a breakpoint */
};

static void trim_drop(const struct trim_mapping *mapping)
{
    if (mapping->from_file && !mapping->changed && mapping->end > mapping->start)
        madvise((void *)mapping->start, mapping->end - mapping->start, MADV_DONTNEED);
}

/* "7f0cd72af000-7f0cd72b3000 r--p 00000000 08:01 1234   /lib/...": 1 where the line is of that
 * form. */
static int trim_header(const char *line, struct trim_mapping *mapping)
{
    unsigned long start, end, inode;
    char permissions[5];

    if (sscanf(line, "%lx-%lx %4s %*x %*x:%*x %lu", &start, &end, permissions, &inode) != 4)
        return 0;
    *mapping = (struct trim_mapping){.start = start,
                                     .end = end,
                                     .from_file = inode != 0 && permissions[1] == '-' &&
                                                  permissions[3] == 'p'};
    return 1;
}

void tow_trim(void)
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    struct trim_mapping mapping = {0}, next;
    unsigned long kilobytes;
    char line[512];

    malloc_trim(0);
    if (!maps)
        return;
    while (fgets(line, sizeof line, maps)) {
        if (trim_header(line, &next)) {
            trim_drop(&mapping);
            mapping = next;
        } else if (sscanf(line, "Anonymous: %lu kB", &kilobytes) == 1 && kilobytes > 0) {
            mapping.changed = 1;
        }
    }
    trim_drop(&mapping);
    fclose(maps);
}
