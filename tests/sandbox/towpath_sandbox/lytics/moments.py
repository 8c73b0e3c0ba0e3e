"""Points in time as the API writes them."""

import re
from datetime import datetime, timedelta, timezone

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse(text: str) -> int:
    """Microseconds since 1970 of an RFC 3339 date-time; digits beyond them are cut."""
    fit = re.fullmatch(
        r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", text
    )
    if fit is None:
        raise ValueError(f"{text!r} is no date-time")
    zone = "+00:00" if fit[4] in "Zz" else fit[4]
    whole = datetime.fromisoformat(f"{fit[1]}T{fit[2]}{zone}")
    return int(whole.timestamp()) * 1_000_000 + int((fit[3] or "0").ljust(9, "0")[:6])


def render(us: int) -> str:
    """RFC 3339, in UTC."""
    seconds, rest = divmod(us, 1_000_000)
    text = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest:06d}Z" if rest else f"{text}Z"


def span(text: str) -> timedelta:
    """A length such as "2h", "7d"."""
    fit = re.fullmatch(r"(\d+)([mhdw])", text)
    if fit is None or int(fit[1]) == 0:
        raise ValueError(f"{text!r} is no length of time such as 2h")
    return timedelta(**{UNITS[fit[2]]: int(fit[1])})


def friendly(text: str, now: int) -> int:
    """Microseconds since 1970: a date-time, a date, "now", "now-7d"."""
    if text == "now":
        return now
    if text.startswith("now-"):
        return now - int(span(text[4:]).total_seconds() * 1_000_000)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return parse(text + "T00:00:00Z")
    return parse(text)
