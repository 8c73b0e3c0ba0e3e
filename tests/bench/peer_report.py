"""What the bench found, as a table (results.md), a plot (results.svg) and all figures (results.json)."""

import json
from html import escape
from math import log10
from statistics import median

NAMES = {"duckdb": "DuckDB", "polars": "Polars", "pyarrow": "pyarrow.csv", "python": "Python's csv", "miller": "Miller",
         "dlt": "dlt", "sling": "sling"}  # fmt: skip
BARS = {"MB/s": ("{:,.0f} MB/s", 1e-6), "rows/s": ("{:.1f} million rows/s", 1e-6), "rss": ("{:.1f} MiB", 1)}


def of(runs, figure):
    return median(run[figure] for run in runs)


def ratio(pairs, figure):
    """How many times the first of two the second takes."""
    return median(b[figure] / a[figure] for a, b in pairs)


def reached(work, bar):
    """The figure that a bar is about; None where it was not measured."""
    if bar["figure"] == "rss":
        return of(work["runs"], "rss")
    if bar["figure"] in BARS:
        return work["bytes" if bar["figure"] == "MB/s" else "rows"] / of(work["runs"], "cpu")
    peer = work["peers"].get(bar["figure"])
    return peer and ratio(peer["pairs"], "cpu")


def said(figure, value):
    form, scale = BARS.get(figure, ("{:.1f} times " + NAMES.get(figure, figure), 1))
    return form.format(value * scale)


def judged(results):
    """(work, bar, figure, met) of every bar, as text."""
    for work in results["works"]:
        for bar in work["bars"]:
            value = reached(work, bar)
            limit = f"{'at most' if bar['most'] else 'at least'} {said(bar['figure'], bar['limit'])}"
            yield work["title"], limit, *verdict(bar, value)
    if "cores" in results:
        value = ratio(results["cores"]["pairs"], "wall")
        yield "csv to csv.gz, narrow, two cores", "at least 1.8 times one", f"{1 / value:.2f}", 1 / value >= 1.8
    for title, sizes in results.get("memory", {}).items():
        (_, small), (size, large) = sizes
        yield (
            f"memory of {title}", f"10 MB and {size / 1e9:.1f} GB within 10%", f"{small:.1f} and {large:.1f} MiB",
            abs(large / small - 1) <= 0.1,
        )  # fmt: skip
    for name, limit in (("towpath version", 5), ("towpath run, 100 rows", 30)):
        if "startup" in results:
            took = results["startup"][name]["wall"] * 1e3
            yield name, f"under {limit} ms", f"{took:.1f} ms", took < limit


def verdict(bar, value):
    if value is None:
        return "not measured", None
    return said(bar["figure"], value), value <= bar["limit"] if bar["most"] else value >= bar["limit"]


def work_lines(work):
    rate = "| towpath | {:,.0f} | {:,.0f} | {:.2f} | {:.2f} | {:.0f} | | {} |"
    runs, size, rows = work["runs"], work["bytes"], work["rows"]
    yield rate.format(
        size / of(runs, "wall") / 1e6, size / of(runs, "cpu") / 1e6, rows / of(runs, "wall") / 1e6,
        rows / of(runs, "cpu") / 1e6, of(runs, "rss"), f"{size / 1e6:,.0f}",
    )  # fmt: skip
    for name, peer in work["peers"].items():
        theirs, size, rows = [b for _, b in peer["pairs"]], peer["bytes"], peer["rows"]
        yield (
            f"| {NAMES[name]} | {size / of(theirs, 'wall') / 1e6:,.0f} | {size / of(theirs, 'cpu') / 1e6:,.0f}"
            f" | {rows / of(theirs, 'wall') / 1e6:.2f} | {rows / of(theirs, 'cpu') / 1e6:.2f} | {of(theirs, 'rss'):,.0f}"
            f" | {ratio(peer['pairs'], 'cpu'):.1f} by CPU, {ratio(peer['pairs'], 'wall'):.1f} by the clock | {size / 1e6:,.0f} |"
        )


