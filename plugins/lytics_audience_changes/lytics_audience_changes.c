/* The source `lytics_audience_changes`: who enters and who leaves audiences of Lytics, told by a
 * webhook, or found by reading the audiences again and again. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "connectors/files/place.h"
#include "plugins/lytics_audience_changes/source.h"
#include "towpath/clock.h"

#define CHANGES_AUDIENCES_MAX 10 /* Lytics: Audiences, 1 to 10 */
#define CHANGES_MARK          "place"
#define CHANGES_SEGMENT       (64 << 20)
#define CHANGES_PENDING       (64u << 20)
#define CHANGES_BODY_MAX      (256 << 20)
/* A read that waits returns after so long, and looks at what may be dropped as often. */
#define CHANGES_WAIT_MS 1000
#define CHANGES_LOOK_MS 5000

static const struct tow_option changes_options[] = {
    TOW_OPT_CHOICE("mode", struct tow_changes, options.mode, "webhook", "webhook|poll_diff",
                   "webhook: listen for what Lytics sends; poll_diff: read the audiences, and tell "
                   "what changed since the run before"),
    TOW_OPT("audiences", TOW_OPTION_STRINGS, TOW_OPTION_REQUIRED, struct tow_changes,
            options.rules.audiences, NULL, 0, 0, NULL, "ids or slugs of 1 to 10 audiences"),
    TOW_OPT("id_field", TOW_OPTION_STRING, TOW_OPTION_REQUIRED, struct tow_changes,
            options.rules.id_field, NULL, 1, 255, NULL,
            "field of profiles that tells who it is; the first column has its name"),
    TOW_OPT("spool", TOW_OPTION_PATH, TOW_OPTION_REQUIRED, struct tow_changes, options.spool, NULL,
            0, 0, NULL,
            "folder of this job's own, for messages that are not loaded yet and for what the "
            "source must remember"),
    TOW_OPT_BOOL("existing_users", struct tow_changes, options.existing_users, "false",
                 "begin with a row for each present member of each audience"),
    TOW_OPT_CHOICE("events", struct tow_changes, options.rules.events, "both",
                   "both|enters_only|exits_only", "which changes become rows"),
    TOW_OPT_CHOICE("missing_id", struct tow_changes, options.rules.missing_id, "reject",
                   "reject|null|fail", "a profile without a value in id_field"),
    TOW_OPT_CHOICE("multi_id", struct tow_changes, options.rules.multi_id, "first",
                   "first|explode|json",
                   "an id_field with several values: the first, a row for each, or all as JSON"),
    TOW_OPT_DURATION("dedup_window", struct tow_changes, options.dedup_window_ms, "24h", 0,
                     INT64_C(31) * 86400000,
                     "a change that the webhook delivers again within this time is left out; 0s: "
                     "none is"),
    TOW_OPT_INT("dedup_entries", struct tow_changes, options.dedup_entries, "65536", 1024, 1 << 26,
                "changes that are remembered for that, 48 bytes each"),
    TOW_OPT_SIZE("max_spool", struct tow_changes, options.max_spool, "1GiB", 1 << 20,
                 INT64_C(1) << 46,
                 "most bytes of messages that wait to be loaded; then senders are put off"),
    TOW_OPT_STRING("listen", struct tow_changes, options.listen, "127.0.0.1:8088",
                   "address and port of the webhook"),
    TOW_OPT_STRING("path", struct tow_changes, options.path, "/lytics", "of the webhook's URL"),
    TOW_OPT_STRING("secret_header", struct tow_changes, options.secret_header, NULL,
                   "header that must come with each message ..."),
    TOW_OPT_SECRET("secret", struct tow_changes, options.secret, "... and its value"),
    TOW_OPT_PATH("certificate", 0, struct tow_changes, options.certificate,
                 "PEM file of the webhook's certificate"),
    TOW_OPT_PATH("key", 0, struct tow_changes, options.key, "PEM file of its key"),
    TOW_OPT_BOOL("allow_plain", struct tow_changes, options.allow_plain, "false",
                 "listen on other addresses than this machine's own without TLS or a secret"),
    TOW_OPT_SIZE("max_body", struct tow_changes, options.max_body, "16MiB", 1024, CHANGES_BODY_MAX,
                 "longest message that the webhook takes"),
    TOW_OPT_INT("connections", struct tow_changes, options.connections, "256", 1, 10000,
                "senders at once that the webhook takes"),
    TOW_OPT_DURATION(
        "idle_timeout", struct tow_changes, options.idle_ms, "30s", 1000, 3600000,
        "after which the webhook ends a connection on which nothing moves; within four "
        "times as long, a sender has to bring a whole message"),
    TOW_OPT_SECRET("token", struct tow_changes, options.lytics.token,
                   "API token of Lytics, for existing_users and poll_diff"),
    TOW_LYTICS_OPTIONS_BUT_TOKEN(struct tow_changes, options.lytics),
    TOW_OPTIONS_END,
};

