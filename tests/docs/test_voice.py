"""The English of docstrings, comments and documents: constructions that technical documentation avoids."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from tests.served import ROOT

FOLDERS = ("accounts", "apicredentials", "docs", "portal", "templates", "tests")
AVOIDED = re.compile(
    r"\banew\b|\blest\b|\bhow-manieth\b|\bTwice is once\b|\b[Ww]ho(m)?ever\b|\bhence\b|\bthe way (back|out|to)\b"
    r"|,\s+for\s+(it|they|he|she|that|there|what|who|every|each|no)\b|^(What|Whom|Whether) ",
    re.MULTILINE,
)
HASH_COMMENT = re.compile(r"(?m)^\s*#+ ?(.*)$|\s# (.*)$")
TEMPLATE_COMMENT = re.compile(r"(?s)\{#\s*(.*?)\s*#\}|\{% comment %\}\s*(.*?)\s*\{% endcomment %\}")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

type Passage = tuple[int, str]


def docstrings(source: str) -> Iterator[Passage]:
    """Yield the line and text of each docstring of a Python module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, DOCUMENTED) and (text := ast.get_docstring(node, clean=False)):
            yield node.body[0].lineno, re.sub(r"(?m)^ +", "", text)


def python_comments(source: str) -> Iterator[Passage]:
    """Yield the line and text of each comment of a Python module."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.lstrip("#: ")


def matches(pattern: re.Pattern[str], source: str) -> Iterator[Passage]:
    """Yield the line and first group of each match."""
    for match in pattern.finditer(source):
        yield source.count("\n", 0, match.start(match.lastindex or 0)) + 1, match[match.lastindex or 0]


def passages(path: Path) -> Iterator[Passage]:
    """Yield the prose of a file in pieces, each with the line that it starts on."""
    source = path.read_text()
    match path.suffix:
        case ".py":
            return chain(docstrings(source), python_comments(source))
        case ".html" | ".txt":
            return matches(TEMPLATE_COMMENT, source)
        case ".md":
            return iter([(1, source)])
        case _:
            return matches(HASH_COMMENT, source)


def test_docstrings_comments_and_documents_are_plain_english() -> None:
    texts = [ROOT / name for name in ("manage.py", "Makefile", "Containerfile", "README.md", "CHANGELOG.md", ".ci/run")]
    texts += [
        path
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.*"))
        if path.suffix in {".py", ".html", ".txt", ".md"} and "node_modules" not in path.parts
    ]
    found = [
        f"{path.relative_to(ROOT)}:{line + text.count('\n', 0, match.start())}: {match[0].strip()}"
        for path in texts
        for line, text in passages(path)
        for match in AVOIDED.finditer(text)
    ]

    assert not found, "\n".join(found)


def test_dutch_texts_have_straight_quotes() -> None:
    """One style on pages and in mails: 'Magazijn'. A msgid of Django has its own."""
    suffixes = {".html", ".txt", ".py", ".js", ".po"}
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for folder in ("accounts", "apicredentials", "portal", "templates")
        for path in sorted((ROOT / folder).rglob("*.*"))
        if path.suffix in suffixes
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search("[‘’„]" if path.suffix == ".po" else "[‘’„“”]", line)
    ]

    assert not found, "\n".join(found)
