"""CSV as COPY INTO reads it, by itself: what each option does, and what the defaults do to data."""

import random

import pytest
from sandbox import need_modules

need_modules()

from towpath_sandbox.databricks import csvtable, csvtext  # noqa: E402
from towpath_sandbox.databricks.errors import SqlError  # noqa: E402

# What loses nothing; the rest of this page is what happens without.
LOSSLESS = {
    "escape": '"',
    "multiLine": "true",
    "lineSep": "\n",
    "nullValue": "~N~",
    "mode": "FAILFAST",
}


def rows(text, given=None, slow=False, **more):
    """Rows of cells, by the options of a statement; slow: without pyarrow's help."""
    options = csvtext.options_of({**(given or {}), **more})
    data = text if isinstance(text, bytes) else text.encode()
    fast = csvtable._fast
    if slow:
        csvtable._fast = lambda *args: None
    try:
        table = csvtable.read(data, options)
    finally:
        csvtable._fast = fast
    return [list(row) for row in zip(*(column.to_pylist() for column in table.columns))]


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize(
    "text, cell",
    [
        ('"a""b"', 'a"b'),
        ('"C:\\"', "C:\\"),
        ('"a,b"', "a,b"),
        ('"a\nb"', "a\nb"),
        ('"a\r\nb\r"', "a\r\nb\r"),
        ('""', ""),
        ('""""', '"'),
        ("~N~", None),
        ('"~N~"', None),
        ('" a "', " a "),
        ("a b ", "a b "),
        ('"\U0001f600\x01"', "\U0001f600\x01"),
        ('"null"', "null"),
        ('"\\N"', "\\N"),
    ],
)
def test_the_lossless_options_lose_nothing(text, cell, slow):
    assert rows(f"{text},x\n", LOSSLESS, slow) == [[cell, "x"]]


def test_an_unquoted_empty_field_is_null_and_a_quoted_one_is_not():
    assert rows(',"",x\n', LOSSLESS) == [[None, "", "x"]]


def test_by_default_a_quoted_empty_field_is_null_too():
    assert rows(',"",x\n') == [[None, None, "x"]]


def test_by_default_a_backslash_escapes_the_closing_quote():
    assert rows('"C:\\",b\n') == [['C:",b']]


def test_by_default_a_doubled_quote_unquotes_the_field():
    assert rows('"a""b,c",d\n') == [['"a""b', 'c"', "d"]]


def test_by_default_a_doubled_quote_at_the_end_is_one():
    assert rows('"a"",b\n') == [['a"', "b"]]


def test_a_backslash_escapes_itself_by_default():
    assert rows('"C:\\\\",b\n') == [["C:\\", "b"]]
    assert rows('"a\\"b","\\n"\n') == [['a"b', "\\n"]]


def test_by_default_a_line_end_in_quotes_splits_the_record():
    assert rows('x,y,z\n1,"a\nb",2\n')[1:] == [["1", "a", None], ['b"', "2", None]]


def test_failfast_refuses_what_permissive_splits():
    with pytest.raises(SqlError, match="MALFORMED_RECORD_IN_PARSING"):
        rows('x,y,z\n1,"a\nb",2\n', mode="FAILFAST")


def test_dropmalformed_drops_records_of_another_width():
    assert rows("1,2\n3\n4,5\n6,7,8\n", mode="DROPMALFORMED") == [["1", "2"], ["4", "5"]]


def test_permissive_fills_short_records_and_cuts_long_ones():
    assert rows("1,2\n3\n6,7,8\n") == [["1", "2"], ["3", None], ["6", "7"]]


def test_multiline_without_linesep_turns_crlf_into_lf_inside_quotes():
    text = '1,"a\r\nb"\r\n2,x\r\n'
    assert rows(text, multiLine="true", escape='"') == [["1", "a\nb"], ["2", "x"]]
    assert rows(text, LOSSLESS) == [["1", "a\r\nb"], ["2", "x\r"]]


def test_blank_lines_fall_out():
    assert rows("1\n\n2\n   \n3\n") == [["1"], ["2"], ["3"]]
    assert rows("1\n\n2\n", LOSSLESS) == [["1"], ["2"]]


