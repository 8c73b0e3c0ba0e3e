#include "config/job_keys.h"

const struct tow_job_keys tow_job_keys[] = {
    {"job", 0, NULL, tow_job_own_keys},
    {"columns", 1, tow_job_column_options, tow_job_column_values},
    {"retry", 0, tow_job_retry_options, NULL},
    {"pipeline", 0, tow_job_pipeline_options, NULL},
    {"rejects", 0, tow_job_rejects_options, NULL},
    {"load", 0, tow_job_load_options, NULL},
    {"schedule", 0, tow_job_schedule_options, NULL},
    {"route", 0, tow_job_route_options, NULL},
    {"alerts", 1, tow_job_alert_options, NULL},
    {NULL, 0, NULL, NULL},
};
