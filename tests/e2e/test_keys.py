"""`towpath keys`: what the core itself reads of a job file."""

import re
from pathlib import Path

JOB_PAGE = (Path(__file__).resolve().parents[2] / "docs" / "towpath-job.5").read_text()


def test_keys_shows_each_section_with_defaults_and_bounds(tow):
    sections = {one["section"]: one for one in tow.json("keys")}
    assert set(sections) == {
        "job", "columns", "retry", "pipeline", "rejects", "load", "schedule", "route", "alerts",
    }  # fmt: skip
    assert set(sections) - {"job"} < set(sections["job"]["others"])
    assert [name for name, one in sections.items() if one["list"]] == ["columns", "alerts"]
    assert {key["name"]: (key["default"], key["bounds"]) for key in sections["retry"]["keys"]} == {
        "base": ("500ms", "1ms .. 1h"),
        "cap": ("60s", "1ms .. 1d"),
        "budget": ("20m", "1ms .. 30d"),
        "tries": ("10", "1 .. 1000"),
    }
    text = tow.run("keys").stdout
    assert re.search(r"^retry:\nOPTION +TYPE .*\nbase +duration +\"500ms\" +1ms \.\. 1h ", text, re.MULTILINE)
    assert text.startswith("job:\nname, source, sink, ")


def test_each_key_is_in_the_manual_and_has_help(tow):
    for section in tow.json("keys"):
        for name in section["others"] + [key["name"] for key in section["keys"]]:
            assert re.search(rf"\.(?:It )?Ic (?:\w+ , )*{name}\b", JOB_PAGE), (section["section"], name)
        for key in section["keys"]:
            assert key["help"], (section["section"], key["name"])


def test_a_default_lies_within_its_bounds(tow):
    """A job that says each default aloud is as sound as one that leaves it out."""
    tow.write("in.csv", "a\n1\n")
    for section in tow.json("keys"):
        if section["section"] not in ("retry", "pipeline"):
            continue
        said = "".join(
            f"{key['name']} = " + (key["default"] if key["type"] == "integer" else f'"{key["default"]}"') + "; "
            for key in section["keys"]
        )
        tow.run("check", tow.job(more=f"  {section['section']} = {{ {said}}};"))


def test_output_that_cannot_be_written_is_an_error(tow):
    for more in ([], ["--json"]):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = tow.run("keys", *more, stdout=full, code=3)
        assert "standard output" in done.stderr
