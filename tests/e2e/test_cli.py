"""Commands, options, exit codes and output of the program."""

import json
import os
import shlex
import signal
import subprocess

import pytest
from conftest import COMMANDS


def wait_until_running(tow):
    """Asks until the state lists a run that is on."""
    while True:
        if any(run["status"] == "running" for run in tow.json("runs")):
            return


# ---- help and usage ------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(tow, command):
    text = tow.run(*command.split(), "--help").stdout
    assert text.startswith(f"Usage: towpath {command} ")
    for part in ("Options of all commands:", "--state FILE", "Exit codes:", "Example:"):
        assert part in text
    assert text == tow.run("help", *command.split()).stdout


def test_help_lists_every_command(tow):
    text = tow.run("--help").stdout
    assert text == tow.run("help").stdout
    for command in COMMANDS:
        assert f"\n  {command}" in text


def test_help_of_a_group_lists_its_commands(tow):
    for words in (("help", "state"), ("state", "--help")):
        text = tow.run(*words).stdout
        assert "state reset JOB" in text and "plugins" not in text


def test_help_fits_a_terminal_and_has_no_control_characters(tow):
    for command in COMMANDS:
        text = tow.run(*command.split(), "--help").stdout
        assert max(map(len, text.splitlines())) <= 110
        assert all(char == "\n" or char.isprintable() for char in text)


@pytest.mark.parametrize(
    "args, message",
    [
        ([], "a command is missing"),
        (["rnu", "x"], 'unknown command "rnu"; did you mean "run"?'),
        (["zzz"], 'unknown command "zzz"'),
        (["state"], '"state" needs a second word, such as "state show"'),
        (["state", "rest", "x"], 'unknown command "state rest"; did you mean "state reset"?'),
        (["help", "chek"], 'did you mean "check"?'),
        (["--stae", "x", "run"], "unknown option --stae; did you mean --state?"),
        (["run", "--limt", "5", "x"], "unknown option --limt; did you mean --limit?"),
        (["run", "-z", "x"], "unknown option -z"),
        (["run"], "run needs FILE"),
        (["run", "a", "b"], '"b" is one argument too many'),
        (["run", "a", "--limit", "ten"], 'option --limit: "ten" is not a whole number'),
        (["run", "a", "--limit=-1"], "option --limit: -1 is less than 0"),
        (["run", "a", "--limit"], "option --limit needs a value: ROWS"),
        (["run", "a", "--full=1"], "option --full takes no value"),
        (["run", "a", "--log-level", "loud"], '"loud" is none of debug|info|warn|error'),
        (["runs", "show", "seven"], '"seven" is no run number'),
        (["runs", "show", "7"], "there is no run 7"),
        (["replay", "7"], "there is no run 7"),
        (["state", "set", "x"], "either --position-hex or --position-text"),
        (["state", "set", "x", "--position-hex", "00", "--position-text", "0"], "either"),
        (["state", "reset", "x"], "give --yes"),
        (["plugins", "show", "csvv"], 'did you mean "csv"?'),
    ],
)
def test_wrong_usage_exits_2_and_says_what_is_wrong(tow, args, message):
    done = tow.run(*args, code=2)
    assert message in done.stderr
    assert done.stdout == ""


def test_global_options_stand_before_or_behind_the_command(tow):
    other = tow.folder / "other.db"
    for args in (["--state", other, "runs"], ["runs", f"--state={other}"], ["-qv", "runs"]):
        assert tow.run(*args).stdout.startswith("RUN")


def test_words_behind_two_dashes_are_arguments(tow):
    assert tow.run("runs", "--", "show").stdout.startswith("RUN")


def test_version_is_told_in_three_ways(tow):
    text = tow.run("version").stdout
    assert text.startswith("towpath ")
    assert text == tow.run("--version").stdout
    assert tow.json("version")["version"] in text


def test_errors_can_be_json(tow):
    done = tow.run("--log-format", "json", "run", "absent.cfg", code=2)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert lines[0]["level"] == "error"
    assert "absent.cfg" in lines[0]["message"]


def test_looking_creates_no_state(tow):
    tow.run("runs")
    tow.run("state", "show")
    assert not tow.state.exists()


# ---- plugins -------------------------------------------------------------------------------------


