"""What a user can meet is documented: options, variables, exit codes, classes of errors, plugins."""

import re
from pathlib import Path

import pytest
from helpers import until

TOP = Path(__file__).resolve().parents[2]
DOCS = TOP / "docs"
PLUGINS = sorted(path.stem for path in (DOCS / "plugins").glob("*.md") if path.name != "README.md")
NUMBERS = ("integer", "number", "size", "duration")


def page(name):
    return (DOCS / name).read_text()


@pytest.mark.parametrize("plugin", PLUGINS)
def test_each_option_has_help_and_each_number_bounds(tow, plugin):
    for option in tow.json("plugins", "show", plugin)["options"]:
        assert option["help"] and len(option["help"]) > 5, option["name"]
        assert option["type"] not in NUMBERS or option["bounds"], option["name"]


@pytest.mark.parametrize("plugin", PLUGINS)
def test_each_option_says_what_holds_where_it_is_absent(tow, plugin):
    """By a default, by being required, or by what it is for; a boolean and a choice have no third state."""
    for option in tow.json("plugins", "show", plugin)["options"]:
        if option["type"] == "boolean" or option["type"].startswith("choice"):
            assert option["required"] or option["default"] is not None, option["name"]


def sources():
    for folder in ("core", "plugins", "connectors"):
        yield from (TOP / folder).rglob("*.c")


def variables():
    """Names of the environment, from the calls of getenv and, where it is called with a variable, from the
    texts of its file that look like such names."""
    looks = r'"([A-Z][A-Z0-9]+_[A-Z0-9_]+|[a-z_]+_proxy|HOME)"'
    found = set()
    for path in sources():
        text = path.read_text()
        for argument in re.findall(r"\bgetenv\(([^)]*)\)", text):
            found |= {argument.strip('"')} if argument.startswith('"') else set(re.findall(looks, text))
    return found - {"TOW_DAEMON_TOKEN"}


def test_each_variable_of_the_environment_is_in_a_manual():
    names = variables()
    assert {"HOME", "TMPDIR", "AWS_REGION", "DATABRICKS_TOKEN", "TOWPATH_STATE", "grpc_proxy", "TZDIR"} <= names
    manual = " ".join(re.findall(r"^\.(?:It )?Ev (.*)$", page("towpath.1") + page("towpath-daemon.8"), re.MULTILINE))
    known = set(re.findall(r"\w+", manual)) | {"TOWPATH_DAEMON_TOKEN"}
    capitals = {name.upper() for name in known if name.endswith("_proxy")}  # the manual says so
    assert names - known - capitals == set()


def test_the_daemons_token_is_in_its_manual():
    name = re.search(r'TOW_DAEMON_TOKEN "(\w+)"', (TOP / "core/console/daemon_options.h").read_text())[1]
    assert f".It Ev {name}" in page("towpath-daemon.8")


def test_each_exit_code_is_in_the_manual():
    codes = dict(re.findall(r"#define TOW_EXIT_(\w+) +(\d+)", (TOP / "core/run/run.h").read_text()))
    assert codes["OK"] == "0" and len(codes) >= 8
    status = page("towpath.1").split(".Sh EXIT STATUS")[1]
    for name, code in codes.items():
        assert re.search(rf"^\.It {code}$", status, re.MULTILINE), name


def test_each_class_of_errors_is_in_the_manual():
    classes = set(re.findall(r"#define TOW_E_([A-Z]+)", (TOP / "core/towpath/error.h").read_text()))
    text = (TOP / "core/kit/error.c").read_text()
    names = dict(re.findall(r'case TOW_E_([A-Z]+):\s+return "(\w+)";', text))
    assert set(names) == classes and len(classes) == 10
    listed = page("towpath.1").split(".Ss Classes of errors")[1].split(".El")[0]
    assert set(re.findall(r"^\.It Cm (\w+)$", listed, re.MULTILINE)) == set(names.values())


