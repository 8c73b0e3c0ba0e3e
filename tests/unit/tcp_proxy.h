/*
 * A proxy on 127.0.0.1 and a free port for one connection: reads a CONNECT request up to its empty
 * line, answers as the test wants, and passes bytes both ways where that was a 200. In a thread of
 * its own. What cannot be done fails the test.
 */
#ifndef TESTS_UNIT_TCP_PROXY_H
#define TESTS_UNIT_TCP_PROXY_H

struct tcp_proxy;

/* `answer` is sent as it is (NULL: nothing is); target_port: where a 200 leads. */
struct tcp_proxy *tcp_proxy_new(const char *answer, int target_port);
void tcp_proxy_free(struct tcp_proxy *proxy);
int tcp_proxy_port(const struct tcp_proxy *proxy);
/* The request's head; after tcp_proxy_free of no use. "" where nobody has come. */
const char *tcp_proxy_request(struct tcp_proxy *proxy);

#endif
