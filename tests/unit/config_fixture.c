#include "config_fixture.h"

#include <unistd.h>

#include "unit.h"

int config_setup(void **state)
{
    if (scratch_setup(state))
        return -1;
    return chdir(((struct scratch *)*state)->folder);
}

int config_teardown(void **state)
{
    if (chdir("/"))
        return -1;
    return scratch_teardown(state);
}

void config_write(const char *name, const char *text)
{
    scratch_write(name, text, strlen(text));
}

char *config_findings(struct tow_diags *diags)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);

    assert_non_null(to);
    tow_diags_print(diags, to);
    assert_int_equal(fclose(to), 0);
    return text;
}

void config_assert_findings(struct tow_diags *diags, const char *expected)
{
    char *found = config_findings(diags);

    assert_string_equal(found, expected);
    free(found);
}

void config_assert_says(const char *text, const char *expected)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};
    struct tow_job job;

    config_write("job.cfg", text);
    assert_ok(tow_job_load("job.cfg", &job, &diags, &err), err);
    tow_job_release(&job);
    config_assert_findings(&diags, expected);
    tow_diags_release(&diags);
}

void config_load(const char *text, struct tow_job *job)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};

    config_write("job.cfg", text);
    assert_ok(tow_job_load("job.cfg", job, &diags, &err), err);
    config_assert_findings(&diags, "");
    tow_diags_release(&diags);
}
