/* What tests of connectors/databricks share: a scripted workspace and a client of it. */
#ifndef TESTS_UNIT_DATABRICKS_FIXTURE_H
#define TESTS_UNIT_DATABRICKS_FIXTURE_H

#include "connectors/databricks/statement.h"
#include "http_server.h"
#include "unit.h"

#define WORKSPACE_TOKEN     "dapi-hush-token"
#define WORKSPACE_SECRET    "hush-secret"
#define WORKSPACE_WAREHOUSE "0123456789abcdef"

struct workspace {
    struct http_server *server;
    struct tow_databricks_config config;
    struct tow_databricks *databricks;
    struct tow_error err;
    int cancel; /* eventfd, the client's cancel_fd */
    void *lake; /* of lake_fixture.h */
};

/* Takes proxies, certificates and logins out of the environment; the fixtures do so themselves. */
void workspace_clean_environment(void);

/* cmocka fixtures: *state is a struct workspace, whose client logs in with a token and polls
 * without long delays ... */
int workspace_setup(void **state);
/* ... or as a service principal. */
int workspace_setup_client(void **state);
int workspace_teardown(void **state);
/* With answers by a function instead of a script; context is the workspace. */
struct workspace *workspace_new(int as_client,
                                void (*handle)(void *context, const struct http_seen *seen,
                                               struct http_reply *reply));
void workspace_free(struct workspace *workspace);

/* Appends an answer: a JSON text with a status. Both must live on. */
void workspace_reply(struct workspace *workspace, int status, const char *body);
void workspace_reply_with(struct workspace *workspace, int status, const char *headers,
                          const char *body);
/* One request that came: "METHOD target". */
void assert_seen(struct workspace *workspace, size_t index, const char *line);
/* A member of a request's JSON body as compact JSON text; the test fails where it is another.
 * expected NULL: there is no such member. */
void assert_sent(struct workspace *workspace, size_t index, const char *member,
                 const char *expected);
/* Neither token nor secret stand in the message. */
void assert_hushed(const struct tow_error *err);

#endif
