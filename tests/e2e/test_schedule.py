"""`towpath schedule`, and what `check` says of schedules."""

import re

import pytest


def job(tow, schedule, name="job"):
    tow.write("in.csv", "a\n1\n")
    return tow.job(name, more=f"  schedule = {{ {schedule} }};")


def times(tow, schedule, start, count=3, key="utc"):
    job(tow, schedule)
    listed = tow.json("schedule", "job.cfg", "-n", count, "--from", start)
    return [time[key] for time in listed[0]["times"]]


def test_times_are_printed_by_the_jobs_clock_and_in_utc(tow):
    job(tow, 'cron = "30 2 * * *"; timezone = "Europe/Berlin";')
    done = tow.run("schedule", "job.cfg", "-n", 2, "--from", "2126-03-30T00:00:00")
    lines = done.stdout.splitlines()
    assert lines[0] == "job: cron 30 2 * * * in Europe/Berlin"
    assert lines[1].split() == ["LOCAL", "TIME", "UTC", "IN"]
    assert lines[2].startswith("Sat 2126-03-30 02:30:00 +01:00  2126-03-30 01:30:00Z  ")
    assert lines[3].startswith("Sun 2126-03-31 03:00:00 +02:00  2126-03-31 01:00:00Z  ")
    assert all(re.fullmatch(r"\d+ d \d+ h", line[54:].strip()) for line in lines[2:])


def test_ten_times_from_now_unless_told_otherwise(tow):
    job(tow, 'every = "15m";')
    listed = tow.json("schedule", "job.cfg")[0]
    assert listed["job"] == "job" and listed["schedule"] == "every 15m"
    assert listed["file"] == str(tow.folder / "job.cfg") and listed["timezone"] == "UTC"
    assert len(listed["times"]) == 10
    assert all(re.search(r":(00|15|30|45):00Z$", time["utc"]) for time in listed["times"])


def test_from_is_the_jobs_clock_unless_a_zone_stands_behind_it(tow):
    schedule = 'frequency = "hourly"; timezone = "America/New_York";'
    assert times(tow, schedule, "2026-07-01T00:00:00", 1) == ["2026-07-01T04:00:00Z"]
    assert times(tow, schedule, "2026-07-01T00:00:00Z", 1) == ["2026-07-01T00:00:00Z"]
    assert times(tow, schedule, "2026-07-01T00:00:01+02:00", 1) == ["2026-06-30T23:00:00Z"]
    done = tow.run("schedule", "job.cfg", "--from", "tomorrow", code=2)
    assert '--from: "tomorrow" is no time' in done.stderr


def test_jitter_shows_what_starts_when(tow):
    job(tow, 'every = "1h"; jitter = "10m";')
    head = tow.run("schedule", "job.cfg").stdout.splitlines()[1]
    assert head.split() == ["LOCAL", "TIME", "UTC", "STARTS", "IN"]
    first = tow.json("schedule", "job.cfg", "--from", "2026-01-01T00:00:00Z", "-n", 1)[0]["times"][0]
    assert first["utc"] == "2026-01-01T00:00:00Z"
    assert "2026-01-01T00:00:00Z" < first["starts"] < "2026-01-01T00:10:00Z"


@pytest.mark.parametrize(
    "schedule, says",
    [
        ('frequency = "continuous";', "started with the daemon, and again whenever it ends"),
        ("keep_updated = false;", "started once, when the daemon first meets it"),
    ],
)
def test_jobs_without_times_say_so(tow, schedule, says):
    job(tow, schedule)
    assert says in tow.run("schedule", "job.cfg").stdout
    assert tow.json("schedule", "job.cfg")[0]["times"] == []


def test_a_job_without_a_schedule_has_none(tow):
    tow.job()
    assert tow.run("schedule", "job.cfg").stdout == "job: no schedule\n"
    listed = tow.json("schedule", "job.cfg")[0]
    assert listed["schedule"] is None and listed["times"] == []


def test_once_is_one_time(tow):
    assert len(times(tow, 'every = "1h"; keep_updated = false;', "2026-01-01T00:00:00Z")) == 1


def test_a_wrong_file_does_not_hide_the_others(tow):
    job(tow, 'cron = "x";', "bad")
    job(tow, 'every = "1h";', "good")
    done = tow.run("schedule", "bad.cfg", "good.cfg", code=2)
    assert "bad.cfg:6: error: schedule: cron:" in done.stderr
    assert "good: every 1h" in done.stdout
    assert [each["job"] for each in tow.json("schedule", "bad.cfg", "good.cfg", code=2)] == ["good"]


