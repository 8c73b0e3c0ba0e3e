/* Bodies of webhooks: the first byte chooses the rules, the rest is the message. What is made of a
 * change is read back as the same change. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/lytics_audience_changes/change.h"
#include "towpath/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

static int look(void *context, const struct tow_change *change, struct tow_error *err)
{
    size_t *count = context;

    (void)err;
    ++*count;
    if (change->code) {
        check(change->code[0] && change->message[0]);
        return TOW_OK;
    }
    check(change->slug.text && tow_utf8_valid(change->slug.text, change->slug.length));
    check(!change->id.text || tow_utf8_valid(change->id.text, change->id.length));
    return *count > 1000 ? TOW_END : TOW_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const audiences[] = {"vip", "gold"};
    struct tow_change_reader reader = {0};
    struct tow_error err = TOW_ERROR_INIT;
    size_t count = 0;

    if (size == 0)
        return 0;
    const struct tow_change_rules rules = {
        .audiences = {audiences, 2},
        .id_field = "email",
        .events = data[0] % 3,
        .missing_id = data[0] / 3 % 3,
        .multi_id = data[0] / 9 % 3,
    };
    char *body = malloc(size);
    memcpy(body, data + 1, size - 1);
    int rc = tow_change_each(&reader, &rules, body, size - 1, look, &count, &err);
    check(rc == TOW_OK || rc == TOW_END || rc == TOW_E_DATA);
    tow_change_reader_release(&reader);
    free(body);
    return 0;
}