def test_any_line_end_ends_a_line_unless_linesep_says_which():
    assert rows("a\rb\r\nc\n") == [["a"], ["b"], ["c"]]
    assert rows("a\rb\r\nc\n", lineSep="\n") == [["a\rb\r"], ["c"]]
    assert rows("a;b;c", lineSep=";") == [["a"], ["b"], ["c"]]


def test_text_behind_a_closing_quote_makes_the_field_raw():
    assert rows('"a"b,c\n', LOSSLESS) == [['"a"b', "c"]]
    assert rows('"a" ,c\n', LOSSLESS) == [["a", "c"]]


def test_a_quote_inside_of_an_unquoted_field_is_a_letter():
    assert rows('a"b"c,d\n', LOSSLESS) == [['a"b"c', "d"]]


def test_an_open_quote_takes_the_rest():
    assert rows('1,"abc\n2,x\n', multiLine="true", escape='"') == [["1", "abc\n2,x\n"]]


def test_unescaped_quotes_can_be_an_error():
    with pytest.raises(SqlError, match="MALFORMED_RECORD"):
        rows('"a"b,c\n', LOSSLESS, unescapedQuoteHandling="RAISE_ERROR")


def test_a_header_names_the_columns_and_is_no_row():
    table = csvtable.read(b"id,,ID\n1,2,3\n", csvtext.options_of({"header": "true"}))
    assert table.names == ["id0", "_c1", "ID2"]
    assert table.rows == 1


def test_rows_to_skip_comments_and_blanks_around():
    assert rows("x\ny\n1, a \n#no\n2,b\n", skipRows="2", comment="#") == [["1", " a "], ["2", "b"]]
    assert rows("1, a \n", ignoreLeadingWhiteSpace="true", ignoreTrailingWhiteSpace="true") == [["1", "a"]]


def test_separators_of_several_characters_and_tabs():
    assert rows("a||b|c||d\n", sep="||") == [["a", "b|c", "d"]]
    assert rows("a\tb,c\n", delimiter="\t") == [["a", "b,c"]]


def test_bytes_that_are_no_text_become_replacement_characters():
    assert rows(b"a\xff\xfe,b\n") == [["a��", "b"]]


def test_a_byte_order_mark_falls_out():
    assert rows(b"\xef\xbb\xbfa,b\n", LOSSLESS) == [["a", "b"]]


def test_a_statement_that_uses_not_all_columns_does_not_see_ragged_records():
    options = csvtext.options_of({"mode": "FAILFAST"})
    table = csvtable.read(b"1,2,3\n4,5\n", options, wanted=["_c0"])
    assert table.columns[0].to_pylist() == ["1", "4"]
    with pytest.raises(SqlError):
        csvtable.read(b"1,2,3\n4,5\n", options, wanted=["_c0", "_c1", "_c2"])


@pytest.mark.parametrize("given", [{"escape": "ab"}, {"header": "yes"}, {"lineSep": "abc"}])
def test_options_that_cannot_be_are_refused(given):
    with pytest.raises(SqlError):
        csvtext.options_of(given)


@pytest.mark.parametrize("seed", range(300))
def test_the_fast_way_reads_what_the_slow_way_reads(seed):
    chance = random.Random(seed)
    alphabet = ["a", "b", '"', '""', ",", "\n", "\r", " ", "\\", "~N~", "é", '"",', '","']
    text = "".join(chance.choice(alphabet) for _ in range(chance.randrange(1, 25)))
    given = dict(LOSSLESS, mode="PERMISSIVE")
    if chance.random() < 0.3:
        given.pop("lineSep")
    assert rows(text, given) == rows(text, given, slow=True), repr(text)


@pytest.mark.parametrize("seed", range(100))
def test_what_a_careful_writer_writes_comes_back(seed):
    chance = random.Random(seed)
    alphabet = 'ab",\n\r \\~N\x01\x7f\U0001f600'
    table = [
        [
            chance.choice([None, "", "".join(chance.choice(alphabet) for _ in range(chance.randrange(12)))])
            for _ in range(3)
        ]
        for _ in range(chance.randrange(1, 8))
    ]
    text = "".join(
        ",".join("~N~" if c is None else '"' + c.replace('"', '""') + '"' for c in row) + "\n"
        for row in table
    )
    expected = [[None if c == "~N~" else c for c in row] for row in table]
    assert rows(text, LOSSLESS) == rows(text, LOSSLESS, slow=True) == expected
