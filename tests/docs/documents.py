"""Parsed documents: headings, links, tables and code blocks of README.md and docs/."""

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from tests.served import ROOT

FENCED = re.compile(r"(?ms)^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$")


@dataclass(frozen=True)
class Block:
    """A fenced block of a document."""

    language: str
    text: str
    line: int


@dataclass(frozen=True)
class Document:
    """A Markdown file, or a chapter of one."""

    path: Path
    text: str

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def prose(self) -> str:
        """The text without its fenced blocks."""
        return FENCED.sub("", self.text)

    @property
    def headings(self) -> list[tuple[int, str]]:
        """The headings with their levels, in order."""
        return [(len(marks), title) for marks, title in re.findall(r"(?m)^(#+) (.+)$", self.prose)]

    @property
    def anchors(self) -> set[str]:
        """The valid fragments of links to this document."""
        return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for _, title in self.headings}

    @property
    def blocks(self) -> list[Block]:
        """The fenced blocks, in order."""
        return [
            Block(match["language"], dedent(match["text"]), self.text.count("\n", 0, match.start()) + 1)
            for match in FENCED.finditer(self.text)
        ]

    @property
    def code(self) -> str:
        """All code: fenced blocks, and text between backticks."""
        return "\n".join([*(block.text for block in self.blocks), *re.findall(r"`([^`\n]+)`", self.prose)])

    def chapter(self, title: str) -> "Document":
        """Return the text under a heading, up to the next heading of the same or a higher level."""
        found = re.search(rf"(?m)^(#+) {re.escape(title)}$", self.text)
        assert found, f"{self} has no heading '{title}'"
        rest = self.text[found.end() :]
        end = re.search(rf"(?m)^#{{1,{len(found[1])}}} ", rest)
        return Document(self.path, rest[: end.start()] if end else rest)

    def rows(self) -> list[list[str]]:
        """Return the rows of the tables without their heads; cells without backticks."""
        table = re.findall(r"(?m)^\|(.*)\|$", self.prose)
        heads = {place for place, row in enumerate(table) if place + 1 < len(table) and is_rule(table[place + 1])}
        return [
            [cell.strip().replace("`", "") for cell in row.split("|")]
            for place, row in enumerate(table)
            if place not in heads and not is_rule(row)
        ]


def is_rule(row: str) -> bool:
    return not row.strip("|-: ")


def read(path: str) -> Document:
    return Document(ROOT / path, (ROOT / path).read_text(encoding="utf-8"))


README, API, ARCHITECTURE, OPERATIONS, DECISIONS = map(
    read, ("README.md", "docs/api.md", "docs/architecture.md", "docs/operations.md", "docs/decisions.md")
)
DOCUMENTS = [README, *(read(str(path.relative_to(ROOT))) for path in sorted(ROOT.glob("docs/*.md")))]
