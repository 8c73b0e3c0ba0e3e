"""`towpath check`: findings, folders, exit codes."""

import json
import time

CONNECTIONS = 'connections = { there = { path = "out.ndjson"; }; };\n'


def test_a_good_job_is_ok(people):
    done = people.run("check", "job.cfg")
    assert done.stdout == (
        "ok      job.cfg\n1 job file: 1 ok, 0 with errors; 0 errors, 0 warnings\n"
    )
    assert done.stderr == ""
    assert people.run("check", "job.cfg", "-q").stdout == ""


def test_all_findings_of_a_file_come_at_once_with_file_and_line(tow):
    tow.job(more='  retry = { tries = 0; };\n  rejcts = { };\n  columns = ( { name = ""; } );')
    done = tow.run("check", "job.cfg", code=2)
    places = [line.partition(" error:")[0] for line in done.stderr.splitlines()]
    assert places == ["job.cfg:6:", "job.cfg:7:", "job.cfg:8:"]
    assert 'did you mean "rejects"?' in done.stderr
    assert done.stdout == (
        "failed  job.cfg\n1 job file: 0 ok, 1 with errors; 3 errors, 0 warnings\n"
    )


def test_all_findings_about_options_come_at_once_with_file_and_line(tow):
    tow.write("in.csv", "a\n1\n")
    tow.job(
        source='plugin = "csv"; path = "in.csv"; hedder = true;',
        sink='plugin = "file"; path = "out.ndjson"; level = 10;',
    )
    lines = tow.run("check", "job.cfg", code=2).stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("job.cfg:4: error:") and '"header"' in lines[0]
    assert lines[1].startswith("job.cfg:5: error:") and "10" in lines[1]


def test_what_is_known_of_the_data_offline_is_checked(people):
    people.job(more='  columns = ( { name = "id"; from = "idd"; } );')
    done = people.run("check", "job.cfg", code=2)
    assert "job.cfg:6: error:" in done.stderr and '"id"' in done.stderr
    people.run("run", "job.cfg", code=2)


def test_a_missing_input_is_found(tow):
    tow.job()
    assert "in.csv" in tow.run("check", "job.cfg", code=2).stderr


def test_unknown_plugins_are_found_with_the_nearest_name(tow):
    tow.job(source='plugin = "cvs"; path = "in.csv";', sink='plugin = "csv"; path = "x";')
    done = tow.run("check", "job.cfg", code=2)
    assert 'no plugin "cvs"' in done.stderr and 'did you mean "csv"?' in done.stderr
    assert 'plugin "csv" is no sink' in done.stderr


def test_a_folder_is_checked_job_by_job(tow):
    tow.write("jobs/in.csv", "a\n1\n")
    tow.write("jobs/connections.cfg", CONNECTIONS)
    tow.job("one", file="jobs/one.cfg")
    tow.job("two", source='plugin = "csv";', file="jobs/two.cfg")
    tow.write("jobs/notes.txt", "job = nonsense")
    tow.write("jobs/broken.cfg", "version = 1;\njob = {\n")
    done = tow.run("check", "jobs", code=2)
    assert done.stdout.splitlines() == [
        "failed  jobs/broken.cfg",
        "ok      jobs/one.cfg",
        "failed  jobs/two.cfg",
        done.stdout.splitlines()[-1],
    ]
    assert done.stdout.splitlines()[-1].startswith("3 job files: 1 ok, 2 with errors;")
    assert "connections.cfg holds no job" in tow.run("check", "jobs/", "-v", code=2).stderr


def test_a_folder_without_jobs_is_refused(tow):
    tow.write("jobs/connections.cfg", CONNECTIONS)
    assert "has no job file" in tow.run("check", "jobs", code=2).stderr


def test_two_jobs_of_one_name_are_warned_about(tow):
    tow.write("in.csv", "a\n1\n")
    tow.job("same", file="a.cfg")
    tow.job("same", file="b.cfg")
    done = tow.run("check", "a.cfg", "b.cfg", "a.cfg")
    assert done.stderr.count("warning:") == 1 and '"same"' in done.stderr
    assert "3 ok" in done.stdout and "1 warning" in done.stdout


def test_findings_as_json(tow):
    tow.write("in.csv", "a\n1\n")
    tow.job("good")
    tow.job("bad", sink='plugin = "file";')
    done = tow.run("check", "good.cfg", "bad.cfg", "--json", code=2)
    result = json.loads(done.stdout)
    assert [file["ok"] for file in result["files"]] == [True, False]
    assert [file["job"] for file in result["files"]] == ["good", "bad"]
    finding = result["files"][1]["findings"][0]
    assert finding["severity"] == "error" and finding["file"] == "bad.cfg" and finding["line"] == 5
    assert result["errors"] >= 1 and result["warnings"] == 0
    assert done.stderr == ""


def test_findings_in_the_json_log(tow):
    tow.job()
    done = tow.run("check", "job.cfg", "--log-format", "json", code=2)
    assert all(json.loads(line)["level"] == "error" for line in done.stderr.splitlines())


def test_secrets_stay_out_of_findings(tow):
    tow.write("in.csv", "a\n1\n")
    tow.job(sink='plugin = "file"; path = "${env:ABSENT_NAME}";')
    done = tow.run("check", "job.cfg", code=2, env={"OTHER": "s3cret"})
    assert "ABSENT_NAME" in done.stderr and "s3cret" not in done.stderr


def test_a_hundred_jobs_take_no_time(tow):
    tow.write("jobs/in.csv", "a,b\n1,2\n")
    for i in range(100):
        tow.job(f"job{i}", file=f"jobs/job{i}.cfg")
    start = time.monotonic()
    done = tow.run("check", "jobs")
    # Generous, for sanitizers and slow machines; without them it is well below 0.1 s.
    assert time.monotonic() - start < 5
    assert done.stdout.splitlines()[-1].startswith("100 job files: 100 ok")


def test_results_and_sink_cannot_share_a_file(tow):
    tow.write("in.csv", "a\n1\n")
    tow.job(more='  results = { plugin = "file"; path = "./out.ndjson"; };')
    err = tow.run("check", "job.cfg", code=2).stderr
    assert "job.cfg:6: error: results file: path " in err and "is that of the sink, too" in err
    tow.job(more='  results = { plugin = "file"; path = "results.ndjson"; };')
    tow.run("check", "job.cfg")
