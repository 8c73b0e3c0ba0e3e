"""Manual pages of plugins, in mdoc, from the same tables as docs/plugins: reference.py writes them."""

import re

DATE = "November 28, 2026"
WIDTH = 78

# What stands out in a page's own words: references to pages, links, code.
PIECES = re.compile(
    r"\[(towpath[\w-]*)\((\d)\)\]\([^)]*\)|(towpath[\w-]*)\((\d)\)"  # a page, linked or not
    r"|\[[^\]]*\]\(([^)]*)\)|`([^`]*)`"
)


def escape(text):
    return text.replace("\\", "\\e")


def fill(text):
    """Lines that are no longer than mandoc likes, each sentence on its own; none begins like a request."""
    lines = []
    for sentence in re.split(r"(?<=[\w`)\"'][.:;]) +(?=[A-Z`])|(?<=\\fR[.:;]) +(?=[A-Z`])", text.strip()):
        line = ""
        for word in sentence.split():
            if line and len(line) + 1 + len(word) > WIDTH:
                lines.append(line)
                line = ""
            line = f"{line} {word}" if line else word
        lines.append(line)
    return ["\\&" + line if line[:1] in (".", "'") else line for line in lines if line]


def mark(piece):
    linked, its, plain, own, target, code = piece.groups()
    if linked or plain:
        return f"\\fB{linked or plain}\\fR({its or own})"
    if code is not None:
        return f"\\fB{code}\\fR"
    path = re.sub(r"^(\.\./)+", "", target)
    return f"\\fI{path if path.startswith('conf/') else 'docs/' + path}\\fR"


def prose(text):
    """A paragraph."""
    return fill(PIECES.sub(mark, escape(" ".join(text.split()))))


def paragraphs(text):
    lines = []
    for part in re.split(r"\n\s*\n", text.strip()):
        lines += [".Pp", *prose(part)]
    return lines[1:]


def value(option):
    if option["default"] is None:
        return "Required." if option["required"] else ""
    plain = option["type"] in ("integer", "number", "boolean", "size", "duration")
    return f"Default: {option['default']}." if plain else f"Default: \"{option['default']}\"."


def options(plugin):
    if not plugin["options"]:
        return ["It has no options."]
    lines = [".Bl -tag -width Ds"]
    for one in plugin["options"]:
        kind, _, choices = one["type"].partition(": ")
        facts = [f"one of {choices.replace('|', ', ')}" if choices else kind, *(["secret"] if one["secret"] else [])]
        facts += [one["bounds"]] if one["bounds"] else []
        lines += [f".It Ic {one['name']}", *prose(one["help"].rstrip(".") + ".")]
        lines += fill(escape(f"({'; '.join(facts)}) {value(one)}"))
    return [*lines, ".El"]


def columns(found):
    lines = []
    for title, items in found:
        lines += [".Ss Columns" + (f" with {title}".replace('"', "\\(dq") if title else ""), ".Bl -tag -width Ds"]
        for one in items:
            shape = one["type"] + (": " + one["shape"] if one["shape"] else "")
            place = f", goes to {one['place']}" if one["place"] else ""
            lines += [f".It Ic {one['name']}", *fill(escape(f"{shape}{place}{', required' if one['required'] else ''}."))]
        lines.append(".El")
    return lines


def page(plugin, found, facts, words):
    """The page: what docs/plugins says in its own words, then the tables."""
    name = f"towpath-{plugin['name']}"
    lines = [f".Dd {DATE}", f".Dt {name.upper()} 7", ".Os", ".Sh NAME", f".Nm {name}"]
    kinds = ", ".join(plugin["kinds"])
    lines += [f".Nd {escape(f'{kinds} of towpath: ' + plugin['summary'])}", ".Sh DESCRIPTION", *paragraphs(words)]
    for fact in facts:
        lines += [".Pp", *prose(fact)]
    lines += [".Sh OPTIONS", *options(plugin), *columns(found)]
    return "\n".join([*lines, ".Sh SEE ALSO", ".Xr towpath 1 ,", ".Xr towpath-job 5", ""])
