/* The sink databricks_copy where one thing goes wrong at every step in turn, and where many do. */
#include "unit.h"

#include "copy_job.h"
#include "random.h"

static const char *const fault_names[] = {"killed before", "killed after",
                                          "killed, statement "
                                          "running on",
                                          "lost before", "lost after"};

struct plan {
    const char *mode;
    int64_t keys;
    size_t others; /* rows of the table that the load leaves alone */
    const char *schema;
};

static const struct plan plans[] = {{"append", 0, 2, "typed"},      {"replace", 0, 0, "typed"},
                                    {"merge", 7, 1, "typed"},       {"replace", 0, 0, "infer"},
                                    {"drop_create", 0, 0, "typed"}, {"drop_create", 0, 0, "infer"}};

/* A DROP that runs on when its process is dead may come when the table has been made again, which
 * is told where it can be seen, and is why this mode is nobody's default. */
static int plan_may_meet(const struct plan *plan, enum lake_fault fault)
{
    return fault != LAKE_KILL_ORPHAN || strcmp(plan->mode, "drop_create") != 0;
}

static void plan_init(struct copy_job *job, const struct plan *plan)
{
    struct lake_table *table;

    if (strcmp(plan->mode, "merge") == 0)
        copy_job_init(job, plan->mode, "keys", "id", NULL);
    else
        copy_job_init(job, plan->mode, "schema", plan->schema, NULL);
    job->keys = plan->keys;
    table = lake_add(&job->lake, COPY_TABLE, "`id` BIGINT, `name` STRING");
    lake_add_row(table, "3,\"old\"");
    lake_add_row(table, "1000,\"old\"");
}

/* Nothing of the load is left, once another one has begun and ended. */
static void plan_check_leftovers(struct copy_job *job)
{
    job->rows = 0;
    assert_ok(copy_job_run(job), job->err);
    if (job->lake.orphan)
        return;
    assert_int_equal(job->lake.file_count, 0);
    assert_int_equal(job->lake.table_count, 1);
    /* The record of the last load, and how often it was opened. */
    assert_int_equal(job->fake.fact_count, 2 + COPY_WORKERS);
}

static void plan_check(struct copy_job *job, const struct plan *plan)
{
    copy_job_assert_rows(job, job->rows, plan->others);
    if (plan->others > 0)
        plan_check_leftovers(job);
}

/* 1 where the step was reached. */
static int run_with_fault(const struct plan *plan, enum lake_fault fault, size_t step)
{
    struct copy_job job;
    int code;

    plan_init(&job, plan);
    job.lake.fault = fault;
    job.lake.fail_step = step;
    job.lake.orphan_waits = (int)(step % 4);
    code = copy_job_run(&job);
    if (code != TOW_OK && !job.lake.is_dead)
        fail_msg("%s, %s step %zu: %s", plan->mode, fault_names[fault], step, job.err.message);
    if (job.lake.is_dead) {
        lake_revive(&job.lake);
        if (copy_job_run(&job) != TOW_OK)
            fail_msg("%s, %s step %zu, then: %s", plan->mode, fault_names[fault], step,
                     job.err.message);
    }
    int reached = job.lake.step >= step;

    job.lake.fail_step = 0;
    plan_check(&job, plan);
    copy_job_release(&job);
    return reached;
}

static void run_all_steps(const struct plan *plan)
{
    for (enum lake_fault fault = 0; fault < LAKE_FAULTS; fault++) {
        size_t step = 1;

        if (!plan_may_meet(plan, fault))
            continue;
        while (run_with_fault(plan, fault, step))
            step++;
        /* Steps of open, eight parts, and publishing. */
        assert_true(step > 30);
    }
}

static void test_append_loads_each_row_once_wherever_it_broke_off(void **state)
{
    (void)state;
    run_all_steps(&plans[0]);
}

static void test_replace_loads_each_row_once_wherever_it_broke_off(void **state)
{
    (void)state;
    run_all_steps(&plans[1]);
}

static void test_merge_loads_each_row_once_wherever_it_broke_off(void **state)
{
    (void)state;
    run_all_steps(&plans[2]);
}

