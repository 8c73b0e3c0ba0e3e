#include "state_fixture.h"

#include "unit.h"

struct tow_state *open_state_at(const char *path, int mode)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state;

    assert_ok(tow_state_open(path, mode, &state, &err), err);
    return state;
}

struct tow_state *open_state(const struct scratch *scratch, int mode)
{
    return open_state_at(scratch->path, mode);
}

void set_position(struct tow_position *position, const char *text)
{
    position->size = sizeof *position;
    position->length = (uint32_t)strlen(text);
    memcpy(position->bytes, text, position->length);
}

void assert_position(const struct tow_position *position, const char *text)
{
    assert_int_equal(position->length, strlen(text));
    assert_memory_equal(position->bytes, text, position->length);
}