def members(value):
    """The names of all members of JSON, but for those of rows, which are the job's."""
    if isinstance(value, list):
        return set().union(*map(members, value))
    if isinstance(value, dict):
        return set(value).union(*(members(one) for name, one in value.items() if name != "row"))
    return set()


JSON = {
    "run": ["jobs/job.cfg"],
    "check": ["jobs"],
    "plan": ["jobs/job.cfg"],
    "schedule": ["jobs"],
    "plugins list": [],
    "plugins show": ["ttd", "--endpoint", "advertiser"],
    "jobs": [],
    "top": [],
    "runs": [],
    "runs show": ["1"],
    "replay": ["1", "--dry-run"],
    "state show": ["job"],
    "keys": [],
    "version": [],
}


@pytest.mark.parametrize("command", JSON)
def test_each_member_of_a_commands_json_is_in_its_help(people, command):
    text = (people.folder / "job.cfg").read_text().replace('"in.csv"', '"../in.csv"')
    people.write("jobs/job.cfg", text.replace("job = {", 'job = { schedule = { every = "15m"; };'))
    people.run("run", "jobs/job.cfg")
    found = members(people.json(*command.split(), *JSON[command]))
    assert found or command == "top"
    assert found - set(re.findall(r"\w+", people.run(*command.split(), "--help").stdout)) == set()


def test_each_key_of_a_job_file_stands_in_its_manual(tow):
    manual = page("towpath-job.5")
    for section in tow.json("keys"):
        for name in [*(key["name"] for key in section["keys"]), *section["others"]]:
            assert re.search(rf"^\.(?:It )?Ic (?:\w+ , )*{name}\b", manual, re.MULTILINE), (section["section"], name)


def test_each_code_of_a_rejected_row_is_documented():
    """Those of the core, and of csv; the pages of other plugins have theirs."""
    routes = re.findall(r'ROUTE_CODE_\w+ +"(\w+)"', (TOP / "core/run/route/name.h").read_text())
    columns = (TOP / "core/columns/message.c").read_text().split("tow_refusal_describe(")[1]
    codes = {*routes, "refused", *re.findall(r'(?:return|:) "(\w+)";', columns)}
    assert len(codes) == 8 and {"required", "out_of_range"} <= codes
    listed = page("towpath-job.5").split(".Ss Codes")[1].split(".Sh FILES")[0]
    known = {word for line in re.findall(r"^\.It Cm (.*)$", listed, re.MULTILINE) for word in line.split(" , ")}
    assert known == codes | {"bad_int32"}
    of_csv = re.findall(r'TOW_CSV_CODE_\w+ +"(\w+)"', (TOP / "plugins/csv/reject.h").read_text())
    assert len(of_csv) >= 6
    for code in of_csv:
        assert f"`{code}`" in page("plugins/csv.md"), code


def made_while_it_runs(tow):
    """Names of the files that a run has made when it has saved a checkpoint, and waits for input."""
    process = tow.start("run", tow.job(source='plugin = "csv"; path = "-";', more='pipeline = { checkpoint = "5ms"; };'))
    before = {tow.folder / "job.cfg"}
    process.stdin.write(b"id\n" + b"1\nx,y\n" * 50_000)
    process.stdin.flush()
    until(lambda: list(tow.folder.rglob("*.ndjson")) and (tow.folder / ".out.ndjson.tmp").exists())
    names = {str(path.relative_to(tow.folder)) for path in set(tow.folder.rglob("*")) - before if path.is_file()}
    process.stdin.close()
    process.wait(60)
    return names


def test_each_file_that_a_run_makes_is_in_the_manual(tow):
    text = page("towpath.1").split(".Sh FILES")[1].split(".Sh EXIT STATUS")[0]
    listed = [name for line in re.findall(r"^\.It Pa (.*)$", text, re.MULTILINE) for name in line.split(" , ")]
    known = [re.sub(r"\b(JOB|RUN|NAME)\b", "[^/]+", name.split("towpath/")[-1].replace(".", "[.]")) for name in listed]
    names = made_while_it_runs(tow)
    assert {".out.ndjson.tmp", ".out.ndjson.lock", "state/state.db", "state/state.rejects/job/1.ndjson"} <= names
    for name in names:
        assert any(re.fullmatch(pattern, name.removeprefix("state/")) for pattern in known), name


