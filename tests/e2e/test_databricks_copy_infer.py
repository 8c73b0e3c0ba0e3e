"""The sink databricks_copy where the table is made anew by each load, with types or with inferred ones."""

from helpers import columns, counts, launch
from sandbox import sandbox, sandbox_process  # noqa: F401
from test_databricks_copy import PEOPLE, TABLE, job, lake, people, rows_of, staged  # noqa: F401

INFER = 'schema = "infer";'
TEXTS = columns('name = "id"; from = "id"', 'name = "name"; from = "name"')


def described(lake):
    return [row[:2] for row in lake.sql(f"DESCRIBE TABLE {TABLE}")]


def submitted(lake, words):
    return [text for text in lake.statements() if text.startswith(words)]


def test_drop_create_makes_the_table_anew(tow, lake):
    lake.sql(f"CREATE TABLE {TABLE} (other BINARY)")
    people(tow, [[1, "Ann"], [2, None]])
    job(tow, 'mode = "drop_create";')
    assert counts(tow.json("run", "job.cfg")) == [2, 2, 0, 0, 0]
    assert described(lake) == [["id", "bigint"], ["name", "string"]]
    people(tow, [[3, ""]])
    tow.run("run", "job.cfg")
    assert rows_of(lake) == [["3", ""]]
    assert staged(lake) == []


def test_an_inferred_table_has_the_types_that_copy_into_finds(tow, lake):
    for mode in ("drop_create", "replace"):
        people(tow, [["007", "Ann"], ["8", None], ["9", 'a "b", c\nd']])
        job(tow, f'mode = "{mode}"; {INFER}', TEXTS)
        tow.run("run", "job.cfg")
        assert described(lake) == [["id", "int"], ["name", "string"]]
        assert rows_of(lake) == [["7", "Ann"], ["8", None], ["9", 'a "b", c\nd']]
    placeholder = submitted(lake, f"CREATE TABLE IF NOT EXISTS `{TABLE.replace('.', '`.`')}`")
    assert placeholder[0].endswith("people`")


def test_types_change_with_what_is_in_the_files(tow, lake):
    for rows, kind in ([[["1", "x"]], "int"], [[["a", "x"]], "string"], [[["2024-01-02", "x"]], "date"]):
        people(tow, rows)
        job(tow, f'mode = "replace"; {INFER}', TEXTS)
        tow.run("run", "job.cfg")
        assert described(lake)[0] == ["id", kind]


def test_a_load_without_rows_leaves_an_empty_typed_table(tow, lake):
    for mode in ("replace", "drop_create"):
        for schema in ("typed", "infer"):
            lake.sql(f"DROP TABLE IF EXISTS {TABLE}")
            people(tow, [])
            job(tow, f'mode = "{mode}"; schema = "{schema}";')
            tow.run("run", "job.cfg")
            assert lake.count(TABLE) == 0
            assert described(lake) == [["id", "bigint"], ["name", "string"]]


def test_names_that_an_inferred_table_cannot_have_are_refused_before_the_run(tow, lake):
    people(tow, [[1, "Ann"]])
    odd = columns('name = "first name"; from = "name"')
    job(tow, f'mode = "replace"; {INFER}', odd)
    said = tow.run("check", "job.cfg", code=2)
    assert "first name" in said.stdout + said.stderr


def test_a_drop_create_that_was_killed_goes_on(tow, lake):
    for point in ("before", "after"):
        for words in ("^DROP TABLE", "^CREATE TABLE", "^COPY INTO"):
            people(tow, [[i, "x"] for i in range(100)])
            job(tow, f'mode = "drop_create"; {INFER}')
            lake.faults([{"do": "hold", "name": "sql", "point": point, "sql": words, "times": 1}])
            process = tow.start("run", "job.cfg")
            lake.hold("sql")
            process.kill()
            process.wait(10)
            lake.release("sql")
            lake.faults([])
            launch(tow, 0, "run", "job.cfg")
            assert lake.count(TABLE) == 100
