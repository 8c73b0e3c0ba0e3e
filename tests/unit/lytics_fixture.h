/* What tests of connectors/lytics and its plugins share: a scripted API and a client of it. */
#ifndef TESTS_UNIT_LYTICS_FIXTURE_H
#define TESTS_UNIT_LYTICS_FIXTURE_H

#include "connectors/lytics/client.h"
#include "http_server.h"
#include "unit.h"

#define LYTICS_TOKEN "at.hush.token"

struct api {
    struct http_server *server;
    struct tow_lytics_settings settings; /* of the client; both URLs are the server's */
    struct tow_lytics *lytics;
    struct tow_lytics_answer answer;
    struct tow_error err;
    int cancel; /* eventfd, the client's cancel_fd */
};

/* cmocka fixtures: *state is a struct api. */
int api_setup(void **state);
int api_teardown(void **state);
/* Another client, by the settings as they are now. */
void api_renew(struct api *api);

/* Appends an answer, which must live on: JSON with a status. */
void api_reply(struct api *api, int status, const char *body);
/* A request that came: "METHOD target". */
void assert_asked(struct api *api, size_t index, const char *line);
/* A header of it; value NULL: it was not there. */
void assert_told(struct api *api, size_t index, const char *name, const char *value);
/* The token does not stand in the message. */
void assert_hushed(const struct tow_error *err);

/* The call fails with that class and these words, and tells no secret. */
#define assert_fails(api, call, class, words)                                             \
    do {                                                                                  \
        int got_;                                                                         \
        (api)->err = (struct tow_error)TOW_ERROR_INIT;                                    \
        got_ = (call);                                                                    \
        if (got_ != (class) || (api)->err.code != (class))                                \
            fail_msg("%s (%s) where %s is due", tow_error_name(got_), (api)->err.message, \
                     tow_error_name(class));                                              \
        assert_says((api)->err, words);                                                   \
        assert_hushed(&(api)->err);                                                       \
    } while (0)

#endif