def test_plugins_are_listed_with_the_reason_where_they_cannot_be_loaded(tow):
    bad = tow.write("plugins/broken.so", "not a shared object")
    plugins = {plugin["name"]: plugin for plugin in tow.json("plugins", "list", "--plugin-path", bad.parent)}
    assert "source" in plugins["csv"]["kinds"] and plugins["csv"]["error"] is None
    assert "sink" in plugins["file"]["kinds"]
    assert plugins["broken"]["kinds"] is None
    assert "broken.so" in plugins["broken"]["error"]
    assert "broken.so" in tow.run("plugins", "list", "--plugin-path", bad.parent).stdout


def test_a_plugins_options_are_shown(tow):
    text = tow.run("plugins", "show", "file").stdout
    assert "OPTION" in text and "choice: auto|csv|ndjson" in text
    options = {option["name"]: option for option in tow.json("plugins", "show", "file")["options"]}
    assert options["path"]["required"] and options["path"]["type"] == "path"
    assert options["level"]["bounds"] == "0 .. 9"


def test_a_plugin_passes_the_conformance_suite(tow):
    tow.write("in.csv", "a\n" + "1\n" * 100)
    files = {plugin["name"]: plugin["file"] for plugin in tow.json("plugins", "list")}
    text = tow.run("plugins", "test", files["csv"], "--option", f"path={tow.folder}/in.csv").stdout
    assert "pass" in text and "FAIL" not in text


def test_the_conformance_suite_refuses_wrong_options(tow):
    files = {plugin["name"]: plugin["file"] for plugin in tow.json("plugins", "list")}
    tow.run("plugins", "test", files["csv"], "--option", "pth=in.csv", code=2)


# ---- runs ----------------------------------------------------------------------------------------


def test_a_run_closes_with_sums_that_balance(people):
    text = people.run("run", "job.cfg").stdout
    facts = dict(line.split(None, 1) for line in text.splitlines())
    assert facts["job"] == "job" and facts["status"] == "ok"
    assert facts["read"].split()[0] == "5"
    assert facts["accepted"] == "3" and facts["rejected"] == "2"
    assert facts["replay"] == "towpath replay 1"
    assert (people.folder / facts["rejects"]).exists()
    assert [row["id"] for row in people.rows()] == [1, 3, 5]


def test_a_run_tells_the_same_as_json(people):
    report = people.json("run", "job.cfg")
    rows = report["rows"]
    assert rows == {"read": 5, "accepted": 3, "rejected": 2, "filtered": 0, "pending": 0}
    assert (report["status"], report["exit_code"], report["error"]) == ("ok", 0, None)
    assert report["run"] == 1 and report["trial"] is False
    assert os.path.exists(report["rejects"])


def test_the_block_goes_to_stderr_where_rows_go_to_stdout(people):
    done = people.run("run", "job.cfg", "--set", "sink.path=-", "--set", "sink.format=ndjson")
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1, 3, 5]
    assert "accepted" in done.stderr


def test_quiet_says_nothing_while_all_goes_well(people):
    done = people.run("run", "job.cfg", "-q")
    assert (done.stdout, done.stderr) == ("", "")


def test_quiet_still_tells_of_a_failure(people):
    done = people.run("run", "job.cfg", "-q", "--set", "rejects.max=0", code=5)
    assert "status" in done.stdout and "rejects.max" in done.stderr


def test_set_changes_one_value(people):
    people.run("run", "job.cfg", "--set", "sink.path=a.ndjson", "--set", "job.name=other")
    assert (people.folder / "a.ndjson").exists()
    assert people.json("runs")[0]["job"] == "other"
    done = people.run("run", "job.cfg", "--set", "snk.path=x", code=2)
    assert '--set: error: there is no group "snk" in job; did you mean "sink"?' in done.stderr


def test_a_limit_makes_a_trial(people):
    report = people.json("run", "job.cfg", "--limit", "1")
    assert report["trial"] is True and report["rows"]["read"] == 1
    assert people.json("state", "show")[0]["checkpoint"] is None


def test_too_many_rejects_exit_5(people):
    report = people.json("run", "job.cfg", "--set", "rejects.max_percent=10.0", code=5)
    assert report["status"] == "failed" and report["exit_code"] == 5
    assert "max_percent" in report["error"]["message"]