/* ---- check ---------------------------------------------------------------------------------- */

static int changes_reads_members(const struct tow_changes_options *options)
{
    return options->mode == TOW_CHANGES_POLL || options->existing_users;
}

static struct tow_receiver_settings changes_receiver(const struct tow_changes_options *options)
{
    return (struct tow_receiver_settings){.listen = options->listen,
                                          .path = options->path,
                                          .secret_header = options->secret_header,
                                          .secret = options->secret,
                                          .certificate = options->certificate,
                                          .key = options->key,
                                          .allow_plain = options->allow_plain,
                                          .max_body = (size_t)options->max_body,
                                          .max_pending =
                                              CHANGES_PENDING + 2 * (size_t)options->max_body,
                                          .connections = (int)options->connections,
                                          .timeout_ms = options->idle_ms};
}

static int changes_check_audiences(const struct tow_strings *audiences, struct tow_error *err)
{
    if (audiences->count < 1 || audiences->count > CHANGES_AUDIENCES_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "audiences: %" PRIu64 " are named; 1 to %d can be",
                             audiences->count, CHANGES_AUDIENCES_MAX);
    for (uint64_t i = 0; i < audiences->count; i++) {
        if (!audiences->items[i][0])
            return tow_error_set(err, TOW_E_CONFIG, "audiences: a name is empty");
        for (uint64_t j = 0; j < i; j++)
            if (strcmp(audiences->items[i], audiences->items[j]) == 0)
                return tow_error_set(err, TOW_E_CONFIG, "audiences: \"%s\" is named twice",
                                     audiences->items[i]);
    }
    return TOW_OK;
}

static int32_t changes_check(void *self, const struct tow_host *host, struct tow_error *err)
{
    const struct tow_changes_options *options = &((struct tow_changes *)self)->options;
    const struct tow_receiver_settings receiver = changes_receiver(options);
    const struct tow_lytics_settings lytics = tow_lytics_options_settings(&options->lytics, -1);
    int rc = changes_check_audiences(&options->rules.audiences, err);

    (void)host;
    if (!rc && options->mode == TOW_CHANGES_WEBHOOK)
        rc = tow_receiver_check(&receiver, err);
    if (!rc && options->mode == TOW_CHANGES_WEBHOOK && options->max_spool < 4 * options->max_body)
        rc = tow_error_set(err, TOW_E_CONFIG, "max_spool must be four times max_body, or more");
    if (!rc && changes_reads_members(options) && !options->lytics.token)
        rc = tow_error_set(err, TOW_E_CONFIG, "token is missing: %s reads the audiences",
                           options->mode == TOW_CHANGES_POLL ? "mode \"poll_diff\""
                                                             : "existing_users");
    if (!rc && changes_reads_members(options))
        rc = tow_lytics_check(&lytics, err);
    return rc ? rc : tow_place_check_folders(options->spool, err);
}

/* ---- open and close ------------------------------------------------------------------------- */

/* The name of something in the spool's folder; NULL without memory. */
static char *changes_path(const struct tow_changes *source, const char *name, struct tow_error *err)
{
    char *path = NULL;

    if (asprintf(&path, "%s/%s", source->options.spool, name) < 0) {
        tow_error_nomem(err);
        return NULL;
    }
    return path;
}

static int changes_open_folder(struct tow_changes *source, struct tow_error *err)
{
    const char *path = source->options.spool;
    char *inside = changes_path(source, "x", err);
    int rc = inside ? tow_place_make_folders(inside, err) : TOW_E_NOMEM;

    free(inside);
    if (rc)
        return rc;
    source->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (source->folder < 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "opening %s", path);
    if (flock(source->folder, LOCK_EX | LOCK_NB) == 0)
        return TOW_OK;
    return tow_error_set(err, TOW_E_ENV,
                         "the spool %s is in use by another process; each job needs one of its own",
                         path);
}

