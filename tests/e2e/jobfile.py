"""A job file as JSON has it, and the part of JSON Schema that docs/job.schema.json is written in."""

import re

TOKEN = re.compile(
    r"""\s+ | \#[^\n]* | //[^\n]* | /\*.*?\*/
    | (?P<string>"(?:[^"\\]|\\.)*")
    | @include\s+"(?P<include>[^"]*)"
    | (?P<number>[-+]?(?:0[xX][0-9a-fA-F]+|[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?|[0-9]+\.)L{0,2})(?![A-Za-z])
    | (?P<word>[A-Za-z*][A-Za-z0-9_*-]*)
    | (?P<mark>[{}()\[\]=:;,])""",
    re.VERBOSE | re.DOTALL,
)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", '"': '"', "\\": "\\"}


def tokens(path):
    text, at = path.read_text(), 0
    while at < len(text):
        found = TOKEN.match(text, at)
        assert found, f"{path}: {text[at : at + 40]!r}"
        at = found.end()
        if found["include"] is not None:
            yield from tokens(path.parent / found["include"])
        elif found.lastgroup:
            yield found.lastgroup, found[found.lastgroup]


def unquote(text):
    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)", lambda m: ESCAPES.get(m[1]) or chr(int(m[1][1:], 16)), text[1:-1])


def scalar(kind, text):
    if kind == "string":
        return unquote(text)
    if kind == "number":
        text = text.rstrip("L")
        return int(text, 0) if re.fullmatch(r"[-+]?(0[xX][0-9a-fA-F]+|0|[1-9][0-9]*)", text) else float(text)
    assert text.lower() in ("true", "false"), text
    return text.lower() == "true"


def value(items):
    kind, text = items.pop(0)
    if text == "{" and kind == "mark":
        return members(items, "}")
    if kind == "mark":
        end, found = {"(": ")", "[": "]"}[text], []
        while items[0] != ("mark", end):
            found.append(value(items))
            if items[0] == ("mark", ","):
                items.pop(0)
        items.pop(0)
        return found
    found = scalar(kind, text)
    while kind == "string" and items and items[0][0] == "string":
        found += unquote(items.pop(0)[1])
    return found


def members(items, end):
    found = {}
    while items and items[0] != ("mark", end):
        kind, name = items.pop(0)
        assert kind == "word" and items.pop(0)[1] in "=:", name
        found[name] = value(items)
        if items and items[0] in (("mark", ";"), ("mark", ",")):
            items.pop(0)
    if end:
        items.pop(0)
    return found


def read(path):
    return members(list(tokens(path)), "")


TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
}


class Schema:
    """Judges values; a keyword that it does not know fails, since it would be passed over."""

    def __init__(self, root):
        self.root = root

    def faults(self, value, schema=None, at=""):
        """What is wrong, as texts; none where the value is valid."""
        schema = self.root if schema is None else schema
        for word, said in schema.items():
            if word not in ("$schema", "$defs", "title", "description", "then"):
                yield from getattr(self, "on_" + word.strip("$").lower())(value, said, at, schema)

    def holds(self, value, schema):
        return not any(self.faults(value, schema))

    def on_ref(self, value, said, at, _):
        yield from self.faults(value, self.root["$defs"][said.removeprefix("#/$defs/")], at)

    def on_type(self, value, said, at, _):
        names = [said] if isinstance(said, str) else said
        if not any(TYPES[name](value) for name in names):
            yield f"{at}: {value!r} is no {' or '.join(names)}"

    def on_enum(self, value, said, at, _):
        if value not in said:
            yield f"{at}: {value!r} is none of {said}"

    def on_const(self, value, said, at, _):
        if value != said:
            yield f"{at}: {value!r} is not {said!r}"

    def on_pattern(self, value, said, at, _):
        if isinstance(value, str) and not re.search(said, value):
            yield f"{at}: {value!r} is not like {said}"

    def on_minlength(self, value, said, at, _):
        if isinstance(value, str) and len(value) < said:
            yield f"{at}: {value!r} is too short"

    def on_minimum(self, value, said, at, _):
        if TYPES["number"](value) and value < said:
            yield f"{at}: {value} is less than {said}"

    def on_maximum(self, value, said, at, _):
        if TYPES["number"](value) and value > said:
            yield f"{at}: {value} is more than {said}"

    def on_required(self, value, said, at, _):
        for name in said if isinstance(value, dict) else ():
            if name not in value:
                yield f"{at}: {name} is missing"

    def on_properties(self, value, said, at, _):
        for name in value if isinstance(value, dict) else ():
            if name in said:
                yield from self.faults(value[name], said[name], f"{at}.{name}")

    def on_additionalproperties(self, value, said, at, schema):
        for name in value if isinstance(value, dict) else ():
            if name not in schema.get("properties", {}) and said is False:
                yield f"{at}: {name} is not known"
            elif name not in schema.get("properties", {}) and said is not True:
                yield from self.faults(value[name], said, f"{at}.{name}")

    def on_items(self, value, said, at, _):
        for i, item in enumerate(value if isinstance(value, list) else ()):
            yield from self.faults(item, said, f"{at}[{i}]")

    def on_allof(self, value, said, at, _):
        for schema in said:
            yield from self.faults(value, schema, at)

    def on_anyof(self, value, said, at, _):
        if not any(self.holds(value, schema) for schema in said):
            yield f"{at}: {value!r} fits none of {said}"

    def on_not(self, value, said, at, _):
        if self.holds(value, said):
            yield f"{at}: {value!r} fits {said}"

    def on_if(self, value, said, at, schema):
        if self.holds(value, said):
            yield from self.faults(value, schema["then"], at)
