"""Sphinx's settings for the site; build.py runs it over the pages that stage.py lays out."""

from pygments.lexer import RegexLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String, Whitespace

project = "towpath"
extensions = ["myst_parser"]
myst_heading_anchors = 6
smartquotes = False
html_theme = "furo"
html_title = "towpath"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False


class Libconfig(RegexLexer):
    """Job files."""

    name = "libconfig"
    tokens = {
        "root": [
            (r"\s+", Whitespace),
            (r"(#|//).*", Comment.Single),
            (r"/\*(.|\n)*?\*/", Comment.Multiline),
            (r"@include", Keyword),
            (r'"(\\.|[^"\\])*"', String),
            (r"(?i)(true|false)\b", Keyword.Constant),
            (r"[-+]?(0[xX][0-9a-fA-F]+|[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?)L{0,2}", Number),
            (r"[A-Za-z*][\w*-]*", Name.Attribute),
            (r"[=:]", Operator),
            (r"[{}()\[\],;]|\.\.\.", Punctuation),
        ]
    }


def setup(app):
    app.add_lexer("cfg", Libconfig)
