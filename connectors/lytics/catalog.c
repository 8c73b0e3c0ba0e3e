#include "connectors/lytics/catalog.h"

#include <stdio.h>
#include <string.h>

#include "connectors/lytics/client_priv.h"

#define CATALOG_LIMIT ((size_t)64 << 20) /* of lists, which come without pages */

/* ---- account --------------------------------------------------------------------------------- */

static int account_read(struct tow_lytics_account *out, struct tow_json_part object,
                        struct tow_error *err)
{
    int code = tow_lytics_copy(out->id, sizeof out->id, tow_lytics_member(object, "id"),
                               "an account's id", err);

    if (code == TOW_OK)
        code = tow_lytics_copy(out->name, sizeof out->name, tow_lytics_member(object, "name"),
                               "an account's name", err);
    if (code == TOW_OK)
        code =
            tow_lytics_copy(out->timezone, sizeof out->timezone,
                            tow_lytics_member(object, "timezone"), "an account's time zone", err);
    if (code == TOW_OK && !tow_lytics_int(tow_lytics_member(object, "aid"), &out->aid))
        code = tow_error_set(err, TOW_E_ENV, "account \"%.100s\" has no number \"aid\"", out->id);
    return code;
}

/* The only element, else the message says which there are. */
static int account_pick(struct tow_lytics_account *out, struct tow_json_part list,
                        struct tow_error *err)
{
    struct tow_json_part item, only = {NULL, 0};
    struct tow_json_scan scan;
    char shown[400] = "";
    size_t used = 0, count = 0;
    int code = TOW_OK;

    (void)tow_json_scan_array(&scan, list);
    while (code == TOW_OK && tow_json_scan_item(&scan, &item)) {
        only = item;
        code = account_read(out, item, err);
        count++;
        if (code == TOW_OK && used < sizeof shown - 1)
            used += (size_t)snprintf(shown + used, sizeof shown - used, "%s%.60s (%lld)",
                                     used ? ", " : "", out->id, (long long)out->aid);
    }
    if (code != TOW_OK || count == 1)
        return code;
    if (only.length == 0)
        return tow_error_set(err, TOW_E_CONFIG, "the token reaches no account");
    return tow_error_set(err, TOW_E_CONFIG,
                         "the token reaches %zu accounts: set account_id to one of them: %s", count,
                         shown);
}

int tow_lytics_account(struct tow_lytics *lytics, struct tow_lytics_account *out,
                       struct tow_error *err)
{
    struct tow_lytics_call call = {.what = "asking for the account"};
    struct tow_lytics_answer answer = {.total = -1};
    struct tow_buffer path = {NULL, 0, 0};
    int code;

    *out = (struct tow_lytics_account){.aid = 0};
    code = tow_buffer_printf(&path, err, "/api/account%s", lytics->account_id[0] ? "/" : "");
    if (code == TOW_OK)
        code = tow_lytics_put_segment(&path, lytics->account_id, err);
    if (code == TOW_OK) {
        call.path = path.data;
        code = tow_lytics_call(lytics, &call, &answer, err);
    }
    if (code == TOW_OK && answer.data.length > 0 && *answer.data.text == '[')
        code = account_pick(out, answer.data, err);
    else if (code == TOW_OK)
        code = account_read(out, answer.data, err);
    tow_buffer_release(&path);
    tow_lytics_answer_release(&answer);
    return code;
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* Gets a list and hands out its elements. */
typedef int catalog_take(void *context, struct tow_json_part item, struct tow_error *err);

static int catalog_each(struct tow_lytics *lytics, const struct tow_lytics_call *call,
                        catalog_take *take, void *context, struct tow_lytics_answer *answer,
                        struct tow_error *err)
{
    struct tow_json_scan scan;
    struct tow_json_part item;
    int code = tow_lytics_call(lytics, call, answer, err);

    if (code == TOW_OK)
        code = tow_lytics_check_rows(answer, call->what, &scan, err);
    while (code == TOW_OK && tow_json_scan_item(&scan, &item))
        code = take(context, item, err);
    return code;
}

/* ---- audiences ------------------------------------------------------------------------------- */

static int segment_read(struct tow_lytics_segment *out, struct tow_json_part object,
                        struct tow_error *err)
{
    const struct {
        char *to;
        size_t size;
        const char *member, *what;
    } texts[] = {
        {out->id, sizeof out->id, "id", "an audience's id"},
        {out->slug, sizeof out->slug, "slug_name", "an audience's slug"},
        {out->name, sizeof out->name, "name", "an audience's name"},
        {out->table, sizeof out->table, "table", "an audience's table"},
    };
    int code = TOW_OK;

