"""`towpath plan` and `towpath init`."""

import json
import re

import pytest

# ---- plan ----------------------------------------------------------------------------------------


def test_a_plan_shows_everything_and_writes_nothing(people):
    before = sorted(people.folder.rglob("*"))
    text = people.run("plan", "job.cfg").stdout
    for part in (
        "source: csv",
        "sink: file",
        f'"{people.folder}/in.csv"',
        "(default)",
        "incoming columns:",
        "outgoing columns:",
        "no checkpoint",
        "10 tries within 20m",
        '{"id":1,"name":"Ann","age":30}',
        "in.csv:3 bad_int32 ",
        "in.csv:5 required ",
    ):
        assert part in text, part
    assert sorted(people.folder.rglob("*")) == before


def test_a_plan_as_json(people):
    plan = people.json("plan", "job.cfg")
    assert plan["job"] == "job" and plan["source"]["plugin"] == "csv"
    assert [column["type"] for column in plan["incoming"]] == ["string"] * 3
    assert [column["type"] for column in plan["outgoing"]] == ["int64", "string", "int32"]
    assert plan["columns"][1] == {
        "name": "name",
        "type": "string",
        "from": "name",
        "value": None,
        "steps": "required",
    }
    assert [row["row"]["id"] for row in plan["rows"] if "row" in row] == [1, 3, 5]
    rejected = [row["rejected"] for row in plan["rows"] if "rejected" in row]
    assert [row["line"] for row in rejected] == [3, 5]
    assert plan["state"] is None and plan["rejects"] == {"max": None, "max_percent": None}
    options = {option["name"]: option for option in plan["sink"]["options"]}
    assert options["path"]["default"] is False and options["format"]["default"] is True


def test_a_plan_shows_as_many_rows_as_asked_for(people):
    assert len(people.json("plan", "job.cfg", "--rows", "2")["rows"]) == 2
    assert people.json("plan", "job.cfg", "--rows", "0")["rows"] is None
    assert "first rows" not in people.run("plan", "job.cfg", "--rows", "0").stdout


def test_a_plan_says_where_the_job_stands(people):
    people.run("run", "job.cfg")
    assert people.json("plan", "job.cfg")["state"]["run"] == 1
    assert "run 1 was complete" in people.run("plan", "job.cfg").stdout


def test_a_plan_does_not_read_standard_input(tow):
    tow.job(source='plugin = "csv"; path = "-";')
    plan = json.loads(tow.run("plan", "job.cfg", "--json", stdin="a\n1\n").stdout)
    assert plan["incoming"] is None and plan["rows"] is None


def test_a_plan_of_a_wrong_job_exits_2(people):
    people.job(more='  columns = ( { name = "id"; from = "nope"; } );')
    done = people.run("plan", "job.cfg", code=2)
    assert '"nope"' in done.stderr and done.stdout == ""


def test_a_plan_takes_values_from_the_command_line(people):
    plan = people.json("plan", "job.cfg", "--set", "sink.format=csv", "--set", "retry.tries=3")
    options = {option["name"]: option["value"] for option in plan["sink"]["options"]}
    assert options["format"] == '"csv"' and plan["retry"]["tries"] == 3


def test_steps_of_a_column_are_in_order(people):
    people.job(
        more='  columns = ( { name = "n"; from = "name"; null_if = ("x", ""); trim = true;\n'
        '    lower = true; default = "none"; hash = "sha256"; required = true; } );'
    )
    steps = people.json("plan", "job.cfg")["columns"][0]["steps"]
    assert steps == 'null if "x", null if "", trim, lower, default "none", hash sha256, required'


# ---- init ----------------------------------------------------------------------------------------


def test_a_new_job_explains_every_option(tow):
    text = tow.run("init", "csv", "file").stdout
    for plugin in ("csv", "file"):
        for option in tow.json("plugins", "show", plugin)["options"]:
            assert f" {option['name']} = " in text
            assert option["help"] in text
    assert 'name = "csv_to_file";' in text and 'path = "CHANGE_ME";' in text


def test_a_new_job_passes_check_once_its_placeholders_are_real(tow):
    tow.write("in.csv", "a\n1\n")
    text = tow.run("init", "csv", "file").stdout
    text = text.replace('"CHANGE_ME"', '"in.csv"', 1).replace('"CHANGE_ME"', '"out.csv"', 1)
    tow.write("new.cfg", text)
    assert tow.run("check", "new.cfg").stderr == ""


def test_commented_defaults_are_what_check_accepts(tow):
    """Each option that stands there with a default may be made active as it is."""
    tow.write("in.csv", "a\n1\n")
    lines = []
    unset = False
    for line in tow.run("init", "csv", "file").stdout.splitlines():
        stripped = line.strip()
        if stripped.startswith("# (") and stripped.endswith(")"):
            unset = "unset by default" in stripped
        elif stripped.startswith("# ") and stripped.endswith(";") and line.startswith("    #"):
            if " = " in stripped and not unset and "connection" not in stripped:
                line = line.replace("# ", "", 1)
        lines.append(line)
    text = "\n".join(lines)
    text = text.replace('"CHANGE_ME"', '"in.csv"', 1).replace('"CHANGE_ME"', '"out.csv"', 1)
    tow.write("all.cfg", text)
    tow.run("check", "all.cfg")


