"""Lays the pages of the site out for the generator: README.md, docs, and what these link to.

Pages keep their places in the tree, so that their links stay true; README.md becomes index.md. A manual page, a
source file and a folder that somebody links to become pages of their own. Nothing but mandoc is needed, and without
it manual pages appear as their source.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

# How a newcomer reads: caption, and pages with their titles in the list ("" for the page's own).
CONTENTS = [
    (
        "Jobs",
        {
            "docs/first-job.md": "",
            "docs/towpath-job.5": "The job file",
            "docs/towpath.1": "Commands",
            "docs/plugins/README.md": "Plugins, option by option",
            "conf": "Example jobs",
        },
    ),
    (
        "Sources and sinks",
        {
            "docs/databricks.md": "",
            "docs/databricks-copy.md": "",
            "docs/zerobus.md": "",
            "docs/events.md": "",
            "docs/lytics.md": "",
            "docs/ttd.md": "",
        },
    ),
    (
        "In production",
        {
            "docs/schedule.md": "",
            "docs/towpath-daemon.8": "The daemon",
            "docs/operate.md": "",
            "docs/security.md": "",
            "docs/reliability.md": "",
            "docs/network.md": "",
        },
    ),
    (
        "Plugins of your own",
        {
            "docs/plugin-guide.md": "",
            "docs/abi.md": "",
            "docs/job.schema.json": "Job files as JSON Schema",
        },
    ),
    (
        "How it works",
        {
            "docs/design.md": "",
            "docs/hacking.md": "",
            "docs/bench/results.md": "",
            "docs/bench/README.md": "How it is measured",
            "CHANGELOG.md": "",
        },
    ),
]

CODE = re.compile(r"(^ *```.*?^ *```$|(`+)(?:(?!\2)[^`]|`)*?\2)", re.MULTILINE | re.DOTALL)
TARGET = re.compile(r"(?<=\]\()([^)\s#]+)(#[^)\s]*)?(?=\))")
LEXERS = {".h": "c", ".rs": "rust", ".sh": "sh", ".c": "c", ".cpp": "cpp", ".cfg": "cfg", ".json": "json", ".py": "python"}
PICTURES = (".svg", ".png")


def map_links(text, change):
    """The text with `change` of each link's target, but for what is code."""
    # Text, code, its ticks, text, ...
    parts = CODE.split(text)
    return "".join(
        TARGET.sub(lambda found: change(found[1]) + (found[2] or ""), part) if i % 3 == 0 else part
        for i, part in enumerate(parts)
        if i % 3 != 2
    )


def fence(text, lexer):
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{ticks}{lexer}\n{text.rstrip()}\n{ticks}\n"


def manual(path):
    """A manual page under a title: mandoc's HTML, its headings as the site's, its references as links to sisters."""
    done = subprocess.run(["mandoc", "-Thtml", "-Ofragment", path], stdout=subprocess.PIPE, check=True, timeout=60, text=True)
    html = re.sub(r'<table class="(?:head|foot)">.*?</table>|</?section[^>]*>', "", done.stdout, flags=re.DOTALL)

    def refer(found):
        sister = path.with_name(f"{found[1]}.{found[2]}")
        name = f"{found[1]}({found[2]})"
        return f'<a class="Xr" href="{sister.name}.html">{name}</a>' if sister.exists() else name

    html = re.sub(r'<a class="Xr">([\w-]+)\((\d)\)</a>', refer, html)
    parts = re.split(r'<h([12]) class="S[hs]" id="([^"]*)">.*?>([^<]+)</a></h[12]>', html, flags=re.DOTALL)
    text = raw(parts[0])
    for level, name, title, body in zip(*(parts[i::4] for i in range(1, 5))):
        text += f"\n{'#' * (int(level) + 1)} {' '.join(title.split())}\n\n" + raw(f'<a id="{name}"></a>{body}')
    return text


def raw(html):
    return f'```{{raw}} html\n<div class="manual">\n{html}\n</div>\n```\n'


class Stage:
    """The pages on their way into a folder. A page is known by its place in the tree."""

    def __init__(self, source, folder):
        self.source, self.folder = source.resolve(), folder
        self.done = set()

    def name(self, path):
        """Where the page of a path lies."""
        place = path.relative_to(self.source)
        if place == Path("README.md"):
            return "index.md"
        if path.is_dir():
            return f"{place}/index.md"
        return str(place) if place.suffix in (".md", *PICTURES) else f"{place}.md"

    def write(self, path, text):
        to = self.folder / self.name(path)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(text)

    def link(self, page, target):
        """A link as the site has it; what it leads to becomes a page, too."""
        if "://" in target:
            return target
        path = (page.parent / target).resolve()
        self.add(path)
        here = Path(self.name(page)).parent
        return os.path.relpath(self.name(path), here)

    def add(self, path):
        if path in self.done:
            return
        self.done.add(path)
        place = path.relative_to(self.source)
        if path.is_dir():
            inside = [one for one in sorted(path.iterdir()) if not one.name.startswith((".", "Makefile", "__"))]
            links = "".join(f"- [{one.name}]({self.link(path / 'index.md', one.name)})\n" for one in inside)
            self.write(path, f"# {place}\n\n{links}")
        elif path.suffix == ".md":
            text = map_links(path.read_text(), lambda target: self.link(path, target))
            self.write(path, text + (contents(self) if self.name(path) == "index.md" else ""))
        elif path.suffix in PICTURES:
            (self.folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, self.folder / place)
        elif re.fullmatch(r"\.[1-8]", path.suffix):
            body = manual(path) if shutil.which("mandoc") else fence(path.read_text(), "text")
            self.write(path, f"# {path.stem}({path.suffix[1]})\n\n{body}")
        else:
            self.write(path, f"# {place}\n\n{fence(path.read_text(), LEXERS.get(path.suffix, 'text'))}")


def contents(stage):
    """The lists of pages for the side of the site."""
    text = ""
    for caption, pages in CONTENTS:
        lines = []
        for place, title in pages.items():
            path = stage.source / place
            if path.exists():
                stage.add(path)
                name = stage.name(path).removesuffix(".md")
                lines.append(f"{title} <{name}>" if title else name)
        text += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(lines) + "\n```\n"
    return text


def stage(source, folder):
    """Makes the folder anew; the places of all pages."""
    shutil.rmtree(folder, ignore_errors=True)
    made = Stage(source, folder)
    made.add(made.source / "README.md")
    for path in sorted((made.source / "docs").rglob("*.md")):
        made.add(path)
    listed = {made.name(made.source / place) for _, pages in CONTENTS for place in pages if (made.source / place).exists()}
    for path in made.done:
        name = made.name(path)
        if name.endswith(".md") and name not in listed | {"index.md"}:
            page = folder / name
            page.write_text(f"---\norphan: true\n---\n\n{page.read_text()}")
    return sorted(made.name(path) for path in made.done)
