/*
 * hook_sender PORT PATH CONNECTIONS SECONDS BYTES: posts messages to a webhook on 127.0.0.1, over
 * connections that wait for each answer, and says what came of it:
 *   sent=N ok=N seconds=S rate=N/s p50_ms=X p99_ms=Y
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define SAMPLES_MAX     (1 << 22)

struct sender {
    int fd;
    size_t written, length; /* of the request at hand */
    double began;
    char *request;
};

static long sent, ok;
static float *samples;
static long sample_count;
static const char *path;
static int body_bytes;

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void next_request(struct sender *sender)
{
    char body[65536];
    int length =
        snprintf(body, sizeof body,
                 "{\"id\":\"%ld\",\"data\":{\"email\":\"user-%ld@example.com\","
                 "\"segment_events\":[{\"id\":\"seg-1\",\"slug\":\"vip\",\"event\":\"enter\","
                 "\"enter\":\"2026-03-01T10:00:00.%06ldZ\"}],\"filler\":\"",
                 sent, sent, sent % 1000000);

    while (length < body_bytes - 3)
        body[length++] = 'x';
    length += snprintf(body + length, sizeof body - (size_t)length, "\"}}");
    sender->length = (size_t)sprintf(sender->request,
                                     "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                                     "application/json\r\nContent-Length: %d\r\n\r\n%s",
                                     path, length, body);
    sender->written = 0;
    sender->began = now();
    sent++;
}

static void go_on(struct sender *sender)
{
    ssize_t wrote =
        write(sender->fd, sender->request + sender->written, sender->length - sender->written);

    if (wrote < 0 && errno != EAGAIN)
        die("write");
    if (wrote > 0)
        sender->written += (size_t)wrote;
}

static void take_answer(struct sender *sender)
{
    char answer[4096];
    ssize_t got = read(sender->fd, answer, sizeof answer);

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0)
        die("the webhook closed a connection");
    if (got > 12 && memcmp(answer + 9, "200", 3) == 0)
        ok++;
    if (sample_count < SAMPLES_MAX)
        samples[sample_count++] = (float)(now() - sender->began);
    next_request(sender);
    go_on(sender);
}

static int by_size(const void *a, const void *b)
{
    return (*(const float *)a > *(const float *)b) - (*(const float *)a < *(const float *)b);
}

int main(int argc, char **argv)
{
    static struct sender senders[CONNECTIONS_MAX];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int count, one = 1, events_of = epoll_create1(0);

    if (argc != 6 || (count = atoi(argv[3])) < 1 || count > CONNECTIONS_MAX ||
        (body_bytes = atoi(argv[5])) > 60000)
        return fprintf(stderr, "usage: hook_sender PORT PATH CONNECTIONS SECONDS BYTES\n"), 2;
    to.sin_port = htons((uint16_t)atoi(argv[1]));
    path = argv[2];
    samples = malloc(SAMPLES_MAX * sizeof *samples);
    for (int i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &senders[i]};

        senders[i].request = malloc(70000);
        senders[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(senders[i].fd, (struct sockaddr *)&to, sizeof to))
            die("connect");
        setsockopt(senders[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(events_of, EPOLL_CTL_ADD, senders[i].fd, &event);
        next_request(&senders[i]);
        go_on(&senders[i]);
    }
    double began = now(), end = began + atof(argv[4]);
    while (now() < end) {
        struct epoll_event events[64];
        int ready = epoll_wait(events_of, events, 64, 1000);

        for (int i = 0; i < ready; i++)
            take_answer(events[i].data.ptr);
    }
    double seconds = now() - began;
    qsort(samples, (size_t)sample_count, sizeof *samples, by_size);
    printf("sent=%ld ok=%ld seconds=%.2f rate=%.0f/s p50_ms=%.1f p99_ms=%.1f\n", sent, ok, seconds,
           (double)ok / seconds, sample_count ? 1e3 * samples[sample_count / 2] : 0.0,
           sample_count ? 1e3 * samples[sample_count * 99 / 100] : 0.0);
    return ok > 0 ? 0 : 1;
}