def test_a_wrong_job_exits_2_with_file_and_line(tow):
    tow.job(source='plugin = "csv"; pth = "in.csv";')
    done = tow.run("run", "job.cfg", code=2)
    assert "job.cfg:4: error:" in done.stderr and '"path"' in done.stderr
    assert done.stdout == ""
    assert not tow.state.exists()


def test_runs_are_listed_newest_first(people):
    for _ in range(3):
        people.run("run", "job.cfg", "--full")
    assert [run["run"] for run in people.json("runs")] == [3, 2, 1]
    assert [run["run"] for run in people.json("runs", "job", "--last", "2")] == [3, 2]
    assert people.json("runs", "other") == []
    text = people.run("runs").stdout.splitlines()
    assert text[0].split()[:3] == ["RUN", "JOB", "STATUS"] and len(text) == 4
    assert people.json("runs", "show", "2") == people.json("runs")[1]
    assert "rejected" in people.run("runs", "show", "2").stdout


def test_output_that_cannot_be_written_is_an_error(tow):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = tow.run("runs", stdout=full, code=3)
    assert "standard output" in done.stderr


def test_a_closed_pipe_is_an_error(tow):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        done = tow.run("help", stdout=pipe, code=3)
    assert "Broken pipe" in done.stderr


def test_a_closed_output_does_not_land_in_a_file(people):
    process = people.start(
        "run", "job.cfg", stdout=None, preexec_fn=lambda: os.close(1)
    )
    people.finish(process, 3)
    assert people.json("runs")[0]["status"] == "ok"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_which_can_go_on(tow, number):
    tow.job(source='plugin = "csv"; path = "-";')
    # Whoever runs the tests may ignore the signal, and its children would do so, too.
    process = tow.start(
        "run", "job.cfg", "--json", preexec_fn=lambda: signal.signal(number, signal.SIG_DFL)
    )
    process.stdin.write(b"a\n1\n")
    process.stdin.flush()
    wait_until_running(tow)
    process.send_signal(number)
    out, _ = tow.finish_open(process, 128 + number)
    report = json.loads(out)
    assert report["status"] == "cancelled" and report["exit_code"] == 128 + number
    assert report["error"]["class"] == "cancelled"


def test_a_signal_that_was_ignored_stays_ignored(tow):
    tow.job(source='plugin = "csv"; path = "-";')
    process = tow.start(
        "run", "job.cfg", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)
    )
    process.stdin.write(b"a\n1\n")
    process.stdin.flush()
    wait_until_running(tow)
    process.send_signal(signal.SIGINT)
    tow.finish(process, 0)
    assert tow.json("runs")[0]["rows"]["accepted"] == 1


def test_hints_can_be_pasted_into_a_shell(people):
    odd = people.job(file="it's here.cfg", source='plugin = "csv"; path = "-";')
    process = people.start("run", odd.name)
    wait_until_running(people)
    process.send_signal(signal.SIGTERM)
    text, _ = people.finish_open(process, 143)
    hint = next(line for line in text.splitlines() if line.startswith("go on "))
    assert shlex.split(hint)[2:] == ["towpath", "run", odd.name]


def test_a_replay_finds_the_job_file_by_itself(people):
    people.run("run", "job.cfg")
    job = people.folder / "job.cfg"
    job.write_text(job.read_text().replace('type = "int32"', 'type = "string"'))
    people.run("replay", "1", "--set", "sink.path=again.ndjson")
    assert [row["id"] for row in people.rows("again.ndjson")] == [2]
    assert people.json("runs", "show", "2")["file"] == str(job)


def test_a_job_that_runs_is_locked(tow):
    tow.job(source='plugin = "csv"; path = "-";')
    process = tow.start("run", "job.cfg")
    process.stdin.write(b"a\n1\n")
    process.stdin.flush()
    wait_until_running(tow)
    tow.run("run", "job.cfg", code=8)
    tow.run("state", "reset", "job", "--yes", code=8)
    tow.run("state", "set", "job", "--position-text", "x", "--source", "csv", code=8)
    tow.finish(process, 0)


# ---- rejects and replay --------------------------------------------------------------------------


