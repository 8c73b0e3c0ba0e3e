#!/usr/bin/env python3
"""Writes what the reference takes from the tables of the program: docs/plugins, docs/man7, docs/job.schema.json.

    reference.py TOWPATH FOLDER

FOLDER is docs, or a copy of it. A page of a plugin is written by hand but for what stands between
the two marks; a plugin without a page gets one. TOWPATH finds its plugins by TOWPATH_PLUGIN_PATH.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import reference_man

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
    """Names of the plugins that the tree has; at least one."""
    files = sorted(Path(__file__).resolve().parents[1].glob("plugins/*/Makefile.inc"))
    text = "\n".join(file.read_text() for file in files)
    names = re.findall(r"^EXTRA_LTLIBRARIES \+= (\w+)\.la$", text, re.MULTILINE)
    return sorted(names) or sys.exit("no plugin in plugins/*/Makefile.inc")


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


# ---- the JSON Schema of a job file ---------------------------------------------------------------

# What ${env:NAME} and ${file:path} make of a value is not known before the job is read.
VARIABLE = {"type": "string", "pattern": r"\$\{"}
PLAIN = {"type": ["string", "number", "boolean"]}
STRINGS = {"type": ["string", "array"], "items": {"type": "string"}}
SIZE = {
    "type": ["string", "integer"],
    "minimum": 0,
    "pattern": r"^[0-9]+(\.[0-9]+)? *(([KMGTkmgt][Ii]?)?[Bb])? *$",
}
DURATION = {"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)? *([DHMSdhms]|[Mm][Ss]) *)+$"}
SHAPES = {
    "string": {"type": "string"},
    "path": {"type": "string"},
    "strings": STRINGS,
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "size": SIZE,
    "duration": DURATION,
}


def bounds(option):
    """Those that JSON can say: of numbers."""
    if option["type"] not in ("integer", "number") or not option["bounds"]:
        return {}
    text = option["bounds"]
    least = re.match(r"(?:at least )?(-?\d+)", text)
    most = re.search(r"(?:\.\. |at most )(-?\d+)$", text)
    return {
        **({"minimum": int(least[1])} if least else {}),
        **({"maximum": int(most[1])} if most else {}),
    }


def shape(option):
    """An option as a property."""
    words = choices(option)
    takes = {"enum": words} if words else {**SHAPES[option["type"]], **bounds(option)}
    said = [option["help"]]
    said += [f"Bounds: {option['bounds']}."] if option["bounds"] else []
    said += [f"Default: {option['default']}."] if option["default"] is not None else []
    said += ["Secret: use ${env:NAME} or ${file:path}."] if option["secret"] else []
    about = {"description": ". ".join(text.rstrip(".") for text in said) + "."}
    if option["type"] in ("string", "path", "strings"):
        return {**about, **takes}
    return {**about, "anyOf": [takes, VARIABLE]}


def group(options, others=None):
    required = [one["name"] for one in options if one["required"]]
    return {
        "type": "object",
        "properties": {**{one["name"]: shape(one) for one in options}, **(others or {})},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def sections(program):
    """The core's own, by name."""
    found = {one["section"]: one for one in program.json("keys")}
    others = {
        "columns": {"default": PLAIN, "value": PLAIN, "null_if": {"type": [*PLAIN["type"], "array"], "items": PLAIN}}
    }
    made = {}
    for name, one in found.items():
        if set(others.get(name, {})) != set(one["others"]) and name != "job":
            sys.exit(f"{name}: no shape is known for one of its keys: {', '.join(one['others'])}")
        made[name] = group(one["keys"], others.get(name))
        if one["list"]:
            made[name] = {"type": "array", "items": made[name]}
    made["route"]["additionalProperties"] = True  # options of the sink
    return made, found["job"]["others"]


def definitions(plugins):
    """Of each plugin: its options, and which of them must be there where no connection has them."""
    found = {}
    for plugin in plugins:
        found["options-" + plugin["name"]] = {
            "properties": {
                "plugin": {"const": plugin["name"]},
                "connection": {"type": "string"},
                **{one["name"]: shape(one) for one in plugin["options"]},
            },
            "additionalProperties": False,
        }
        required = [one["name"] for one in plugin["options"] if one["required"]]
        found["needs-" + plugin["name"]] = {"anyOf": [{"required": ["connection"]}, {"required": required}]}
    return found


def section(plugins, kind, parts):
    """A group that names a plugin; of one that is not installed, nothing is known."""
    others = [one["name"] for one in plugins if kind not in one["kinds"]]
    chosen = [
        {
            "if": {"properties": {"plugin": {"const": one["name"]}}},
            "then": {"allOf": [{"$ref": f"#/$defs/{part}-{one['name']}"} for part in parts]},
        }
        for one in plugins
        if kind in one["kinds"]
    ]
    return {
        "type": "object",
        "properties": {"plugin": {"type": "string", "minLength": 1, "not": {"enum": others}}},
        "required": ["plugin"],
        "allOf": chosen,
    }


def schema(program, plugins):
    own, names = sections(program)
    full = {"$ref": "#/$defs/sink"}
    plain = {"$ref": "#/$defs/sink-options"}
    properties = {
        "name": {"type": "string", "pattern": "^([A-Za-z0-9][A-Za-z0-9_.-]{0,63}$|.*\\$\\{)"},
        "source": {"$ref": "#/$defs/source"},
        "sink": plain,
        "results": full,
        "history": full,
        "transforms": {"type": "array", "items": {"type": "object", "required": ["plugin"]}},
        "allow_programs": {"type": "boolean"},
        **{name: one for name, one in own.items() if name != "job"},
    }
    if set(properties) != set(names):
        sys.exit(f"job: no shape is known for one of its keys: {', '.join(names)}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A job file of towpath, as JSON",
        "description": "For editors that map libconfig to JSON, includes read. towpath check knows more.",
        "type": "object",
        "properties": {
            "version": {"const": 1},
            "connections": {"type": "object", "additionalProperties": {"type": "object", "not": {"required": ["plugin"]}}},
            "job": {
                "type": "object",
                "properties": {name: properties[name] for name in names},
                "required": ["name", "source", "sink"],
                "additionalProperties": False,
                # Options of the sink may stand in the route.
                "if": {"not": {"required": ["route"]}},
                "then": {"properties": {"sink": full}},
            },
        },
        "required": ["version", "job"],
        "additionalProperties": False,
        "$defs": {
            "source": section(plugins, "source", ("options", "needs")),
            "sink": section(plugins, "sink", ("options", "needs")),
            "sink-options": section(plugins, "sink", ("options",)),
            **definitions(plugins),
        },
    }


def main(towpath, folder):
    program = Program(towpath)
    plugins = program.plugins()
    to, manual = Path(folder) / "plugins", Path(folder) / "man7"
    for plugin in plugins:
        path, found = to / f"{plugin['name']}.md", program.columns(plugin)
        put(path, page(plugin, found), plugin["name"])
        words = path.read_text().split("\n", 1)[1].split(BEGIN)[0]
        text = reference_man.page(plugin, found, list(facts(plugin)), words)
        (manual / f"towpath-{plugin['name']}.7").write_text(text)
    put(to / "README.md", index(plugins), "Plugins")
    text = json.dumps(schema(program, plugins), indent=1, ensure_ascii=False)
    (Path(folder) / "job.schema.json").write_text(text + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