static int changes_open_hook(struct tow_changes *source, struct tow_error *err)
{
    const struct tow_changes_options *options = &source->options;
    const struct tow_receiver_settings receiver = changes_receiver(options);
    char *folder = changes_path(source, "webhook", err);
    const struct tow_spool_settings spool = {.folder = folder,
                                             .segment_bytes = CHANGES_SEGMENT,
                                             .max_bytes = options->max_spool,
                                             .max_message = (size_t)options->max_body};
    int rc = folder ? tow_spool_open(&spool, &source->hook, err) : TOW_E_NOMEM;

    free(folder);
    if (!rc && tow_spool_cut(source->hook) > 0)
        tow_log(source->host, TOW_LOG_INFO,
                "%" PRId64 " bytes at the end of the spool were torn, and never acknowledged",
                tow_spool_cut(source->hook));
    if (!rc && options->dedup_window_ms > 0) {
        char *seen = changes_path(source, "seen", err);

        rc = seen ? tow_seen_open(seen, options->dedup_entries, &source->seen, err) : TOW_E_NOMEM;
        free(seen);
    }
    if (!rc)
        rc = tow_receiver_start(&receiver, source->hook, &source->receiver, err);
    if (!rc)
        tow_log(source->host, TOW_LOG_INFO, "listening on port %d",
                tow_receiver_port(source->receiver));
    return rc;
}

static int changes_open_members(struct tow_changes *source, struct tow_error *err)
{
    const struct tow_lytics_settings lytics =
        tow_lytics_options_settings(&source->options.lytics, source->host->cancel_fd(source->host));

    source->lytics = tow_lytics_new(&lytics, err);
    return source->lytics ? TOW_OK : err->code;
}

/* What the position says must be there. */
static int changes_find_place(struct tow_changes *source, struct tow_error *err)
{
    struct tow_changes_place *place = &source->place;
    int is_hook = source->options.mode == TOW_CHANGES_WEBHOOK;

    if ((place->phase == TOW_CHANGES_HOOK) > is_hook ||
        (place->phase == TOW_CHANGES_DONE && is_hook))
        return tow_error_set(err, TOW_E_CONFIG,
                             "the checkpoint was made in the other mode; set mode back, or start "
                             "anew with --full");
    if (place->phase == TOW_CHANGES_EMIT && !tow_members_ready(source->folder, place->generation))
        return tow_error_set(err, TOW_E_CONFIG,
                             "%s lacks the changes that the job was loading; put it back, or start "
                             "anew with --full",
                             source->options.spool);
    if (place->phase == TOW_CHANGES_START && is_hook && !source->options.existing_users)
        place->phase = TOW_CHANGES_HOOK;
    return TOW_OK;
}

static int changes_open_all(struct tow_changes *source, struct tow_error *err)
{
    const struct tow_changes_options *options = &source->options;
    int rc = changes_open_folder(source, err);

    if (!rc)
        rc = changes_find_place(source, err);
    if (!rc && options->mode == TOW_CHANGES_WEBHOOK)
        rc = changes_open_hook(source, err);
    if (!rc && changes_reads_members(options))
        rc = changes_open_members(source, err);
    return rc;
}

static int changes_fields(const struct tow_changes *source, struct tow_field fields[4])
{
    const struct tow_field all[] = {
        {source->options.rules.id_field, {TOW_TYPE_STRING, 0, 0}, 0},
        {"segment_slug", {TOW_TYPE_STRING, 0, 0}, 1},
        {"timestamp", {TOW_TYPE_TIMESTAMP, 0, 0}, 1},
        {"exit", {TOW_TYPE_BOOL, 0, 0}, 1},
    };

    memcpy(fields, all, sizeof all);
    return (int)(sizeof all / sizeof *all);
}

static int32_t changes_open(void *self, const struct tow_host *host,
                            const struct tow_position *from, struct tow_error *err)
{
    struct tow_changes *source = self;
    struct tow_field fields[4];
    int count, rc = tow_changes_place_get(&source->place, from, err);

    source->host = host;
    source->folder = -1;
    count = changes_fields(source, fields);
    source->builder = tow_builder_new(fields, (size_t)count, err);
    if (!rc && !source->builder)
        rc = TOW_E_NOMEM;
    /* `check` and `plan` ask for the columns alone. */
    return rc || !host->load_id[0] ? rc : changes_open_all(source, err);
}