def test_a_value_may_be_another_for_once(tow):
    job(tow, 'frequency = "daily"; at = "02:00";')
    done = tow.run("schedule", "job.cfg", "--set", "schedule.at=03:30")
    assert "job: daily at 03:30 in UTC\n" in done.stdout


def test_monthly_clamps_and_cron_leaves_out(tow):
    monthly = 'frequency = "monthly"; day_of_month = 31; at = "2:00pm"; timezone = "Asia/Tokyo";'
    assert times(tow, monthly, "2027-01-15T00:00:00") == [
        "2027-01-31T05:00:00Z",
        "2027-02-28T05:00:00Z",
        "2027-03-31T05:00:00Z",
    ]
    assert times(tow, 'cron = "0 5 31 * *";', "2027-01-15T00:00:00", 2) == [
        "2027-01-31T05:00:00Z",
        "2027-03-31T05:00:00Z",
    ]


def test_local_times_have_their_offset(tow):
    schedule = 'cron = "0 * * * *"; timezone = "America/St_Johns";'
    assert times(tow, schedule, "2026-11-01T01:00:00", 3, "local") == [
        "2026-11-01T01:00:00-02:30",
        "2026-11-01T01:00:00-03:30",
        "2026-11-01T02:00:00-03:30",
    ]


def test_tzdir_is_where_zones_are(tow, tmp_path):
    job(tow, 'every = "1h"; timezone = "Europe/Berlin";')
    done = tow.run("schedule", "job.cfg", code=3, env={"TZDIR": str(tmp_path / "none")})
    assert "there is no tz data in" in done.stderr


@pytest.mark.parametrize(
    "schedule, says",
    [
        ("", "needs every, cron, frequency, or keep_updated"),
        ('evry = "1h";', 'has no key "evry"; did you mean "every"?'),
        ('every = "1h"; cron = "0 * * * *";', "every and cron both say when the job runs"),
        ('every = "1h"; at = "02:00";', "at says nothing about a schedule by every"),
        ('frequency = "daily"; day_of_week = "monday";', "day_of_week says nothing about a daily"),
        ('frequency = "weekly"; day_of_month = 3;', "day_of_month says nothing about a weekly"),
        ('frequency = "dayly";', 'did you mean "daily"?'),
        ('frequency = "continuous"; overlap = "skip";', "it has no slots that could overlap"),
        ('frequency = "continuous"; keep_updated = false;', "ends a job after its first run"),
        ('frequency = "daily"; at = "25:00";', 'at: "25:00" is no time of day'),
        ('frequency = "hourly"; at = "02:00";', 'at: "02:00" is no time of the hour'),
        ('frequency = "weekly"; day_of_week = "moonday";', 'the day of the week is "moonday"'),
        ('cron = "0 0 30 2 *";', "never comes"),
        ('every = "1500ms";', "is not a whole number of seconds"),
        ('every = "10m"; jitter = "10m";', "jitter (10m) is not shorter than"),
        ('every = "1h"; catch_up = "all"; overlap = "skip";', "passes slots over"),
        ('cron = "0 0 * * *"; timezone = "Europe/Berln";', 'did you mean "Europe/Berlin"?'),
        ('cron = "0 0 * * *"; timezone = "Nowhere";', "no such zone"),
        ('every = "1h"; tries = 0;', "tries: 0 is out of bounds"),
    ],
)
def test_what_is_wrong_is_found(tow, schedule, says):
    job(tow, schedule)
    done = tow.run("check", "job.cfg", code=2)
    assert done.stderr.startswith("job.cfg:6: error: "), done.stderr
    assert says in done.stderr


def test_a_zone_that_has_no_say_is_a_warning(tow):
    job(tow, 'every = "1h"; timezone = "Europe/Berlin";')
    assert "warning: schedule: timezone has no say" in tow.run("check", "job.cfg").stderr


def test_a_reader_that_goes_away_is_no_success(tow):
    job(tow, 'every = "1s";')
    process = tow.start("schedule", "job.cfg", "-n", 1000000)
    process.stdout.close()
    assert process.wait(60) not in (0, -11)


# ---- top ---------------------------------------------------------------------------------------