def test_sections_of_the_core_show_the_defaults_that_hold(tow):
    text = tow.run("init", "csv", "file").stdout
    for section in tow.json("keys"):
        if section["section"] in ("retry", "pipeline"):
            shown = re.search(rf"^  # {section['section']} = \{{\n((?:  #   .*\n)*)  # \}};$", text, re.M)[1]
            defaults = {key["name"]: key["default"] for key in section["keys"]}
            assert dict(re.findall(r"(\w+) = \"?([^\";]+)", shown)) == defaults
            body = re.sub(r"^  # ", "", shown, flags=re.M)
            tow.write("in.csv", "a\n1\n")
            tow.run("check", tow.job(more=f"  {section['section']} = {{\n{body}  }};"))


def test_columns_are_guessed_from_a_file(tow):
    tow.write(
        "people.csv",
        "id,zip,price,vip,born,seen,local,note,empty\n"
        "1,00123,1.5,true,2001-02-03,2024-05-01T10:00:00Z,2024-05-01 10:00:00,a,\n"
        "2,45678,2,no,1999-12-31,2024-05-02T10:00:00+02:00,2024-05-01T10:00:01,,\n"
        "-3,00001,1e3,yes,2010-01-01,2024-05-03T10:00:00Z,2024-05-01T10:00:02,c,\n",
    )
    tow.run("init", "csv", "file", "--from", "people.csv", "--name", "people", "-o", "people.cfg")
    text = (tow.folder / "people.cfg").read_text()
    assert 'path = "people.csv";' in text and 'name = "people";' in text
    types = {}
    for line in text.splitlines():
        if line.startswith("    { name = "):
            parts = line.split('"')
            types[parts[1]] = (parts[5], "required = true" in line)
    assert types == {
        "id": ("int64", True),
        "zip": ("string", True),
        "price": ("float64", True),
        "vip": ("bool", True),
        "born": ("date", True),
        "seen": ("timestamp", True),
        "local": ("timestamp_ntz", True),
        "note": ("string", False),
        "empty": ("string", False),
    }
    tow.write("people.cfg", text.replace("CHANGE_ME", "out.ndjson"))
    tow.run("check", "people.cfg")
    assert tow.json("run", "people.cfg")["rows"]["accepted"] == 3
    assert tow.rows()[0]["zip"] == "00123"


def test_odd_column_names_survive(tow):
    tow.write("odd.csv", '"a ""b""","c\\d","${x}","e\tf"\n1,2,3,4\n')
    text = tow.run("init", "csv", "file", "--from", "odd.csv").stdout
    tow.write("odd.cfg", text.replace("CHANGE_ME", "out.ndjson"))
    tow.run("check", "odd.cfg")
    tow.run("run", "odd.cfg")
    assert tow.rows() == [{'a "b"': 1, "c\\d": 2, "${x}": 3, "e\tf": 4}]


def test_a_file_without_rows_gives_strings(tow):
    tow.write("none.csv", "a,b\n")
    text = tow.run("init", "csv", "file", "--from", "none.csv").stdout
    assert '{ name = "a"; from = "a"; type = "string"; },' in text


@pytest.mark.parametrize("delimiter, written", [(";", ";"), ("\t", "\\t"), ("|", "|")])
def test_the_delimiter_is_found_out(tow, delimiter, written):
    tow.write("in.csv", f"id{delimiter}price\n1{delimiter}1,5\n2{delimiter}x\n")
    text = tow.run("init", "csv", "file", "--from", "in.csv").stdout
    assert re.findall(r"^    (#? ?)delimiter = (.*);$", text, re.M) == [("", f'"{written}"'), ("# ", '"..."')]
    tow.write("job.cfg", text.replace("CHANGE_ME", "out.ndjson"))
    tow.run("run", "job.cfg")
    assert tow.rows() == [{"id": 1, "price": "1,5"}, {"id": 2, "price": "x"}]


def test_a_table_of_one_column_keeps_its_delimiter(tow):
    tow.write("in.csv", "a|b\n1\n2\n")
    text = tow.run("init", "csv", "file", "--from", "in.csv").stdout
    assert '    # delimiter = ",";' in text and 'name = "a|b"' in text


def test_rows_that_cannot_be_read_are_counted(tow):
    tow.write("in.csv", "a,b\n1,2\n1,2,3\n")
    text = tow.run("init", "csv", "file", "--from", "in.csv").stdout
    assert "guessed from the first 1 row; beside them, 1 could not be read." in text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_a_file_in_utf_16_is_told(tow, encoding):
    mark = "" if encoding == "utf-16" else "\ufeff"
    (tow.folder / "in.csv").write_bytes(f"{mark}id,name\n1,Ann\n".encode(encoding))
    assert "looks like UTF-16; iconv -f" in tow.run("init", "csv", "file", "--from", "in.csv", code=3).stderr


def test_a_file_is_found_from_where_the_job_lies(tow):
    tow.write("in.csv", "a\n1\n")
    (tow.folder / "jobs").mkdir()
    tow.run("init", "csv", "file", "--from", "in.csv", "-o", "jobs/new.cfg")
    assert f'path = "{tow.folder}/in.csv";' in (tow.folder / "jobs/new.cfg").read_text()


def test_nothing_is_overwritten(tow):
    tow.write("mine.cfg", "precious")
    assert "File exists" in tow.run("init", "csv", "file", "-o", "mine.cfg", code=2).stderr
    assert (tow.folder / "mine.cfg").read_text() == "precious"


def test_wrong_plugins_and_files_are_refused(tow):
    assert 'plugin "file" is no source' in tow.run("init", "file", "file", code=2).stderr
    assert 'plugin "csv" is no sink' in tow.run("init", "csv", "csv", code=2).stderr
    assert "No such file" in tow.run("init", "csv", "file", "--from", "x.csv", code=2).stderr
    tow.run("init", "csv", code=2)