def test_rejects_are_printed_with_place_reason_and_row(people):
    people.run("run", "job.cfg")
    lines = people.run("rejects", "1").stdout.splitlines()
    assert "in.csv:3 bad_int32 " in lines[0] and '"x"' in lines[0]
    assert json.loads(lines[1]) == {"id": "2", "name": "Bob", "age": "x"}
    assert "in.csv:5 required " in lines[2]
    raw = people.run("rejects", "1", "--json", "--limit", "1").stdout.splitlines()
    assert len(raw) == 1 and json.loads(raw[0])["code"] == "bad_int32"


def test_a_run_without_rejects_says_so(tow):
    tow.write("in.csv", "a\n1\n")
    tow.job()
    tow.run("run", "job.cfg")
    assert "rejected no rows" in tow.run("rejects", "1").stdout
    assert tow.run("rejects", "1", "--json").stdout == ""
    assert "rejected no rows" in tow.run("replay", "1", "--job", "job.cfg", code=2).stderr


def test_a_replay_sends_what_was_rejected_once(people):
    people.run("run", "job.cfg")
    assert people.json("replay", "1", "--dry-run") == {
        "job": "job",
        "replay_of": 1,
        "rows": 2,
        "unreadable": 0,
        "codes": [
            {"code": "bad_int32", "rows": 1, "unreadable": 0},
            {"code": "required", "rows": 1, "unreadable": 0},
        ],
    }
    assert "would send 2 rows" in people.run("replay", "1", "--dry-run").stdout
    mended = people.job(
        more='  columns = ( { name = "id"; from = "id"; type = "int64"; },\n'
        '    { name = "name"; from = "name"; default = "?"; },\n'
        '    { name = "age"; from = "age"; type = "int32"; null_if = "x"; } );'
    )
    args = ("replay", "1", "--job", mended)
    report = people.json(*args, "--set", "sink.path=mended.ndjson")
    assert report["replay_of"] == 1 and report["rows"]["accepted"] == 2
    assert people.rows("mended.ndjson") == [
        {"id": 2, "name": "Bob", "age": None},
        {"id": 4, "name": "?", "age": 32},
    ]
    assert people.json("runs", "show", "1")["replayed_by"] == report["run"]
    assert "--again" in people.run(*args, "--set", "sink.path=more.ndjson", code=2).stderr
    people.run(*args, "--again", "--set", "sink.path=more.ndjson")


# ---- state ---------------------------------------------------------------------------------------


def test_state_is_shown_set_and_reset(people):
    people.run("run", "job.cfg")
    shown = people.json("state", "show", "job")
    assert shown["job"] == "job" and shown["checkpoint"]["source"] == "csv"
    assert [job["job"] for job in people.json("state", "show")] == ["job"]
    assert "csv" in people.run("state", "show").stdout
    assert "run 1" in people.run("state", "show", "job").stdout

    people.run("state", "set", "job", "--position-hex", "00FF10")
    position = people.json("state", "show", "job")["checkpoint"]["position"]
    assert position == {"hex": "00ff10", "text": None}
    assert "0x00ff10" in people.run("state", "show", "job").stdout
    people.run("state", "set", "job", "--position-text", "at 12")
    position = people.json("state", "show", "job")["checkpoint"]["position"]
    assert position == {"hex": b"at 12".hex(), "text": "at 12"}

    people.run("state", "reset", "job", "--yes")
    assert people.json("state", "show", "job")["checkpoint"] is None


def test_wrong_positions_and_jobs_are_refused(people):
    people.run("run", "job.cfg")
    assert "hex" in people.run("state", "set", "job", "--position-hex", "0g", code=2).stderr
    long = "61" * 4097
    assert "4096" in people.run("state", "set", "job", "--position-hex", long, code=2).stderr
    assert "--source" in people.run("state", "set", "new", "--position-text", "x", code=2).stderr
    assert "csv" in people.run(
        "state", "set", "job", "--position-text", "x", "--source", "other", code=2
    ).stderr
    assert 'did you mean "job"?' in people.run("state", "reset", "jbo", "--yes", code=2).stderr
    assert 'did you mean "job"?' in people.run("state", "show", "jbo", code=2).stderr


def test_a_position_can_be_set_for_a_new_job(tow):
    tow.run("state", "set", "new", "--position-text", "x", "--source", "csv")
    assert tow.json("state", "show", "new")["checkpoint"]["source"] == "csv"