static void test_an_inferred_table_has_each_row_once_wherever_it_broke_off(void **state)
{
    (void)state;
    run_all_steps(&plans[3]);
}

static void test_drop_create_loads_each_row_once_wherever_it_broke_off(void **state)
{
    (void)state;
    run_all_steps(&plans[4]);
    run_all_steps(&plans[5]);
}

/* Readers of a table that is replaced see the old rows or the new ones. */
static void test_a_table_that_is_replaced_is_never_in_between(void **state)
{
    (void)state;
    for (size_t step = 1, reached = 1; reached; step++) {
        struct copy_job job;
        const struct lake_table *table;

        plan_init(&job, &plans[1]);
        job.lake.fault = LAKE_KILL_AFTER;
        job.lake.fail_step = step;
        reached = copy_job_run(&job) != TOW_OK;
        table = lake_find(&job.lake, COPY_TABLE);
        assert_non_null(table);
        if (table->row_count != 2 && (int64_t)table->row_count != job.rows)
            fail_msg("after step %zu the table has %zu rows", step, table->row_count);
        copy_job_release(&job);
    }
}

/* Kills and losses in a row, until a run comes to its end. */
static void test_loads_survive_one_fault_after_the_other(void **state)
{
    uint64_t seed = RANDOM_SEED;

    (void)state;
    for (int round = 0; round < 600; round++) {
        const struct plan *plan = &plans[round % (int)(sizeof plans / sizeof *plans)];
        struct copy_job job;
        int code, tries = 0;

        plan_init(&job, plan);
        do {
            lake_revive(&job.lake);
            do
                job.lake.fault = (enum lake_fault)random_below(&seed, LAKE_FAULTS);
            while (!plan_may_meet(plan, job.lake.fault));
            job.lake.orphan_waits = (int)random_below(&seed, 4);
            job.lake.fail_step = job.lake.step + 1 + random_below(&seed, 100);
            code = copy_job_run(&job);
            if (code != TOW_OK && !job.lake.is_dead)
                fail_msg("round %d, %s: %s", round, plan->mode, job.err.message);
        } while (code != TOW_OK && ++tries < 200);
        assert_int_equal(code, TOW_OK);
        job.lake.fail_step = 0;
        plan_check(&job, plan);
        copy_job_release(&job);
    }
}

/* A load that was published, and before the run could say so, goes on with more rows. */
static void run_second_round(const struct plan *plan, size_t step, size_t *reached)
{
    struct copy_job job;
    size_t first;

    plan_init(&job, plan);
    job.rows = 20;
    assert_ok(copy_job_run(&job), job.err);
    job.in_load = 1;
    job.rows = 40;
    first = job.lake.step;
    job.lake.fault = step % 2 ? LAKE_KILL_AFTER : LAKE_KILL_BEFORE;
    job.lake.fail_step = first + step / 2;
    if (copy_job_run(&job) != TOW_OK) {
        lake_revive(&job.lake);
        assert_ok(copy_job_run(&job), job.err);
    }
    *reached = job.lake.step >= first + step / 2;
    job.lake.fail_step = 0;
    copy_job_assert_rows(&job, 40, plan->others);
    copy_job_release(&job);
}

static void test_rows_after_a_load_was_published_join_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        for (size_t step = 0, reached = 1; reached; step++)
            run_second_round(&plans[i], step, &reached);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append_loads_each_row_once_wherever_it_broke_off),
        cmocka_unit_test(test_replace_loads_each_row_once_wherever_it_broke_off),
        cmocka_unit_test(test_merge_loads_each_row_once_wherever_it_broke_off),
        cmocka_unit_test(test_an_inferred_table_has_each_row_once_wherever_it_broke_off),
        cmocka_unit_test(test_drop_create_loads_each_row_once_wherever_it_broke_off),
        cmocka_unit_test(test_a_table_that_is_replaced_is_never_in_between),
        cmocka_unit_test(test_rows_after_a_load_was_published_join_it),
        cmocka_unit_test(test_loads_survive_one_fault_after_the_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
