#include "cli/reject_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tow_reject_reader *tow_reject_view_open(struct tow_state *state, const struct tow_run *run,
                                               struct tow_error *err)
{
    struct tow_reject_reader *reader;
    char *path;

    if (run->reject_bytes == 0) {
        tow_error_set(err, TOW_E_CONFIG, "run %" PRId64 " of job %s rejected no rows", run->id,
                      run->job);
        return NULL;
    }
    path = tow_state_reject_path(state, run->job, run->id);
    if (!path) {
        tow_error_nomem(err);
        return NULL;
    }
    reader = tow_reject_reader_new(path, run->reject_bytes, err);
    free(path);
    return reader;
}

/* Bytes from outside, on one line: control characters become spaces. */
static void view_put(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        putchar((unsigned char)text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i]);
}

void tow_reject_view_print(const struct tow_reject_line *reject, const char *indent)
{
    if (*reject->origin)
        view_put(reject->origin, strlen(reject->origin));
    if (reject->line > 0)
        printf("%s%" PRId64, *reject->origin ? ":" : "line ", reject->line);
    if (*reject->origin || reject->line > 0)
        putchar(' ');
    view_put(reject->code, strlen(reject->code));
    putchar(' ');
    view_put(reject->message, strlen(reject->message));
    printf("\n%s", indent);
    if (reject->row.text)
        view_put(reject->row.text, reject->row.length);
    else
        view_put(reject->raw, reject->raw_length);
    putchar('\n');
}
