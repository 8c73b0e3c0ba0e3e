"""Is a statement one that Databricks' parser takes? sqlglot's Databricks dialect stands in for it."""

import re

# What Databricks takes and sqlglot's grammar lacks, and what stands in for it.
LACKING = [
    # The name of a credential where sqlglot knows keys only.
    (re.compile(r" WITH \(CREDENTIAL `(?:[^`]|``)*`\)"), ""),
    # LIMIT behind DESCRIBE HISTORY.
    (re.compile(r"^(DESCRIBE HISTORY .*) LIMIT \d+$"), r"\1"),
]


def check(text):
    """Fails where the text does not parse as one statement of a kind that is known."""
    import sqlglot
    from sqlglot import exp

    readable = text
    for pattern, instead in LACKING:
        readable = pattern.sub(instead, readable)
    trees = sqlglot.parse(readable, dialect="databricks")
    assert len(trees) == 1 and trees[0] is not None, text
    # What sqlglot knows by its first word alone is a Command: it has not been read.
    assert not isinstance(trees[0], exp.Command), text


def check_all(sandbox):
    """All statements that a sandbox was sent since its last reset; at least one."""
    texts = sandbox.statements()
    assert texts
    for text in set(texts):
        check(text)
    return texts
