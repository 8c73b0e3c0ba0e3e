#include "scratch.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define SCRATCH_NOBODY 65534

int scratch_setup(void **state)
{
    const char *base = getenv("TMPDIR");
    struct scratch *scratch = calloc(1, sizeof *scratch);

    if (!scratch)
        return -1;
    *state = scratch;
    if (snprintf(scratch->folder, sizeof scratch->folder, "%s/towpath-test-XXXXXX",
                 base && *base ? base : "/tmp") >= (int)sizeof scratch->folder ||
        !mkdtemp(scratch->folder))
        return -1;
    snprintf(scratch->path, sizeof scratch->path, "%s/state.db", scratch->folder);
    return 0;
}

static int scratch_unlock(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    (void)st, (void)walk;
    if (kind == FTW_D || kind == FTW_DNR)
        chmod(path, 0700);
    return 0;
}

static int scratch_remove(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    (void)st, (void)kind, (void)walk;
    return remove(path);
}

int scratch_teardown(void **state)
{
    struct scratch *scratch = *state;
    int failed;

    nftw(scratch->folder, scratch_unlock, 8, FTW_PHYS);
    failed = nftw(scratch->folder, scratch_remove, 8, FTW_DEPTH | FTW_PHYS);
    free(scratch);
    return failed;
}

void scratch_write(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

char *scratch_read(const char *path, size_t *length)
{
    FILE *file = fopen(path, "r");
    struct stat st;
    char *text;

    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &st), 0);
    text = calloc(1, (size_t)st.st_size + 1);
    assert_non_null(text);
    *length = fread(text, 1, (size_t)st.st_size, file);
    assert_int_equal(*length, st.st_size);
    fclose(file);
    return text;
}

static int scratch_drop_privileges(const struct scratch *scratch)
{
    if (geteuid() != 0)
        return 0;
    return chown(scratch->folder, SCRATCH_NOBODY, SCRATCH_NOBODY) != 0 ||
           setgid(SCRATCH_NOBODY) != 0 || setuid(SCRATCH_NOBODY) != 0;
}

int scratch_child(const struct scratch *scratch, int (*body)(const struct scratch *scratch),
                  int unprivileged)
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(unprivileged && scratch_drop_privileges(scratch) ? 99 : body(scratch));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
