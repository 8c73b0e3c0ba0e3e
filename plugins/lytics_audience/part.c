#include "plugins/lytics_audience/part.h"

#include <stdio.h>

#define PART_SPLITS_MAX 400 /* of the text of its splits */
#define PART_VAIN_MAX   3

void tow_member_part_release(struct tow_member_part *part)
{
    if (part->pending)
        (void)tow_lytics_finish(part->pending, NULL, NULL);
    tow_lytics_answer_release(&part->page);
    tow_member_set_release(&part->seen);
    tow_buffer_release(&part->token);
    *part = (struct tow_member_part){.is_active = 0};
}

void tow_member_part_begin(struct tow_member_part *part, int number)
{
    part->is_active = 1;
    part->number = number;
    part->token.size = 0;
    tow_member_set_clear(&part->seen);
    part->batch = 0;
    part->news = 0;
    part->vain = 0;
    part->has_page = 0;
}

static int part_set_token(struct tow_member_part *part, const char *token, size_t size,
                          struct tow_error *err)
{
    int code = TOW_OK;

    part->token.size = 0;
    if (size == 0)
        return TOW_OK;
    code = tow_buffer_append(&part->token, token, size, err);
    if (code == TOW_OK)
        code = tow_buffer_append(&part->token, "", 1, err);
    part->token.size -= code == TOW_OK;
    return code;
}

int tow_member_part_continue(struct tow_member_part *part, const struct tow_host *host,
                             const struct tow_members_place *place, struct tow_error *err)
{
    int code;

    tow_member_part_begin(part, place->part);
    code = part_set_token(part, place->token, place->size, err);
    return code == TOW_OK ? tow_member_set_read(&part->seen, host, part->number, &part->batch, err)
                          : code;
}

/* ---- pages ---------------------------------------------------------------------------------- */

/* Every parts-th of the hundred splits; NULL for all of them. */
static const char *part_splits(const struct tow_member_part *part, int parts,
                               char text[PART_SPLITS_MAX])
{
    size_t used = 0;

    if (parts == 1)
        return NULL;
    for (int i = part->number; i < TOW_MEMBERS_PARTS_MAX; i += parts)
        used += (size_t)snprintf(text + used, PART_SPLITS_MAX - used, "%s%d", used ? "," : "", i);
    return text;
}

int tow_member_part_ask(struct tow_member_part *part, struct tow_lytics *lytics,
                        const struct tow_lytics_scan *scan, int parts, struct tow_error *err)
{
    struct tow_lytics_scan own = *scan;
    char splits[PART_SPLITS_MAX];

    if (part->pending || part->has_page)
        return TOW_OK;
    own.start = part->token.size ? part->token.data : NULL;
    own.splits = part_splits(part, parts, splits);
    part->pending = tow_lytics_scan_start(lytics, &own, err);
    return part->pending ? TOW_OK : err->code;
}

/* From the beginning; what was handed out is known. */
static int part_begin_anew(struct tow_member_part *part, struct tow_error *err)
{
    part->vain = part->news == 0 ? part->vain + 1 : 0;
    part->news = 0;
    part->token.size = 0;
    if (part->vain < PART_VAIN_MAX)
        return TOW_E_TRANSIENT;
    return tow_error_set(err, TOW_E_ENV,
                         "page tokens expire before a scan gets any further than those before; "
                         "set splits, so that scans are shorter");
}

int tow_member_part_take(struct tow_member_part *part, struct tow_error *err)
{
    struct tow_lytics_pending *pending = part->pending;
    int code;

    part->pending = NULL;
    code = tow_lytics_scan_finish(pending, part->token.size > 0, &part->page, err);
    if (code != TOW_OK)
        return part->page.is_stale ? part_begin_anew(part, err) : code;
    part->has_page = 1;
    part->left = (struct tow_json_scan){NULL, NULL};
    if (tow_lytics_has(part->page.data) && !tow_json_scan_array(&part->left, part->page.data))
        return tow_error_set(err, TOW_E_ENV, "a scan brought no list of profiles");
    tow_member_part_next(part);
    return TOW_OK;
}

void tow_member_part_next(struct tow_member_part *part)
{
    if (!part->left.p || !tow_json_scan_item(&part->left, &part->next))
        part->next.length = 0;
}

int tow_member_part_step(struct tow_member_part *part, int is_last, struct tow_error *err)
{
    part->has_page = 0;
    part->is_active = part->page.next.size > 0 && !is_last;
    return part->is_active ? part_set_token(part, part->page.next.data, part->page.next.size, err)
                           : TOW_OK;
}