static int32_t changes_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    struct tow_field fields[4];
    int count = changes_fields(self, fields);

    return tow_schema_make(out, fields, (size_t)count, err);
}

static void changes_close(void *self)
{
    struct tow_changes *source = self;

    tow_receiver_stop(source->receiver);
    tow_members_free(source->members);
    tow_spool_free(source->changes);
    tow_spool_free(source->hook);
    tow_lytics_free(source->lytics);
    tow_seen_close(source->seen);
    tow_builder_free(source->builder);
    tow_change_reader_release(&source->reader);
    if (source->folder > 0)
        close(source->folder);
}

/* ---- reading: the phases -------------------------------------------------------------------- */

static int changes_hand_over(struct tow_changes *source, struct tow_batch *out,
                             struct tow_error *err)
{
    int rc = tow_builder_rows(source->builder) > 0
                 ? tow_builder_finish(source->builder, &out->array, err)
                 : TOW_OK;

    if (rc)
        return rc;
    tow_changes_place_put(&source->place, &out->position);
    memcpy(source->mark, out->position.bytes, out->position.length);
    source->mark[out->position.length] = '\0';
    out->origin = source->options.spool;
    out->mark_key = CHANGES_MARK;
    out->mark_value = source->mark;
    return TOW_OK;
}

/* A place without rows is told too, where it is another one. */
static int changes_idle(struct tow_changes *source, struct tow_batch *out)
{
    tow_changes_place_put(&source->place, &out->position);
    return TOW_OK;
}

static uint64_t changes_current(const struct tow_changes *source)
{
    return source->place.phase == TOW_CHANGES_EMIT ? source->place.generation - 1
                                                   : source->place.generation;
}

/* Members are read, unless that was done by a run that died before its rows were loaded. */
static int changes_begin_scan(struct tow_changes *source, struct tow_error *err)
{
    uint64_t current = changes_current(source), next = current + 1;
    int is_ready = tow_members_ready(source->folder, next);
    const struct tow_members_settings settings = {
        .host = source->host,
        .folder = source->folder,
        .path = source->options.spool,
        .rules = &source->options.rules,
        .lytics = source->lytics,
        .existing_users = source->options.existing_users,
        .generation = next,
    };
    /* What is complete may be of another life of the job, where it starts from nothing. */
    if (source->place.phase == TOW_CHANGES_START)
        is_ready = 0;
    int rc =
        tow_members_clean(source->folder, source->options.spool, current, is_ready ? next : 0, err);

    if (rc)
        return rc;
    source->place = (struct tow_changes_place){
        .phase = is_ready ? TOW_CHANGES_EMIT : TOW_CHANGES_SCAN, .generation = next};
    if (is_ready)
        return TOW_OK;
    source->members = tow_members_new(&settings, err);
    return source->members ? TOW_OK : TOW_E_NOMEM;
}

static int changes_scan(struct tow_changes *source, struct tow_batch *out, struct tow_error *err)
{
    const int64_t began = source->host->now_us(source->host);
    int rc = TOW_OK;

    /* The core is to see often that it goes on. */
    while (!rc && source->host->now_us(source->host) - began < CHANGES_WAIT_MS * INT64_C(1000)) {
        if (source->host->cancelled(source->host))
            return TOW_E_CANCELLED;
        rc = tow_members_step(source->members, err);
    }
    if (rc == TOW_END) {
        tow_members_free(source->members);
        source->members = NULL;
        source->place.phase = TOW_CHANGES_EMIT;
        return changes_idle(source, out);
    }
    /* No place of its own: a run that dies here reads the members again. */
    if (!rc && source->place.generation > 1)
        tow_changes_place_put(
            &(struct tow_changes_place){.phase = TOW_CHANGES_DONE,
                                        .generation = source->place.generation - 1},
            &out->position);
    return rc;
}

