"""The tables of docs/reliability.md."""

import json

import pytest
import report

LINE = {"campaign": "crash", "runs": 5, "kills": 3, "faults": 0, "rows": 1000, "lost": 0, "doubled": 0, "unclear": 0, "hangs": 0}
PAGE = "before\n<!-- crash: by report.py -->\n\nold\n\n<!-- end of crash -->\nafter\n"


def write(folder, lines, page=PAGE):
    (folder / "results").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "page").write_text(page)
    report.main(folder / "results", folder / "page")
    return (folder / "page").read_text()


def test_lines_of_a_path_are_summed_up_and_the_longest_is_kept(tmp_path):
    lines = [{**LINE, "path": "a", "longest_s": longest} for longest in (0.5, 2.25, 1.0)]
    text = write(tmp_path, [*lines, {**LINE, "path": "b", "longest_s": 1.0, "lost": 1}])
    assert "| a | 15 | 9 | 0 | 3,000 | 0 | 0 | 0 | 0 | 2.2 |" in text
    assert "| **all** | 20 | 12 | 0 | 4,000 | 1 | 0 | 0 | 0 | 2.2 |" in text
    assert text.startswith("before\n") and text.endswith("<!-- end of crash -->\nafter\n") and "old" not in text


def test_a_table_of_a_campaign_that_was_not_run_stays(tmp_path):
    fuzz = {"campaign": "fuzz", "target": "csv", "cpu_seconds": 90.0, "executions": 5, "edges": 7, "crashes": 0}
    page = PAGE + "<!-- fuzz: -->\n<!-- end of fuzz -->\n"
    text = write(tmp_path, [fuzz], page)
    assert "old" in text and "| csv | 1.5 | 5 | 7 | 0 |" in text


def test_a_page_without_a_place_for_it_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="no place for campaign crash"):
        write(tmp_path, [{**LINE, "path": "a", "longest_s": 1.0}], "nothing\n")


def test_the_page_of_the_docs_has_a_place_for_each_campaign():
    text = report.PAGE.read_text()
    for campaign in report.COLUMNS:
        assert f"<!-- {campaign}:" in text and f"<!-- end of {campaign} -->" in text
