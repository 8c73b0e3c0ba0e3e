"""Every link of every Markdown page leads somewhere: files, folders, headings. What lies on other machines is not asked."""

import re
from urllib.parse import unquote, urlsplit

import pytest
from snippets import MANUAL, PLUGIN_PAGES, SOURCE

ROOTS = ["docs", "tests", "conf", "packaging", "core", "plugins", "connectors"]
PAGES = [*sorted(SOURCE.glob("*.md")), *sorted(path for root in ROOTS for path in (SOURCE / root).rglob("*.md"))]
LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]*)\)")


def prose(page):
    """A page without its code, in which brackets are no links."""
    text = re.sub(r"^ *```.*\n(?:.*\n)*?^ *```$", "", page.read_text(), flags=re.M)
    return re.sub(r"(`+)(?:(?!\1)[^`]|`)*?\1", "`code`", text)


def anchors(page):
    """What the headings of a page are called, as forges and the site have it."""
    found, text = [], re.sub(r"^ *```.*\n(?:.*\n)*?^ *```$", "", page.read_text(), flags=re.M)
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", text, re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        count = sum(1 for one in found if one == slug or re.fullmatch(rf"{re.escape(slug)}-\d+", one))
        found.append(f"{slug}-{count}" if count else slug)
    return found


def fault(page, link):
    """What is wrong with a link, or None."""
    parts = urlsplit(link)
    if parts.scheme:
        return None if parts.scheme == "https" and parts.netloc else "not https"
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.exists():
        return "there is no such file"
    if SOURCE.resolve() not in [target, *target.parents]:
        return "it leads out of the tree"
    if parts.fragment and (target.suffix != ".md" or parts.fragment not in anchors(target)):
        return "there is no such heading"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(SOURCE)))
def test_links_of_a_page_lead_somewhere(page):
    wrong = {link: why for link in LINK.findall(prose(page)) if (why := fault(page, link))}
    assert wrong == {}


def test_pages_have_links_at_all():
    assert sum(len(LINK.findall(prose(page))) for page in PAGES) > 120


@pytest.mark.parametrize(
    "link, why",
    {
        "nosuch.md": "there is no such file",
        "docs/lytics.md#nosuch": "there is no such heading",
        "#nosuch": "there is no such heading",
        "docs/towpath.1#name": "there is no such heading",
        "../": "it leads out of the tree",
        "http://towpath.example/": "not https",
        "docs/lytics.md#export-audience-changes": None,
        "docs/ttd.md#where-it-differs-from-the-sdk": None,
        "conf/lytics": None,
    }.items(),
)
def test_a_link_that_leads_nowhere_is_found(link, why):
    assert fault(SOURCE / "README.md", link) == why


@pytest.mark.parametrize("page", MANUAL + PLUGIN_PAGES, ids=lambda page: page.name)
def test_manual_pages_refer_to_pages_that_are_there(page):
    ours = {path.name for path in MANUAL + PLUGIN_PAGES}
    for name, section in re.findall(r"^\.Xr (\S+) (\d)", page.read_text(), re.M):
        assert not name.startswith("towpath") or f"{name}.{section}" in ours, name


def tree():
    """Every file and folder of the tree, by its path."""
    for root in [*ROOTS, ".ci", "m4"]:
        for path in (SOURCE / root).rglob("*"):
            yield str(path.relative_to(SOURCE))
    for path in SOURCE.iterdir():
        yield path.name


FILE = re.compile(
    r"(?:[\w.-]+/)*[\w*-]+\.(?:c|h|py|sh|inc|cfg|ac|lock|svg|rs|cpp)"
    r"|(?:core|connectors|plugins|tests|docs|conf|packaging)(?:/[\w.*-]+)+/?"
)


def test_files_that_pages_name_are_there():
    """By their path or its end; a program stands for its source, and NAME for any."""
    there = "\n" + "\n".join(tree()) + "\n"
    seen = 0
    for page in PAGES:
        text = re.sub(r"^ *```.*\n(?:.*\n)*?^ *```$", "", page.read_text(), flags=re.M)
        for name in set(re.findall(r"`([^`\n]+)`", text)):
            if FILE.fullmatch(name):
                pattern = re.escape(name.rstrip("/")).replace(r"\*", "[^/\n]*").replace("NAME", "[^/\n]*")
                assert re.search(rf"[/\n]{pattern}(?:\.c)?\n", there), (page, name)
                seen += 1
    assert seen > 100