static int changes_open_told(struct tow_changes *source, struct tow_error *err)
{
    char *folder = tow_members_changes(source->options.spool, source->place.generation, err);
    const struct tow_spool_settings settings = {.folder = folder,
                                                .segment_bytes = TOW_MEMBERS_SEGMENT,
                                                .max_bytes = INT64_MAX / 2,
                                                .max_message = TOW_MEMBERS_MESSAGE};
    int rc = folder ? tow_spool_open(&settings, &source->changes, err) : TOW_E_NOMEM;

    free(folder);
    return rc;
}

static int changes_emit(struct tow_changes *source, struct tow_batch *out, struct tow_error *err)
{
    int rc = source->changes ? TOW_OK : changes_open_told(source, err);

    if (!rc)
        rc = tow_changes_rows(source, source->changes, err);
    if (rc != TOW_END)
        return rc ? rc : changes_hand_over(source, out, err);
    tow_spool_free(source->changes);
    source->changes = NULL;
    source->place = (struct tow_changes_place){
        .phase = source->options.mode == TOW_CHANGES_POLL ? TOW_CHANGES_DONE : TOW_CHANGES_HOOK,
        .generation = source->place.generation};
    changes_idle(source, out);
    return source->place.phase == TOW_CHANGES_DONE ? TOW_END : TOW_OK;
}

/* ---- reading: the webhook ------------------------------------------------------------------- */

/* Messages behind which the checkpoint lies are needed no more. */
static int changes_drop_loaded(struct tow_changes *source, struct tow_error *err)
{
    struct tow_position saved = {.size = sizeof saved};
    struct tow_changes_place loaded;
    int64_t now = tow_monotonic_ms();

    if (now - source->looked_ms < CHANGES_LOOK_MS)
        return TOW_OK;
    source->looked_ms = now;
    if (source->repeated > 0)
        tow_log(source->host, TOW_LOG_INFO, "%" PRId64 " changes came again and are left out",
                source->repeated);
    source->repeated = 0;
    int rc = source->host->ledger_get(source->host, CHANGES_MARK, &saved, err);
    if (rc)
        return rc == TOW_END ? TOW_OK : rc;
    rc = tow_changes_place_get(&loaded, &saved, err);
    return rc || loaded.phase != TOW_CHANGES_HOOK
               ? rc
               : tow_spool_drop(source->hook, loaded.message, err);
}

/* 1 once something came; 0 after a while, or to stop. */
static int changes_wait(const struct tow_changes *source)
{
    struct pollfd fds[] = {{.fd = tow_receiver_fd(source->receiver), .events = POLLIN},
                           {.fd = source->host->cancel_fd(source->host), .events = POLLIN}};

    if (poll(fds, 2, CHANGES_WAIT_MS) <= 0 || !(fds[0].revents & POLLIN))
        return 0;
    tow_receiver_quiet(source->receiver);
    return 1;
}

static int changes_hook(struct tow_changes *source, struct tow_batch *out, struct tow_error *err)
{
    int rc = tow_receiver_health(source->receiver, err);

    if (!rc)
        rc = changes_drop_loaded(source, err);
    if (!rc)
        rc = tow_changes_rows(source, source->hook, err);
    if (rc == TOW_END) {
        int came = changes_wait(source);

        if (source->host->cancelled(source->host))
            return TOW_E_CANCELLED;
        rc = came ? tow_changes_rows(source, source->hook, err) : TOW_END;
    }
    if (rc == TOW_END)
        return changes_idle(source, out);
    return rc ? rc : changes_hand_over(source, out, err);
}

static int32_t changes_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    struct tow_changes *source = self;
    int rc = TOW_OK;

    if (source->host->cancelled(source->host))
        return TOW_E_CANCELLED;
    if (source->place.phase == TOW_CHANGES_START || source->place.phase == TOW_CHANGES_DONE)
        rc = changes_begin_scan(source, err);
    if (rc)
        return rc;
    switch (source->place.phase) {
    case TOW_CHANGES_SCAN:
        return changes_scan(source, out, err);
    case TOW_CHANGES_EMIT:
        return changes_emit(source, out, err);
    default:
        return changes_hook(source, out, err);
    }
}

TOW_SOURCE_PLUGIN(lytics_audience_changes, "1.0",
                  "Who enters and leaves audiences of Lytics, by webhook or by polling",
                  struct tow_changes, changes_options, TOW_SOURCE_OFFLINE | TOW_SOURCE_REMOTE,
                  changes_check, changes_open, changes_schema, changes_read, changes_close)
