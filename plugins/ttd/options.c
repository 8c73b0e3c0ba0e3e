#include "plugins/ttd/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_LOAD "{load}"

static int options_set_origins(struct tow_ttd_target *target, const struct tow_strings *texts,
                               struct tow_error *err)
{
    int rc = TOW_OK;

    if (texts->count == 0)
        return TOW_OK;
    target->origins = calloc(texts->count, sizeof *target->origins);
    if (!target->origins)
        return tow_error_nomem(err);
    for (uint64_t i = 0; !rc && i < texts->count; i++)
        rc = tow_ttd_origin_parse(&target->origins[i], texts->items[i], err);
    target->context.origins = target->origins;
    target->context.origin_count = texts->count;
    return rc ? tow_error_prefix(err, "data_origins") : TOW_OK;
}

/* With the first {load} in it filled in. */
static int options_set_trace_id(struct tow_ttd_target *target, const char *trace_id,
                                const char *load_id, struct tow_error *err)
{
    const char *mark = trace_id ? strstr(trace_id, OPTIONS_LOAD) : NULL;

    target->context.trace_id = trace_id;
    if (!mark)
        return TOW_OK;
    if (asprintf(&target->trace_id, "%.*s%s%s", (int)(mark - trace_id), trace_id, load_id,
                 mark + strlen(OPTIONS_LOAD)) < 0) {
        target->trace_id = NULL;
        return tow_error_nomem(err);
    }
    target->context.trace_id = target->trace_id;
    return TOW_OK;
}

/* The name of choice `index`, from 1, of TOW_TTD_REGIONS. */
static void options_set_region(struct tow_ttd_target *target, int index)
{
    const char *name = TOW_TTD_REGIONS;

    for (int i = 1; i < index; i++)
        name += strcspn(name, "|") + 1;
    snprintf(target->region, sizeof target->region, "%.*s", (int)strcspn(name, "|"), name);
    target->context.region = target->region;
}

int tow_ttd_target_init(struct tow_ttd_target *target, const struct tow_ttd_options *options,
                        const char *load_id, struct tow_error *err)
{
    int rc;

    *target = (struct tow_ttd_target){
        .context =
            {
                .endpoint = tow_ttd_endpoint(options->endpoint),
                .advertiser_id = options->advertiser_id,
                .data_provider_id = options->data_provider_id,
                .brand_id = options->brand_id,
                .merchant_id = options->merchant_id,
                .request_type = options->request_type,
                .is_already_hashed = options->is_user_id_already_hashed,
                .server_url = options->server_url,
                .token = options->token,
            },
    };
    if (options->region > 0)
        options_set_region(target, options->region);
    rc = options_set_origins(target, &options->data_origins, err);
    if (!rc)
        rc = options_set_trace_id(target, options->trace_id, load_id, err);
    if (!rc)
        rc = tow_ttd_context_check(&target->context, err);
    if (!rc)
        rc = tow_ttd_url(&target->context, &target->url, err);
    return rc ? rc : tow_buffer_append(&target->url, "", 1, err);
}

void tow_ttd_target_release(struct tow_ttd_target *target)
{
    free(target->origins);
    free(target->trace_id);
    tow_buffer_release(&target->url);
    *target = (struct tow_ttd_target){.url = {0}};
}