    for (size_t i = 0; i < sizeof texts / sizeof *texts && code == TOW_OK; i++)
        code = tow_lytics_copy(texts[i].to, texts[i].size,
                               tow_lytics_member(object, texts[i].member), texts[i].what, err);
    if (code == TOW_OK && !out->id[0])
        return tow_error_set(err, TOW_E_ENV, "the answer has an audience without an id");
    if (!tow_lytics_int(tow_lytics_member(object, "size"), &out->size) || out->size < 0)
        out->size = -1;
    out->is_invalid = tow_json_part_is(tow_lytics_member(object, "invalid"), "true");
    return code;
}

int tow_lytics_segment(struct tow_lytics *lytics, const char *id_or_slug,
                       struct tow_lytics_segment *out, struct tow_error *err)
{
    static const struct tow_lytics_argument arguments[] = {{"sizes", "true"}};
    struct tow_lytics_call call = {
        .what = "looking up the audience", .arguments = arguments, .argument_count = 1};
    struct tow_lytics_answer answer = {.total = -1};
    struct tow_buffer path = {NULL, 0, 0};
    int code = tow_buffer_printf(&path, err, "/v2/segment/");

    if (code == TOW_OK)
        code = tow_lytics_put_segment(&path, id_or_slug, err);
    if (code == TOW_OK) {
        call.path = path.data;
        code = tow_lytics_call(lytics, &call, &answer, err);
    }
    if (answer.status == 404 || (code == TOW_OK && answer.data.length == 0))
        code = tow_error_set(err, TOW_E_CONFIG,
                             "there is no audience whose id or slug is \"%.200s\"", id_or_slug);
    if (code == TOW_OK)
        code = segment_read(out, answer.data, err);
    tow_buffer_release(&path);
    tow_lytics_answer_release(&answer);
    return code;
}

/* ---- fields ---------------------------------------------------------------------------------- */

struct field_visits {
    tow_lytics_field_visit *visit;
    void *context;
    const char *name, *identifier; /* members */
    struct tow_buffer text, type;
};

enum tow_lytics_kind tow_lytics_kind(const char *type)
{
    static const struct {
        const char *type;
        enum tow_lytics_kind kind;
    } scalars[] = {
        {"string", TOW_LYTICS_TEXT},   {"email", TOW_LYTICS_TEXT},    {"bool", TOW_LYTICS_BOOL},
        {"int", TOW_LYTICS_INT},       {"long", TOW_LYTICS_INT},      {"number", TOW_LYTICS_NUMBER},
        {"float", TOW_LYTICS_NUMBER},  {"double", TOW_LYTICS_NUMBER}, {"date", TOW_LYTICS_TIME},
        {"datetime", TOW_LYTICS_TIME}, {"time", TOW_LYTICS_TIME},
    };

    for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++)
        if (strcmp(type, scalars[i].type) == 0)
            return scalars[i].kind;
    return TOW_LYTICS_OTHER;
}

static int field_take(void *context, struct tow_json_part item, struct tow_error *err)
{
    struct field_visits *visits = context;
    int code = tow_lytics_text(&visits->text, tow_lytics_member(item, visits->name), err);

    if (code == TOW_OK)
        code = tow_lytics_text(&visits->type, tow_lytics_member(item, "type"), err);
    if (code == TOW_OK && visits->text.size == 0)
        code = tow_error_set(err, TOW_E_ENV, "the answer has a field without a name");
    if (code == TOW_OK) {
        const struct tow_lytics_field field = {
            .name = visits->text.data,
            .type = visits->type.data,
            .kind = tow_lytics_kind(visits->type.data),
            .is_identifier = tow_json_part_is(tow_lytics_member(item, visits->identifier), "true")};
        code = visits->visit(visits->context, &field, err);
    }
    return code;
}

/* By version 2: a list of fields. */
static int fields_new(struct tow_lytics *lytics, const char *table, struct field_visits *visits,
                      struct tow_lytics_answer *answer, struct tow_error *err)
{
    static const struct tow_lytics_argument arguments[] = {{"filter", "all"}};
    struct tow_lytics_call call = {.what = "listing the fields",
                                   .arguments = arguments,
                                   .argument_count = 1,
                                   .limit = CATALOG_LIMIT};
    struct tow_buffer path = {NULL, 0, 0};
    int code = tow_buffer_printf(&path, err, "/v2/schema/");

    visits->name = "id";
    visits->identifier = "is_identifier";
    if (code == TOW_OK)
        code = tow_lytics_put_segment(&path, table, err);
    if (code == TOW_OK)
        code = tow_buffer_printf(&path, err, "/field%c", '\0');
    call.path = path.data;
    if (code == TOW_OK)
        code = catalog_each(lytics, &call, field_take, visits, answer, err);
    tow_buffer_release(&path);
    return code;
}

