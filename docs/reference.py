#!/usr/bin/env python3
"""Writes what the reference takes from the tables of the program: docs/plugins.

    reference.py TOWPATH FOLDER

FOLDER is docs, or a copy of it. A page of a plugin is written by hand but for what stands between
the two marks; a plugin without a page gets one. TOWPATH finds its plugins by TOWPATH_PLUGIN_PATH.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

BEGIN = "<!-- From the tables of the plugin, by `make docs-plugins`: -->"
END = "<!-- End of the tables. -->"

# Members of `plugins show --json`, and what they say.
FLAGS = {
    "source_offline": "It knows its columns without the network: `check` and `plan` judge them.",
    "source_remote": "It reads over the network: `plan` shows no rows.",
    "sink_parallel": "Several instances may write at once: `pipeline.workers`.",
    "sink_offline_begin": "It judges columns without the network, in `check`.",
    "sink_defers": "It says later what became of rows, not batch by batch.",
    "sink_final": "A row that it has accepted or rejected is so at the far end for good; no later failure takes that back.",
}


def installed():
    """Names of the plugins that the tree builds to be installed."""
    files = sorted(Path(__file__).resolve().parents[1].glob("plugins/*/Makefile.inc"))
    text = "\n".join(file.read_text() for file in files)
    return sorted(re.findall(r"^plugins_LTLIBRARIES \+= (\w+)\.la$", text, re.MULTILINE))


class Program:
    def __init__(self, path):
        self.path = path

    def json(self, *args):
        done = subprocess.run([self.path, *args, "--json"], stdout=subprocess.PIPE, check=True, timeout=60)
        return json.loads(done.stdout)

    def plugins(self):
        """What `plugins show` says of each that is installed: a build has others, for tests."""
        return [self.json("plugins", "show", name) for name in installed()]

    def columns(self, plugin):
        """The columns that a sink asks for: pairs of the option that decides and a list."""
        if "columns" not in plugin:
            return []
        if plugin["columns"] is not None:
            return [("", plugin["columns"])]
        option = next(one for one in plugin["options"] if one["required"] and choices(one))
        return [
            (
                f'{option["name"]} = "{choice}"',
                self.json("plugins", "show", plugin["name"], f"--{option['name']}", choice)["columns"],
            )
            for choice in choices(option)
        ]


def choices(option):
    kind, _, words = option["type"].partition(": ")
    return words.split("|") if kind == "choice" else []


def cell(text):
    """Text of the program in a table, as it is; what it has in backticks is code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        parts = ["\\`".join(parts)]
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r"([\\*<\[])", r"\\\1", parts[i])
    return "`".join(parts).replace("|", "\\|")


def value(option):
    """The default as a job file says it."""
    text = option["default"]
    if text is None:
        return "*required*" if option["required"] else ""
    if option["type"] in ("integer", "number", "boolean"):
        return f"`{text}`"
    return "`" + json.dumps(text, ensure_ascii=False).replace("|", "\\|") + "`"


def kind(option):
    words = ", ".join(f"`{choice}`" for choice in choices(option))
    text = f"one of {words}" if words else option["type"]
    return text + (", secret" if option["secret"] else "")


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def options(plugin):
    rows = [
        (f"`{one['name']}`", kind(one), value(one), cell(one["bounds"] or ""), cell(one["help"]))
        for one in plugin["options"]
    ]
    return table(("option", "type", "default", "bounds", "what it is"), rows) if rows else ["It has no options."]


def facts(plugin):
    yield f"Kind: {', '.join(plugin['kinds'])}. Version {plugin['version']}."
    for member, text in FLAGS.items():
        if plugin.get(member):
            yield text
    for member, text in (
        ("source_words", "Words that it has for options of sink and results"),
        ("sink_words", "Words that it fills in in its own options"),
    ):
        if plugin.get(member):
            yield text + ": " + ", ".join(f"`{{{word}}}`" for word in plugin[member].split("|")) + "."


def columns(found):
    lines = []
    for title, items in found:
        lines += ["", f"### Columns with `{title}`" if title else "### Columns", ""]
        rows = [
            (
                f"`{one['name']}`",
                cell(one["type"] + (": " + one["shape"] if one["shape"] else "")),
                "yes" if one["required"] else "",
                cell(one["place"]),
            )
            for one in items
        ]
        lines += table(("column", "type", "required", "place at the far end"), rows)
    return lines


def page(plugin, found):
    """What stands between the marks, with them."""
    lines = [BEGIN, "", *(f"- {fact}" for fact in facts(plugin)), "", "## Options", "", *options(plugin)]
    return "\n".join([*lines, *columns(found), "", END])


def put(path, text, title):
    """Writes the part between the marks, and leaves the rest of the page alone."""
    old = path.read_text() if path.exists() else f"# {title}\n\n{BEGIN}\n{END}\n"
    begin, end = old.find(BEGIN), old.find(END)
    if begin < 0 or end < begin:
        sys.exit(f"{path}: the marks are not there: {BEGIN} ... {END}")
    path.write_text(old[:begin] + text + old[end + len(END) :])


def index(plugins):
    rows = [
        (f"[`{one['name']}`]({one['name']}.md)", ", ".join(one["kinds"]), cell(one["summary"])) for one in plugins
    ]
    return "\n".join([BEGIN, "", *table(("plugin", "kind", "what it is"), rows), "", END])


def main(towpath, folder):
    program = Program(towpath)
    plugins = program.plugins()
    to = Path(folder) / "plugins"
    for plugin in plugins:
        put(to / f"{plugin['name']}.md", page(plugin, program.columns(plugin)), plugin["name"])
    put(to / "README.md", index(plugins), "Plugins")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