def test_each_metric_and_each_member_of_an_answer_is_in_the_daemons_manual():
    manual = page("towpath-daemon.8").split(".Ss Answers")[1].split(".Sh SIGNALS")[0]
    said = set(re.findall(r"\w+", " ".join(re.findall(r"^\.(?:It Li|Li|Pq Li) (.*)$", manual, re.MULTILINE))))
    metrics = set(re.findall(r'"(towpath_\w+)[ "]', (TOP / "core/daemon/metrics.c").read_text()))
    assert len(metrics) >= 25 and metrics - said == set()
    assert {name for name in said if name.startswith("towpath_")} - metrics == set()
    text = (TOP / "core/daemon/api.c").read_text()
    states = re.findall(r'return "([^"]+)";', text.split("api_state(")[1].split("\n}\n")[0])
    listed = re.search(r"^\.Li state\n\.Pq Li (.*) ,$", manual, re.MULTILINE)[1]
    assert sorted(listed.split(" , ")) == sorted(states)
    text += (TOP / "core/console/run_doc.c").read_text()
    members = set(re.findall(r'doc_\w+\([^;]*?"(\w+)"', text))
    assert {"jobs", "last", "file_broken", "pid"} <= members and members - said == set()


README = (TOP / "README.md").read_text()


def test_the_readme_has_each_plugin_and_what_it_guarantees(tow):
    rows = re.findall(r"^\| \[`(\w+)`\]\([^)]+\) \| (.+) \|$", README, re.MULTILINE)
    assert sorted(name for name, _ in rows) == PLUGINS
    for name, text in rows:
        cells = [cell.strip() for cell in text.split("|")]
        assert len(cells) == 4 and cells[0] and cells[1] and re.search(r"\d MiB$|MiB[;,]", cells[3]), name
        once = re.search(r"\*\*(exactly|at least) once\*\*", cells[1])
        assert bool(once) == ("sink" in tow.json("plugins", "show", name)["kinds"] and name != "null"), name


def test_the_readme_links_each_document():
    links = set(re.findall(r"\]\((docs/[^)#]*)", README))
    for path in sorted([*DOCS.glob("*.md"), *DOCS.glob("*.[1-8]"), *DOCS.glob("*.json")]):
        assert f"docs/{path.name}" in links, path.name


def test_a_stranger_finishes_the_readme():
    assert len(README.splitlines()) <= 200


def test_figures_beside_peers_are_those_of_the_bench():
    results = page("bench/results.md")
    rows = re.findall(r"^\| (csv[^|]*) \| ([\d,]+) \| ([^|]+) \|$", README, re.MULTILINE)
    assert len(rows) == 3
    for work, rate, peers in rows:
        table = results.split(f"### {work}\n")[1].split("###")[0]
        assert re.search(rf"^\| towpath \| [^|]+ \| {rate} \|", table, re.MULTILINE), work
        for name, ratio in re.findall(r"([\w.]+) ([\d.]+)", peers):
            assert re.search(rf"^\| {re.escape(name)} \|.*\| {ratio} by CPU,", table, re.MULTILINE), (work, name)


def test_the_figure_beside_the_zerobus_sdk_is_that_of_its_page():
    table = dict(re.findall(r"^\| ([^|]+, from csv) \| [^|]+ \| ([\d.]+) \|$", page("zerobus.md"), re.MULTILINE))
    ours, theirs = float(table["towpath, from csv"]), float(table["SDK for Python 1.10, from csv"])
    assert f"[{theirs / ours:.0f} times less CPU](docs/zerobus.md#speed)" in README
