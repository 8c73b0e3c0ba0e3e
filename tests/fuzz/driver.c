/*
 * Runs a fuzz target over the files of its corpus, and over every beginning of the small ones:
 * bytes from outside may end anywhere. Each input has memory of exactly its size, so that a
 * sanitizer sees any read beyond it.
 *
 *   fuzz_NAME [FOLDER]    by default $TOWPATH_SOURCE/tests/fuzz/corpus/fuzz_NAME
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DRIVER_CUT_MAX 2048 /* bytes of a file whose every beginning is tried */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void driver_try(const uint8_t *bytes, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);

    if (!exact)
        exit(99);
    if (size)
        memcpy(exact, bytes, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

/* 0 where the file cannot be read. */
static int driver_file(const char *path)
{
    struct stat st;
    uint8_t *bytes;
    size_t size, cut;
    FILE *file = fopen(path, "rb");

    if (!file || fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode)) {
        if (file)
            fclose(file);
        return 0;
    }
    bytes = malloc((size_t)st.st_size + 1);
    if (!bytes)
        exit(99);
    size = fread(bytes, 1, (size_t)st.st_size, file);
    fclose(file);
    driver_try(bytes, size);
    for (cut = 0; size <= DRIVER_CUT_MAX && cut < size; cut++)
        driver_try(bytes, cut);
    free(bytes);
    return 1;
}

static void driver_folder(char *to, size_t size, int argc, char **argv)
{
    const char *source = getenv("TOWPATH_SOURCE"), *name = strrchr(argv[0], '/');

    if (argc > 1)
        snprintf(to, size, "%s", argv[1]);
    else
        snprintf(to, size, "%s/tests/fuzz/corpus/%s", source ? source : ".",
                 name ? name + 1 : argv[0]);
}

int main(int argc, char **argv)
{
    char folder[4096], path[8192];
    struct dirent *entry;
    int count = 0;
    DIR *dir;

    driver_folder(folder, sizeof folder, argc, argv);
    dir = opendir(folder);
    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (!driver_file(path)) {
            fprintf(stderr, "%s cannot be read\n", path);
            return 1;
        }
        count++;
    }
    if (dir)
        closedir(dir);
    printf("%d inputs of %s\n", count, folder);
    return count > 0 ? 0 : 1;
}
