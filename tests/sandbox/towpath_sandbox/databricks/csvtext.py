"""CSV as Spark reads it, with the harm that its defaults do: what COPY INTO makes of a file.

Spark reads CSV by the univocity parser. Where it matters, it does this:
- multiLine=false cuts the file into lines first, also inside quotes; blank ones fall out.
- Without lineSep, multiLine=true looks at the first line end in the file and turns each one like it
  into LF, also inside quotes; with lineSep nothing is touched.
- An unquoted empty field is NULL; a quoted empty one is emptyValue; then whatever equals nullValue,
  quoted or not, is NULL.
- A quoted field ends with a quote before separator, line end or blanks. A quote before anything else
  makes the field unquoted in hindsight: its text goes up to the next separator, quotes and all.
- A record with more or fewer fields than there are columns is malformed, which `mode` is about.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from towpath_sandbox.databricks.errors import SqlError

Row = list[str | None]
MAX_COLUMNS = 20480


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise SqlError("COPY_INTO_SYNTAX_ERROR", f"'{text}' is no boolean.")
    return text.lower() == "true"


def _char(text: str) -> str:
    if text in ("", "\0", "\\0", "\\u0000", "u0000"):
        return ""
    if len(text) != 1:
        raise SqlError("COPY_INTO_SYNTAX_ERROR", f"'{text}' cannot be more than one character.")
    return text


def _mode(text: str) -> str:
    """Spark takes what it does not know for PERMISSIVE."""
    return text.upper() if text.upper() in ("DROPMALFORMED", "FAILFAST") else "PERMISSIVE"


@dataclass(frozen=True)
class Options:
    """FORMAT_OPTIONS of CSV with their defaults on Databricks."""

    sep: str = ","
    quote: str = '"'
    escape: str = "\\"
    char_to_escape: str | None = field(default=None, metadata={"name": "charToEscapeQuoteEscaping"})
    comment: str = ""
    header: bool = False
    skip_rows: int = field(default=0, metadata={"name": "skipRows"})
    multi_line: bool = field(default=False, metadata={"name": "multiLine"})
    line_sep: str = field(default="", metadata={"name": "lineSep"})
    null_value: str = field(default="", metadata={"name": "nullValue"})
    empty_value: str = field(default="", metadata={"name": "emptyValue"})
    mode: str = "PERMISSIVE"
    leading: bool = field(default=False, metadata={"name": "ignoreLeadingWhiteSpace"})
    trailing: bool = field(default=False, metadata={"name": "ignoreTrailingWhiteSpace"})
    encoding: str = "UTF-8"
    unescaped: str = field(default="STOP_AT_DELIMITER", metadata={"name": "unescapedQuoteHandling"})

    @property
    def escape_of_escape(self) -> str:
        """What makes an escape literal: the escape itself, unless it is the quote."""
        if self.char_to_escape is not None:
            return self.char_to_escape
        return "" if self.escape == self.quote else self.escape


READERS: dict[str, Callable[[str], Any]] = {
    "quote": _char, "escape": _char, "char_to_escape": _char, "comment": _char, "header": _flag, "skip_rows": int,
    "multi_line": _flag, "mode": _mode, "leading": _flag, "trailing": _flag, "unescaped": str.upper,
}  # fmt: skip
ALIASES = {"delimiter": "sep", "charset": "encoding"}


def options_of(given: dict[str, str]) -> Options:
    """The options of this module among those of a statement, whose names are in any case."""
    names = {item.metadata.get("name", item.name).lower(): item.name for item in fields(Options)}
    values: dict[str, Any] = {}
    for key, text in given.items():
        name = names.get(ALIASES.get(key.lower(), key.lower()))
        if name is not None:
            values[name] = READERS.get(name, str)(text)
    options = Options(**values)
    if options.unescaped not in ("STOP_AT_DELIMITER", "RAISE_ERROR"):
        raise SqlError("UNSUPPORTED_FEATURE", f"unescapedQuoteHandling {options.unescaped} in the sandbox")
    if len(options.line_sep) > 2:
        raise SqlError("COPY_INTO_SYNTAX_ERROR", "'lineSep' can contain only 1 character.")
    return options


def decode(data: bytes, encoding: str) -> str:
    """Text of a file; what is no text becomes U+FFFD, and a byte order mark falls out."""
    text = data.decode(encoding.replace("-", "_"), "replace")
    return text.removeprefix("\ufeff")


# -- records ---------------------------------------------------------------------------------------


class Malformed(Exception):
    """A record that cannot be read."""


class _Reader:
    """Records of a text whose lines end with LF."""

    def __init__(self, options: Options) -> None:
        self._text = ""
        self._options = options
        quote, escape = re.escape(options.quote), re.escape(options.escape)
        self._plain = re.compile(f"[^{re.escape(options.sep[0])}\n]*")
        self._inside = re.compile(f"[^{quote}{escape}]*" if quote + escape else ".*")

    def records(self, text: str) -> Iterator[Row]:
        self._text = text
        at, size, options = 0, len(text), self._options
        while at < size:
            if self._text[at] == "\n":
                at += 1
            elif options.comment and self._text[at] == options.comment:
                end = self._text.find("\n", at)
                at = size if end < 0 else end + 1
            else:
                row, at = self._record(at)
                yield row

    def _record(self, at: int) -> tuple[Row, int]:
        row: Row = []
        sep = self._options.sep
        while True:
            value, at = self._field(at)
            row.append(value)
            if len(row) > MAX_COLUMNS:
                raise SqlError("MALFORMED_CSV_RECORD", f"more than {MAX_COLUMNS} columns")
            if not self._text.startswith(sep, at):
                return row, at + 1
            at += len(sep)

    def _field(self, at: int) -> tuple[str | None, int]:
        options, text = self._options, self._text
        if options.leading:
            while (
                at < len(text)
                and text[at] <= " "
                and text[at] != "\n"
                and not text.startswith(options.sep, at)
            ):
                at += 1
        if options.quote and text.startswith(options.quote, at):
            return self._quoted(at)
        end = self._unquoted_end(at)
        value = text[at:end]
        if options.trailing:
            value = value.rstrip("".join(map(chr, range(33))))
        return value or None, end

    def _unquoted_end(self, at: int) -> int:
        sep = self._options.sep
        while True:
            end = self._plain.match(self._text, at).end()  # type: ignore[union-attr]
            if end == len(self._text) or self._text[end] == "\n" or self._text.startswith(sep, end):
                return end
            at = end + 1  # the first character of a longer separator

    def _quoted(self, start: int) -> tuple[str, int]:
        """A field that begins with a quote."""
        text, quote = self._text, self._options.quote
        value: list[str] = []
        at = start + 1
        while True:
            end = self._inside.match(text, at).end()  # type: ignore[union-attr]
            value.append(text[at:end])
            at = end
            if at == len(text):
                return "".join(value), at  # the file, or the line, ends inside of quotes
            if text[at] != quote:
                at = self._escaped(at, value)
                continue
            run = self._run(at, quote)
            if self._options.escape == quote:
                value.append(quote * (run // 2))
                at += run
                if run % 2 == 0:
                    continue
            else:
                value.append(quote * (run - 1))
                at += run
            return self._closed(start, at, value)

    def _run(self, at: int, char: str) -> int:
        end = at
        while end < len(self._text) and self._text[end] == char:
            end += 1
        return end - at

    def _escaped(self, at: int, value: list[str]) -> int:
        """An escape character inside of quotes, which is not the quote."""
        following = self._text[at + 1 : at + 2]
        if (
            following == self._options.quote
            or following
            and self._text[at] == self._options.escape_of_escape == following
        ):
            value.append(following)
        else:
            value.append(self._text[at])
            return at + 1
        return at + 2

    def _closed(self, start: int, at: int, value: list[str]) -> tuple[str, int]:
        """Behind a quote that may be the closing one."""
        text, sep = self._text, self._options.sep
        end = at
        while end < len(text) and text[end] <= " " and text[end] != "\n" and not text.startswith(sep, end):
            end += 1
        done = "".join(value)
        if end == len(text) or text[end] == "\n" or text.startswith(sep, end):
            return done or self._options.empty_value, end
        if self._options.unescaped == "RAISE_ERROR":
            raise Malformed(text[start : self._unquoted_end(end)])
        stop = self._unquoted_end(at)
        return text[start] + done + text[start] + text[at:stop], stop


def _lines(text: str, options: Options) -> list[str]:
    """Lines as Spark cuts them where multiLine is off: blank ones and comments fall out."""
    found = text.split(options.line_sep) if options.line_sep else re.split(r"\r\n|\n|\r", text)
    comment = options.comment
    return [line for line in found if line.strip() and not (comment and line.startswith(comment))]


def _normalized(text: str, options: Options) -> str:
    """With LF for line ends, as multiLine has them."""
    if options.line_sep:
        return text if options.line_sep == "\n" else text.replace(options.line_sep, "\n")
    first = re.search(r"\r\n|\r|\n", text)
    return text.replace(first[0], "\n") if first and first[0] != "\n" else text


def records(text: str, options: Options) -> Iterator[Row | Malformed]:
    """All records of a file, each with as many fields as it has; None is an empty unquoted field."""
    if options.skip_rows:
        text = _without_lines(text, options)
    reader = _Reader(options)
    if options.multi_line:
        try:
            yield from reader.records(_normalized(text, options))
        except Malformed as error:
            yield error
        return
    for line in _lines(text, options):
        try:
            # A line is a text of its own: a line end in it, which lineSep left there, ends nothing.
            yield from reader.records(line) if "\n" not in line else _marked(reader, line)
        except Malformed as error:
            yield error


def _marked(reader: _Reader, line: str) -> Iterator[Row]:
    mark = "\ue000"
    for row in reader.records(line.replace("\n", mark)):
        yield [cell and cell.replace(mark, "\n") for cell in row]


def _without_lines(text: str, options: Options) -> str:
    ends = [match.end() for match in re.finditer(re.escape(options.line_sep) or r"\r\n|\n|\r", text)]
    count = options.skip_rows
    return text[ends[count - 1] :] if count <= len(ends) else ""
