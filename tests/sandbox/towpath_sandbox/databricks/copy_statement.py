"""COPY INTO: its grammar."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlglot.dialects.databricks import Databricks
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from towpath_sandbox.databricks.errors import SqlError

FORMATS = ("CSV", "JSON", "AVRO", "ORC", "PARQUET", "TEXT", "BINARYFILE")
MAX_FILES = 1000
STRINGS = (TokenType.STRING, TokenType.RAW_STRING)


@dataclass
class CopyStatement:
    target: list[str] = field(default_factory=list)
    by_position: bool = False
    columns: list[str] | None = None
    select: str | None = None  # the text of the expressions
    uri: str = ""
    credential: dict[str, str] | None = None  # inline; a named one is {"": name}
    format: str = ""
    validate: int | None = None  # rows to show; -1: all
    files: list[str] | None = None
    pattern: str | None = None
    format_options: dict[str, str] = field(default_factory=dict)
    copy_options: dict[str, str] = field(default_factory=dict)

    def copy_flag(self, name: str) -> bool:
        values = {key.lower(): value.lower() for key, value in self.copy_options.items()}
        return values.get(name.lower(), "false") == "true"

    def format_option(self, name: str, default: str) -> str:
        values = {key.lower(): value for key, value in self.format_options.items()}
        return values.get(name.lower(), default)


def parse(text: str) -> CopyStatement:
    try:
        tokens = Databricks().tokenize(text)
    except SqlglotError as error:
        raise SqlError("PARSE_SYNTAX_ERROR", f"'{error}'") from error
    return _Parser(
        text, [token for token in tokens if token.token_type is not TokenType.SEMICOLON]
    ).statement()


class _Parser:
    def __init__(self, text: str, tokens: list[Token]) -> None:
        self._text = text
        self._tokens = tokens
        self._at = 0
        self._copy = CopyStatement()

    # -- tokens --------------------------------------------------------------------------------

    def _peek(self, ahead: int = 0) -> Token | None:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else None

    def _fail(self) -> SqlError:
        token = self._peek()
        return SqlError("PARSE_SYNTAX_ERROR", f"'{token.text}'" if token else "end of input")

    def _is(self, word: str, ahead: int = 0) -> bool:
        token = self._peek(ahead)
        return token is not None and token.token_type not in STRINGS and token.text.upper() == word

    def _take(self, *words: str) -> bool:
        """Takes these words if they follow."""
        if not all(self._is(word, i) for i, word in enumerate(words)):
            return False
        self._at += len(words)
        return True

    def _need(self, *words: str) -> None:
        if not self._take(*words):
            raise self._fail()

    def _next(self) -> Token:
        token = self._peek()
        if token is None:
            raise self._fail()
        self._at += 1
        return token

    def _string(self) -> str:
        token = self._peek()
        if token is None or token.token_type not in STRINGS:
            raise self._fail()
        self._at += 1
        return token.text

    def _name(self) -> str:
        token = self._next()
        if token.token_type is not TokenType.IDENTIFIER and not token.text.replace("_", "a").isalnum():
            self._at -= 1
            raise self._fail()
        return token.text

    # -- grammar -------------------------------------------------------------------------------

    def statement(self) -> CopyStatement:
        copy = self._copy
        self._need("COPY", "INTO")
        copy.target = [self._name()]
        while self._take("."):
            copy.target.append(self._name())
        copy.by_position = self._take("BY", "POSITION")
        if not copy.by_position and self._take("("):
            copy.columns = self._list(self._name)
        self._need("FROM")
        self._source()
        self._need("FILEFORMAT", "=")
        copy.format = self._name().upper()
        if copy.format not in FORMATS:
            raise SqlError("COPY_INTO_SOURCE_FILE_FORMAT_NOT_SUPPORTED", "one of " + ", ".join(FORMATS))
        self._clauses()
        if self._peek() is not None:
            raise self._fail()
        return copy

    def _source(self) -> None:
        if not self._take("("):
            self._address()
            return
        self._need("SELECT")
        start = self._next().start
        self._at -= 1
        depth = 0
        while depth or not (self._is("FROM") and self._string_follows()):
            token = self._next()
            depth += {"(": 1, ")": -1}.get(token.text, 0) if token.token_type not in STRINGS else 0
            if depth < 0:
                raise self._fail()
        self._copy.select = self._text[start : self._next().start]
        self._address()
        self._need(")")

    def _string_follows(self) -> bool:
        token = self._peek(1)
        return token is not None and token.token_type in STRINGS

    def _address(self) -> None:
        self._copy.uri = self._string()
        if not self._take("WITH"):
            return
        self._need("(")
        while not self._take(")"):
            if self._take("CREDENTIAL"):
                named = not self._is("(")
                self._copy.credential = {"": self._name()} if named else self._pairs()
            elif self._take("ENCRYPTION"):
                self._pairs()
            else:
                raise self._fail()

    def _clauses(self) -> None:
        copy = self._copy
        if self._take("VALIDATE"):
            count = self._peek()
            if count is not None and count.token_type is TokenType.NUMBER:
                copy.validate = int(self._next().text)
                self._need("ROWS")
            else:
                self._take("ALL")
                copy.validate = -1
        if self._take("FILES", "="):
            self._need("(")
            copy.files = self._list(self._string)
            if len(copy.files) > MAX_FILES:
                raise SqlError(
                    "COPY_INTO_SYNTAX_ERROR",
                    f"FILES has {len(copy.files)} names, {MAX_FILES} at most.",
                )
        elif self._take("PATTERN", "="):
            copy.pattern = self._string()
        if self._take("FORMAT_OPTIONS"):
            copy.format_options = self._pairs()
        if self._take("COPY_OPTIONS"):
            copy.copy_options = self._pairs()

    def _list(self, item: Callable[[], str]) -> list[str]:
        """What stands between an opening parenthesis, taken already, and its end."""
        values = [item()]
        while self._take(","):
            values.append(item())
        self._need(")")
        return values

    def _pairs(self) -> dict[str, str]:
        self._need("(")
        pairs: dict[str, str] = {}
        while not self._take(")"):
            token = self._next()
            self._need("=")
            value = self._next()
            pairs[token.text] = value.text
            if not self._take(","):
                self._need(")")
                break
        return pairs
