/* Files of time zones: what is read of any bytes are changes in order, with offsets of a day or so.
 */
#include "fuzz_demand.h"
#include "kit/zone/zone_changes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct tow_zone_changes *changes)
{
    for (size_t i = 0; i <= changes->count; i++) {
        demand(changes->offsets[i] > -2 * 86400 && changes->offsets[i] < 2 * 86400, "an offset");
        if (i == changes->count)
            break;
        demand(changes->at[i] >= 0 && changes->at[i] < TOW_ZONE_END, "a change in its bounds");
        demand(i == 0 || changes->at[i] > changes->at[i - 1], "changes in order");
        demand(changes->offsets[i] != changes->offsets[i + 1], "a change that changes something");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_zone_changes changes = {0};

    if (tow_tzif_read(data, size, &changes, &err) == TOW_OK)
        look_at(&changes);
    else
        demand_message(&err);
    tow_zone_changes_release(&changes);
    return 0;
}
