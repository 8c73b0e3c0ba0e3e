/* Job files in a folder of their own, loaded from there. */
#ifndef TESTS_UNIT_CONFIG_FIXTURE_H
#define TESTS_UNIT_CONFIG_FIXTURE_H

#include "config/job.h"
#include "scratch.h"

/* cmocka fixtures: *state is a struct scratch whose folder is the working folder. */
int config_setup(void **state);
int config_teardown(void **state);

/* Writes a text file; the name is relative to the folder. */
void config_write(const char *name, const char *text);
/* All findings as tow_diags_print shows them; heap. */
char *config_findings(struct tow_diags *diags);
/* The findings are exactly these, one line each. */
void config_assert_findings(struct tow_diags *diags, const char *expected);

/* Writes the text as job.cfg, loads and releases it, and compares the findings. */
void config_assert_says(const char *text, const char *expected);
/* Loads job.cfg, which has the text; the test fails on any finding. Release the job. */
void config_load(const char *text, struct tow_job *job);

#endif
