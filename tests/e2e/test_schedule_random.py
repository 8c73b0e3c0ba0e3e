"""`towpath schedule` against croniter and Python's zoneinfo: 20,000 random schedules in 40 zones,
2020 to 2035, half of them around a change of their zone's clocks.

What croniter is told, and where it is not followed (docs/schedule.md has the rules):

- A day field that starts with `*` restricts nothing, as cron has it: `implement_cron_bug`.
- A cron of certain hours runs once at a time that comes twice; croniter runs it both times.
- Days that name them all (sun-sat) restrict them, in cron, to one of two kinds of days that are
  each enough; for croniter they are `*`. There are none here.
- A range whose ends are equal (4-4) is that one value; croniter takes all. There is none here.
- croniter has no word for the last day of a short month that stands for day 31 (`frequency`), nor
  for `every`: both are worked out with zoneinfo and the calendar alone.
"""

import calendar
import json
import os
import random
import re
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

if os.environ.get("TOWPATH_SANDBOX") != "required":
    pytest.importorskip("croniter")

from croniter import CroniterBadDateError, croniter  # noqa: E402

# The Python of it is what takes time; with sanitizers a tenth is enough.
SCHEDULES = 2_000 if os.environ.get("SANITIZERS") else 20_000
BATCHES = 200
TIMES = 6
FIRST = datetime(2020, 1, 1, tzinfo=timezone.utc)
LAST = datetime(2035, 12, 1, tzinfo=timezone.utc)

ZONES = """UTC Africa/Cairo Africa/Casablanca Africa/El_Aaiun Africa/Johannesburg Africa/Juba
America/Adak America/Asuncion America/Caracas America/Chicago America/Denver America/Halifax
America/Havana America/Los_Angeles America/Mexico_City America/New_York America/Nuuk
America/Phoenix America/Santiago America/Sao_Paulo America/St_Johns Antarctica/Troll Asia/Amman
Asia/Beirut Asia/Gaza Asia/Jerusalem Asia/Kathmandu Asia/Kolkata Asia/Shanghai Asia/Tehran
Atlantic/Azores Australia/Adelaide Australia/Lord_Howe Australia/Sydney Europe/Berlin
Europe/Dublin Europe/London Pacific/Auckland Pacific/Chatham Pacific/Fiji""".split()

DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
NAMES = {"month": calendar.month_abbr[1:], "weekday": ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]}


# ---- zones -------------------------------------------------------------------------------------


def changes(zone):
    """The instants from FIRST to LAST at which the zone's clocks are set."""
    found = []
    at, step = FIRST, timedelta(days=7)
    while at < LAST:
        early, late = at, at + step
        if early.astimezone(zone).utcoffset() != late.astimezone(zone).utcoffset():
            while late - early > timedelta(seconds=1):
                middle = early + (late - early) // 2
                if middle.astimezone(zone).utcoffset() == early.astimezone(zone).utcoffset():
                    early = middle
                else:
                    late = middle
            found.append(late.replace(microsecond=0))
        at += step
    return found


def exists(local, zone):
    return local.replace(tzinfo=zone).astimezone(timezone.utc).astimezone(zone).replace(
        tzinfo=None, fold=0
    ) == local.replace(fold=0)


def instant(local, zone):
    """When the zone's clocks first show `local`; where they never do, the end of that gap."""
    if exists(local, zone):
        return local.replace(tzinfo=zone, fold=0).astimezone(timezone.utc)
    after = local
    while not exists(after, zone):
        after += timedelta(minutes=15 - after.minute % 15)
    return after.replace(tzinfo=zone, fold=1).astimezone(timezone.utc)


def comes_again(at, zone):
    """1 where the zone's clocks have shown this time before."""
    return at.astimezone(zone).fold


# ---- what is expected --------------------------------------------------------------------------


def every_hour(text):
    hours = croniter.expand(text)[0][1]
    return hours == ["*"] or len(hours) == 24


def cron_times(text, zone, start):
    """As croniter has it, without the times that came before."""
    times = croniter(
        text,
        (start - timedelta(seconds=1)).astimezone(zone),
        implement_cron_bug=True,
    )
    found = []
    while len(found) < TIMES:
        at = times.get_next(datetime).astimezone(timezone.utc)
        if every_hour(text) or not comes_again(at, zone):
            found.append(at)
    return found


