"""CSV by a strict reader, as Go's encoding/csv is one: quotes only around whole fields."""

from collections.abc import Iterator


class BadCsv(Exception):
    """A quote that is never closed: the rest of the input is inside it."""


def records(data: bytes, delimiter: str) -> Iterator[list[str] | str]:
    """Each record's fields, or what is wrong with it. Empty lines are none."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        yield "the body is no UTF-8"
        return
    at, size = 0, len(text)
    while at < size:
        if text[at] == "\n" or text.startswith("\r\n", at):
            at += 1 if text[at] == "\n" else 2
            continue
        at, record = _record(text, at, delimiter)
        yield record


def _record(text: str, at: int, delimiter: str) -> tuple[int, list[str] | str]:
    fields: list[str] = []
    while True:
        if text.startswith('"', at):
            at, field, problem = _quoted(text, at + 1, delimiter)
        else:
            at, field, problem = _bare(text, at, delimiter)
        if problem:
            end = text.find("\n", at)
            return (end + 1 if end >= 0 else len(text)), problem
        fields.append(field)
        if not text.startswith(delimiter, at):
            break
        at += 1
    if text.startswith("\r\n", at):
        at += 2
    elif at < len(text):
        at += 1  # the line feed
    return at, fields


def _bare(text: str, at: int, delimiter: str) -> tuple[int, str, str]:
    end = at
    while end < len(text) and text[end] != delimiter and text[end] != "\n":
        end += 1
    field = text[at:end]
    if field.endswith("\r") and text.startswith("\n", end):
        field = field[:-1]
        end -= 1
    if '"' in field:
        return end, "", "a quote in a field that does not begin with one"
    return end, field, ""


def _quoted(text: str, at: int, delimiter: str) -> tuple[int, str, str]:
    parts: list[str] = []
    while True:
        end = text.find('"', at)
        if end < 0:
            raise BadCsv("a quote is never closed")
        parts.append(text[at:end])
        at = end + 1
        if not text.startswith('"', at):
            break
        parts.append('"')
        at += 1
    if at < len(text) and text[at] not in (delimiter, "\n") and not text.startswith("\r\n", at):
        return at, "", "text behind a closing quote"
    return at, "".join(parts), ""