def head(results):
    machine = results["machine"]
    yield "# towpath and its peers on the same work"
    yield ""
    yield "Written by `make bench`; README.md beside this file says how it is measured."
    yield ""
    yield f"- Machine: {machine['cores']} virtual cores of {machine['cpu']}; {machine['memory']} of memory; Linux {machine['kernel']}."
    yield (
        f"  Others used it at the same time (load up to {results['load']:.1f} in a minute): figures by the clock suffer from it"
        " more than those of CPU time."
    )
    yield f"- {machine['towpath']}, built with {machine['compiler']}."
    here = [version for version in results["peers"].values() if version]
    missing = [NAMES[name] for name, version in results["peers"].items() if not version]
    yield f"- Peers: {', '.join(here) or 'none'}." + (f" Not there: {', '.join(missing)}." if missing else "")
    yield f"- Inputs of {results['size'] / 1e6:,.0f} MB, smaller ones for slow peers; {results['pairs']} pairs of runs; medians."
    if "control" in results:
        pairs = results["control"]
        each = sorted(b["cpu"] / a["cpu"] for a, b in pairs)
        clock = sorted(b["wall"] / a["wall"] for a, b in pairs)
        yield (
            f"- Control, towpath beside itself: ratio {median(each):.2f} by CPU time ({each[0]:.2f} to {each[-1]:.2f}), "
            f"{median(clock):.2f} by the clock ({clock[0]:.2f} to {clock[-1]:.2f})."
        )


def table(results):
    yield from head(results)
    yield from ("", "![times of peers](results.svg)", "", "## Bars", "", "| work | bar | measured | |", "|---|---|---|---|")
    for title, limit, value, met in judged(results):
        yield f"| {title} | {limit} | {value} | {'' if met is None else 'met' if met else '**missed**'} |"
    yield from ("", "## Figures", "")
    yield "MB are of plain input. A ratio is the peer's time by towpath's, each pair of runs for itself, on the same file."
    for work in results["works"]:
        yield from ("", f"### {work['title']}", "")
        yield "| | MB/s | MB a CPU second | million rows/s | million rows a CPU second | peak MiB | times towpath's time | MB of input |"
        yield "|---|---|---|---|---|---|---|---|"
        yield from work_lines(work)
    if "startup" in results:
        yield from ("", "### Start-up", "", "| | ms | peak MiB |", "|---|---|---|")
        for name, took in results["startup"].items():
            yield f"| {name} | {took['wall'] * 1e3:.1f} | {took['rss']:.0f} |"
    if results.get("profiles"):
        yield from ("", "### Where towpath's time goes", "", "Percent of samples, by perf, one run each.", "")
        names = list(next(iter(results["profiles"].values())))
        yield f"| | {' | '.join(names)} |"
        yield "|---" * (len(names) + 1) + "|"
        for title, shares in results["profiles"].items():
            yield f"| {title} | {' | '.join(f'{share:.0f}' if share >= 0.5 else '' for share in shares.values())} |"
    if "memory" in results:
        yield from ("", "### Memory", "", "| | input | peak MiB |", "|---|---|---|")
        for title, sizes in results["memory"].items():
            for size, rss in sizes:
                yield f"| {title} | {size / 1e6:,.0f} MB | {rss:.1f} |"


def plot(results):
    """Bars on a logarithmic scale: how many times towpath's CPU time a peer takes; a tick where the bar is."""
    lines = []
    for work in results["works"]:
        limits = {bar["figure"]: bar["limit"] for bar in work["bars"]}
        for name, peer in work["peers"].items():
            lines.append((work["title"], NAMES[name], ratio(peer["pairs"], "cpu"), limits.get(name)))
    height, left, width, row = 60 + 22 * len(lines), 330, 560, 22
    top = max([10, *(value for _, _, value, _ in lines)])
    decades = len(str(int(top)))

    def x_of(value):
        return left + width * log10(value) / decades

    yield f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 70}" height="{height}" font-family="sans-serif" font-size="12">'
    yield '<rect width="100%" height="100%" fill="white"/>'
    yield f'<text x="{left}" y="18">CPU time, in times of towpath\'s (logarithmic); the tick is what was asked for</text>'
    for power in range(decades + 1):
        x = x_of(10**power)
        yield f'<line x1="{x:.0f}" y1="28" x2="{x:.0f}" y2="{height - 26}" stroke="#ccc"/>'
        yield f'<text x="{x:.0f}" y="{height - 10}" text-anchor="middle">{10**power}</text>'
    for i, (title, name, value, limit) in enumerate(lines):
        y = 34 + i * row
        yield f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{escape(title)}: {escape(name)}</text>'
        yield f'<rect x="{left}" y="{y}" width="{max(x_of(value) - left, 1):.0f}" height="15" fill="#2a6f97"/>'
        yield f'<text x="{max(x_of(value), left) + 5:.0f}" y="{y + 12}">{value:.1f}</text>'
        if limit:
            x = x_of(limit)
            yield f'<line x1="{x:.0f}" y1="{y - 3}" x2="{x:.0f}" y2="{y + 18}" stroke="#d00000" stroke-width="3"/>'
    yield "</svg>"


def report(results, folder):
    for name, text in (
        ("results.md", "\n".join(table(results))),
        ("results.svg", "\n".join(plot(results))),
        ("results.json", json.dumps(results, indent=1)),
    ):
        (folder / name).write_text(text + "\n", encoding="utf-8")
