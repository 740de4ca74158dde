"""Parsed pages: a form is found by its button, a field by its label, a link by its text."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

VOID = {"br", "hr", "img", "input", "link", "meta", "source", "wbr"}
UNSEEN = {"head", "script", "style", "template"}
INLINE = {"a", "b", "code", "span", "strong", "time"}


@dataclass
class Element:
    """One element of a page."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: "list[Element | str]" = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.attributes.get(name, "")

    def all(self, *tags: str) -> "Iterator[Element]":
        """Yield the descendants with these tags, in document order."""
        for child in self.children:
            if isinstance(child, Element):
                if child.tag in tags:
                    yield child
                yield from child.all(*tags)

    @property
    def words(self) -> str:
        """The visible text of this element, on one line."""
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        apart = "" if self.tag in INLINE else " "
        yield apart
        if self.tag not in UNSEEN and "visually-hidden" not in self["class"].split():
            for child in self.children:
                yield from [child] if isinstance(child, str) else child._texts()
        yield apart


class Reader(HTMLParser):
    """A parser that builds the tree of elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.path = [Element("page")]
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.path[-1].children.append(element)
        if tag not in VOID:
            self.path.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.path[-1].tag == tag, f"</{tag}> closes <{self.path[-1].tag}> at {self.getpos()}"
        self.path.pop()

    def handle_data(self, data: str) -> None:
        self.path[-1].children.append(data)


def content(box: Element) -> list[str]:
    """Return the values that a browser submits for an unchanged field."""
    if box.tag == "textarea":
        return [box.words]
    if box.tag == "select":
        options = list(box.all("option"))
        chosen = [option for option in options if "selected" in option.attributes]
        return [option["value"] for option in chosen or options[: "multiple" not in box.attributes]]
    if box["type"] in {"checkbox", "radio"}:
        return [box.attributes.get("value", "on")] if "checked" in box.attributes else []
    return [box["value"]]


@dataclass
class Form:
    """A form and the button that submits it."""

    method: str
    address: str
    fields: dict[str, Element]
    button: Element
    element: Element

    def fill(self, **values: str) -> dict[str, list[str]]:
        """Return what a browser submits after filling in `values`, by label, and pressing the button."""
        sent: dict[str, list[str]] = {}
        for box in self.element.all("input", "select", "textarea"):
            if box["name"] and box["type"] != "submit":
                sent.setdefault(box["name"], []).extend(content(box))
        for label, value in values.items():
            sent[self.fields[label]["name"]] = [value]
        if self.button["name"]:
            sent.setdefault(self.button["name"], []).append(self.button["value"])
        return sent


class Page:
    """A page and its address, against which links are resolved."""

    def __init__(self, html: str, address: str = "") -> None:
        self.address = address
        self.root = Reader(html).path[0]

    @property
    def words(self) -> str:
        """The visible text of the page."""
        return self.root.words

    @property
    def headings(self) -> list[str]:
        """The text of the headings, in document order."""
        return [heading.words for heading in self.root.all("h1", "h2", "h3")]

    def part(self, tag: str) -> "Page":
        """Return the first element with this tag as a page: `part("header")`."""
        part = Page("", self.address)
        part.root = next(self.root.all(tag))
        return part

    def at(self, id: str) -> Element | None:
        """Return the element with that id."""
        return next((each for each in self.root.all(*self.tags) if id and each["id"] == id), None)

    @property
    def tags(self) -> set[str]:
        """The tags of all elements of the page."""
        found, waiting = set(), [self.root]
        while waiting:
            element = waiting.pop()
            found.add(element.tag)
            waiting += [child for child in element.children if isinstance(child, Element)]
        return found

    def buttons(self, text: str, *, of: str = "") -> list[tuple[Element, Element]]:
        """Return each form with such a button, and the button; its description must contain `of`."""
        return [
            (form, button)
            for form in self.root.all("form")
            for button in form.all("button", "input")
            if (button["value"] if button["type"] == "submit" and button.tag == "input" else button.words) == text
            and of in self.description(button)
        ]

    def description(self, element: Element) -> str:
        """Return the text of the element that `aria-describedby` names."""
        description = self.at(element["aria-describedby"])
        return description.words if description else ""

    def form(self, text: str, *, of: str = "") -> Form:
        """Return the form with that button; there must be exactly one."""
        found = self.buttons(text, of=of)
        assert len(found) == 1, f"{len(found)} buttons {text!r} of {of!r} at {self.address}: {self.words}"
        form, button = found[0]
        address = urljoin(self.address, form["action"] or self.address)
        return Form(form["method"] or "get", address, self.labelled(form), button, form)

    def labelled(self, form: Element) -> dict[str, Element]:
        """Return the inputs of a form by their labels, without "(niet verplicht)"."""
        labels = {label["for"]: label.words.removesuffix(" (niet verplicht)") for label in form.all("label")}
        return {labels[box["id"]]: box for box in form.all("input", "textarea") if box["id"] in labels}

    def link(self, text: str) -> str:
        """Return the address of the links with this text; it must be the same for all."""
        found = {urljoin(self.address, link["href"]) for link in self.root.all("a") if link.words == text}
        assert len(found) == 1, f"{len(found)} links {text!r} at {self.address}: {self.words}"
        return found.pop()