def monthly_times(day, minute, zone, start):
    found = []
    first = start.astimezone(zone).replace(tzinfo=None)
    year, month = first.year, first.month
    while len(found) < TIMES:
        last = calendar.monthrange(year, month)[1]
        local = datetime(year, month, min(day, last), minute // 60, minute % 60)
        at = instant(local, zone)
        if at >= start:
            found.append(at)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return found


def every_times(seconds, start):
    first = -(-int(start.timestamp()) // seconds) * seconds
    return [
        datetime.fromtimestamp(first + i * seconds, timezone.utc) for i in range(TIMES)
    ]


# ---- random schedules --------------------------------------------------------------------------


def value(rng, number, names, low):
    if names and rng.random() < 0.4:
        return NAMES[names][number - low]
    return str(number)


def item(rng, low, high, names):
    kind = rng.random()
    if kind < 0.55:
        return value(rng, rng.randint(low, high), names, low)
    if kind < 0.8:
        first, last = rng.sample(range(low, high + 1), 2)
        return f"{value(rng, first, names, low)}-{value(rng, last, names, low)}"
    if kind < 0.92:
        return f"*/{rng.randint(2, (high - low + 1) // 2)}"
    first, second = sorted(rng.sample(range(low, high + 1), 2))
    return f"{first}-{second}/{rng.randint(1, max(1, (second - first) // 2))}"


def field(rng, low, high, star, names=None):
    if rng.random() < star:
        return "*"
    return ",".join(item(rng, low, high, names) for _ in range(rng.choice([1, 1, 1, 2, 3])))


def random_cron(rng):
    if rng.random() < 0.03:
        return rng.choice(["@hourly", "@daily", "@weekly", "@monthly", "@yearly"])
    days = field(rng, 1, 31, 0.7)
    if rng.random() < 0.08:
        days = rng.choice(["L", "L,15", "1,L"])
    return " ".join(
        [
            field(rng, 0, 59, 0.1),
            field(rng, 0, 23, 0.25) if rng.random() < 0.6 else str(rng.randint(0, 4)),
            days,
            field(rng, 1, 12, 0.85, "month"),
            field(rng, 0, 6, 0.7, "weekday"),
        ]
    )


def clock(rng, minute):
    hour, rest = divmod(minute, 60)
    if rng.random() < 0.5:
        return f"{hour:02}:{rest:02}"
    return f"{hour % 12 or 12}:{rest:02}{'am' if hour < 12 else 'pm'}"


def random_frequency(rng, zone, start):
    """A section, and its times."""
    minute = rng.randint(0, 299) if rng.random() < 0.7 else rng.randint(0, 1439)
    kind = rng.choice(["hourly", "daily", "weekly", "monthly"])
    text, cron = f'frequency = "{kind}"; ', f"{minute % 60} {minute // 60} * * *"
    if kind == "hourly":
        return text + f'at = ":{minute % 60:02}";', cron_times(f"{minute % 60} * * * *", zone, start)
    text += f'at = "{clock(rng, minute)}"; '
    if kind == "weekly":
        day = rng.randint(0, 6)
        text += f'day_of_week = "{DAYS[day][: rng.choice([3, 20])]}";'
        cron = f"{minute % 60} {minute // 60} * * {(day + 1) % 7}"
    if kind == "monthly":
        day = rng.choice([1, 15, 28, 29, 30, 31, rng.randint(1, 31)])
        return text + f"day_of_month = {day};", monthly_times(day, minute, zone, start)
    return text, cron_times(cron, zone, start)


WORDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}


def is_apart(cron):
    """Days that never come, or that croniter reads as `*` though they do not start with it."""
    fields = cron.split()
    try:
        croniter(cron, FIRST).get_next()
    except CroniterBadDateError:
        return True
    read = croniter.expand(cron)[0]
    return any(
        read[i] == ["*"] and not fields[i].startswith("*") for i in (2, 4) if len(fields) == 5
    )


def random_schedule(rng, zone, start):
    kind = rng.random()
    if kind < 0.1:
        seconds = rng.choice([1, 60, 300, 900, 3600, 86400, rng.randint(1, 100_000)])
        return f'every = "{seconds}s";', every_times(seconds, start)
    if kind < 0.35:
        return random_frequency(rng, zone, start)
    cron = random_cron(rng)
    while is_apart(cron):
        cron = random_cron(rng)
    return f'cron = "{cron}";', cron_times(WORDS.get(cron, cron), zone, start)


def random_start(rng, zone_changes):
    if zone_changes and rng.random() < 0.8:
        return rng.choice(zone_changes) - timedelta(minutes=rng.randint(0, 3 * 1440))
    span = int((LAST - FIRST).total_seconds())
    return FIRST + timedelta(seconds=rng.randint(0, span))


# ---- the test ----------------------------------------------------------------------------------


def job_text(name, section, zone):
    zoned = "" if section.startswith("every") else f' timezone = "{zone}";'
    return (
        f'version = 1; job = {{ name = "{name}"; source = {{ plugin = "csv"; path = "in.csv"; }}; '
        f'sink = {{ plugin = "file"; path = "out"; }}; schedule = {{ {section}{zoned} }}; }};\n'
    )


def stamp(text):
    return datetime.fromisoformat(re.sub("Z$", "+00:00", text))


@pytest.fixture(scope="module")
def zones():
    return {name: (ZoneInfo(name), changes(ZoneInfo(name))) for name in ZONES}


@pytest.mark.parametrize("part", range(4))
def test_next_times_are_those_of_croniter_and_zoneinfo(tow, zones, part):
    rng = random.Random(4711 + part)
    for batch in range(BATCHES // 4):
        own = ZONES[(batch * 4 + part) % len(ZONES)]
        start = random_start(rng, zones[own][1])
        wanted = {}
        for number in range(SCHEDULES // BATCHES):
            name = own if number % 2 else rng.choice(ZONES)
            section, times = random_schedule(rng, zones[name][0], start)
            tow.write(f"j{number}.cfg", job_text(f"j{number}", section, name))
            wanted[f"j{number}"] = (section, name, times)
        jobs = tow.run(
            "schedule", *(f"{job}.cfg" for job in wanted), "--json", "-n", TIMES,
            "--from", start.isoformat(),
        )
        for job in json.loads(jobs.stdout):
            section, name, times = wanted[job["job"]]
            found = [stamp(time["utc"]) for time in job["times"]]
            assert found == times, (section, name, start.isoformat())
            zone = zones[name][0] if "timezone" in job and not section.startswith("every") else timezone.utc
            local = [stamp(time["local"]) for time in job["times"]]
            assert local == found
            assert [at.utcoffset() for at in local] == [at.astimezone(zone).utcoffset() for at in found]
