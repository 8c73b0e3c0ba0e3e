/*
 * meter - runs a command and writes what it took. A small program, since Linux counts the memory
 * of whoever starts a command as the command's own until it is replaced.
 *
 *   meter FIGURES COMMAND [ARGUMENT...]
 *
 * FIGURES gets one line: seconds by the clock, of the user and of the system, and the most resident
 * memory in KiB. Ends as the command does; 127 where it could not be run.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

int main(int argc, char **argv)
{
    struct rusage usage;
    int status;

    if (argc < 3) {
        fprintf(stderr, "usage: meter FIGURES COMMAND [ARGUMENT...]\n");
        return 2;
    }
    double start = seconds_now();
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child) {
        perror("meter");
        return 2;
    }
    double took = seconds_now() - start;
    FILE *to = fopen(argv[1], "w");
    if (!to) {
        perror(argv[1]);
        return 2;
    }
    fprintf(to, "%.6f %.6f %.6f %ld\n", took, seconds_of(usage.ru_utime),
            seconds_of(usage.ru_stime), usage.ru_maxrss);
    if (fclose(to)) {
        perror(argv[1]);
        return 2;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