def test_top_shows_a_run_that_is_on_and_none_when_it_has_ended(tow):
    tow.job("slow", source='plugin = "csv"; path = "-";')
    process = tow.start("run", "slow.cfg")
    process.stdin.write(b"a\n1\n")
    process.stdin.flush()
    for _ in range(600):
        shown = tow.json("top")["running"]
        if shown and shown[0]["run"]:
            break
    assert shown[0]["job"] == "slow" and shown[0]["process"] == process.pid
    assert shown[0]["state"] == "running" and shown[0]["rows"]["rejected"] == 0
    lines = tow.run("top", "--once").stdout.splitlines()
    assert lines[0].startswith("1 running   2") and lines[2].startswith("JOB ")
    assert lines[3].split()[:3] == ["slow", str(shown[0]["run"]), "running"]
    tow.finish(process, 0)
    assert tow.json("top")["running"] == []
    assert tow.run("top").stdout.startswith("0 running   2")


def test_top_without_a_state_shows_nothing_and_makes_none(tow):
    assert tow.json("top")["running"] == []
    assert not tow.state.exists()


# ---- jobs --------------------------------------------------------------------------------------


@pytest.fixture
def folder(tow):
    """jobs.d with a job on a schedule, one without, and one that is wrong."""
    tow.write("jobs.d/in.csv", "a\n1\n")
    tow.job("daily", more='  schedule = { cron = "0 2 * * *"; };', file="jobs.d/daily.cfg")
    tow.job("plain", sink='plugin = "file"; path = "plain.ndjson";', file="jobs.d/plain.cfg")
    tow.job("wrong", more='  schedule = { cron = "x"; };', file="jobs.d/wrong.cfg")
    tow.write("jobs.d/connections.cfg", "connections = { };\n")
    return "jobs.d"


def test_jobs_lists_a_folder_with_what_is_wrong(tow, folder):
    tow.run("run", "jobs.d/plain.cfg")
    done = tow.run("jobs", "-C", folder, code=2)
    head, daily, plain, wrong = done.stdout.splitlines()
    assert head.split()[:2] == ["JOB", "STATE"]
    assert daily.startswith("daily  idle   -") and daily.endswith("cron 0 2 * * * in UTC")
    assert re.search(r"\d{4}-\d\d-\d\d 02:00:00Z", daily)
    assert plain.startswith("plain  idle   2") and "ok" in plain and plain.endswith("no schedule")
    assert wrong.startswith("wrong  idle") and wrong.endswith("1 error in jobs.d/wrong.cfg")
    assert "jobs.d/wrong.cfg:6: schedule: cron:" in done.stderr


def test_a_folder_shows_the_times_of_all_its_jobs(tow, folder):
    listed = tow.json("schedule", folder, code=2)
    assert [job["job"] for job in listed] == ["daily", "plain"]
    assert len(listed[0]["times"]) == 10 and listed[1]["times"] == []


def test_jobs_has_it_all_in_json(tow, folder):
    tow.run("run", "jobs.d/plain.cfg")
    daily, plain, wrong = tow.json("jobs", "-C", folder, code=2)
    assert daily["schedule"] == "cron 0 2 * * * in UTC" and daily["timezone"] == "UTC"
    assert daily["next"].endswith("T02:00:00Z") and daily["last"] is None
    assert daily["running"] is None and daily["state"] == "idle" and daily["errors"] == 0
    assert plain["last"]["status"] == "ok" and plain["last"]["exit_code"] == 0
    assert plain["schedule"] is None and plain["next"] is None
    assert wrong["errors"] == 1 and wrong["next"] is None


def test_jobs_without_a_folder_are_those_of_the_state(tow, folder):
    assert tow.json("jobs") == []
    tow.run("run", "jobs.d/plain.cfg")
    assert [job["job"] for job in tow.json("jobs")] == ["plain"]


def test_jobs_says_what_runs(tow):
    tow.job("slow", source='plugin = "csv"; path = "-";')
    process = tow.start("run", "slow.cfg")
    for _ in range(600):
        listed = tow.json("jobs")
        if listed and listed[0]["running"]:
            break
    assert listed[0]["state"] == "running" and listed[0]["running"]["process"] == process.pid
    process.stdin.write(b"a\n1\n")
    tow.finish(process, 0)
    assert tow.json("jobs")[0]["state"] == "idle"


def test_a_folder_that_is_not_there_is_no_list(tow):
    assert "folder nowhere" in tow.run("jobs", "-C", "nowhere", code=3).stderr