/* By version 1: {"columns": [{"as", "type", "is_by"}]}. */
static int fields_old(struct tow_lytics *lytics, const char *table, struct field_visits *visits,
                      struct tow_lytics_answer *answer, struct tow_error *err)
{
    struct tow_lytics_call call = {.what = "asking for the schema", .limit = CATALOG_LIMIT};
    struct tow_buffer path = {NULL, 0, 0};
    struct tow_json_scan scan;
    struct tow_json_part item;
    int code = tow_buffer_printf(&path, err, "/api/schema/");

    visits->name = "as";
    visits->identifier = "is_by";
    if (code == TOW_OK)
        code = tow_lytics_put_segment(&path, table, err);
    call.path = path.data;
    if (code == TOW_OK)
        code = tow_lytics_call(lytics, &call, answer, err);
    if (code == TOW_OK && !tow_json_scan_array(&scan, tow_lytics_member(answer->data, "columns")))
        code = tow_error_set(err, TOW_E_ENV, "%s: the answer has no \"columns\"", call.what);
    while (code == TOW_OK && tow_json_scan_item(&scan, &item))
        code = field_take(visits, item, err);
    tow_buffer_release(&path);
    return code;
}

int tow_lytics_fields(struct tow_lytics *lytics, const char *table, tow_lytics_field_visit *visit,
                      void *context, struct tow_error *err)
{
    struct field_visits visits = {.visit = visit, .context = context};
    struct tow_lytics_answer answer = {.total = -1};
    int code = fields_new(lytics, table, &visits, &answer, err);

    if (code != TOW_OK && answer.status == 404)
        code = fields_old(lytics, table, &visits, &answer, err);
    tow_buffer_release(&visits.text);
    tow_buffer_release(&visits.type);
    tow_lytics_answer_release(&answer);
    return code;
}

/* ---- ids ------------------------------------------------------------------------------------- */

struct id_visits {
    tow_lytics_id_visit *visit;
    void *context;
    const char *what;
    struct tow_buffer text;
};

/* A text, or an object that is called by its id or name. */
static int id_take(void *context, struct tow_json_part item, struct tow_error *err)
{
    struct id_visits *visits = context;
    struct tow_json_part id = item;
    int code;

    if (*item.text == '{')
        id = tow_lytics_member(item, "id");
    if (id.length == 0)
        id = tow_lytics_member(item, "name");
    code = tow_lytics_text(&visits->text, id, err);
    if (code == TOW_OK && visits->text.size == 0)
        code = tow_error_set(err, TOW_E_ENV, "%s: the answer has one without an id", visits->what);
    return code == TOW_OK ? visits->visit(visits->context, visits->text.data, err) : code;
}

static int ids_each(struct tow_lytics *lytics, const struct tow_lytics_call *call,
                    tow_lytics_id_visit *visit, void *context, struct tow_error *err)
{
    struct id_visits visits = {.visit = visit, .context = context, .what = call->what};
    struct tow_lytics_answer answer = {.total = -1};
    int code = catalog_each(lytics, call, id_take, &visits, &answer, err);

    tow_buffer_release(&visits.text);
    tow_lytics_answer_release(&answer);
    return code;
}

int tow_lytics_is_listed(const char *list, const char *name)
{
    size_t length = strlen(name);

    for (; *list; list += *list == '|') {
        size_t word = strcspn(list, "|");

        if (word == length && memcmp(list, name, length) == 0)
            return 1;
        list += word;
    }
    return 0;
}

int tow_lytics_ids(struct tow_lytics *lytics, const char *dimension, tow_lytics_id_visit *visit,
                   void *context, struct tow_error *err)
{
    static const struct tow_lytics_argument segments[] = {
        {"table", "user"}, {"kind", "segment"}, {"valid", "true"}};
    static const struct tow_lytics_argument jobs[] = {{"show_all", "true"}};
    static const struct {
        const char *dimension;
        struct tow_lytics_call call;
    } lists[] = {
        {"segment",
         {.what = "listing the audiences",
          .path = "/v2/segment",
          .arguments = segments,
          .argument_count = 3,
          .limit = CATALOG_LIMIT}},
        {"stream",
         {.what = "listing the streams", .path = "/v2/stream/names", .limit = CATALOG_LIMIT}},
        {"works",
         {.what = "listing the jobs",
          .path = "/v2/job",
          .arguments = jobs,
          .argument_count = 1,
          .limit = CATALOG_LIMIT}},
        {"auths",
         {.what = "listing the authorizations", .path = "/v2/auth", .limit = CATALOG_LIMIT}},
        {"flow", {.what = "listing the flows", .path = "/v2/flow/ui", .limit = CATALOG_LIMIT}},
    };

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strcmp(lists[i].dimension, dimension) == 0)
            return ids_each(lytics, &lists[i].call, visit, context, err);
    return tow_error_set(err, TOW_E_UNSUPPORTED,
                         "the API cannot list the ids of dimension \"%.60s\": name the id; ids are "
                         "listed of " TOW_LYTICS_LISTABLE,
                         dimension);
}
