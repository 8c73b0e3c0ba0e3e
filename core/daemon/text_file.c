#include "daemon/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define TEXT_FILE_LEAST 10

int tow_text_file(const char *text, size_t length, struct tow_error *err)
{
    int low = memfd_create("towpath-job", MFD_CLOEXEC);
    /* Out of the way of the numbers that children know. */
    int fd = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, TEXT_FILE_LEAST);

    if (low >= 0)
        close(low);

    while (fd >= 0 && length > 0) {
        ssize_t n = write(fd, text, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        text += n;
        length -= (size_t)n;
    }
    if (fd >= 0 && length == 0 && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    tow_error_errno(err, TOW_E_ENV, errno, "memory for the text of a job");
    if (fd >= 0)
        close(fd);
    return -1;
}
