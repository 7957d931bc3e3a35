"""Pages as a browser would take them apart: elements in their order, and what would reach outside."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "br", "link", "img", "input", "hr"}
_APART = {"td", "th", "dt", "dd", "li", "p", "h1", "h2", "h3", "text", "title"}
_REACHES_OUT = {"src", "href", "action", "data", "srcset", "poster", "xlink:href"}
_RUNS = {"script", "iframe", "object", "embed", "link", "img", "form", "base", "style"}


@dataclass
class Element:
    """One element with its attributes and all text inside."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """A page that was read; ValueError where an element is closed that is not open, or stays open."""

    source: str
    elements: list[Element] = field(default_factory=list)
    open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.source)
        self.close()
        if self.open:
            raise ValueError(f"still open: {[element.tag for element in self.open]}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.elements.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1].tag != tag:
            raise ValueError(f"</{tag}> closes {self.open[-1].tag if self.open else 'nothing'}")
        self.open.pop()
        if tag in _APART:
            self.handle_data(" ")

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def all(self, tag: str, kind: str = "") -> list[Element]:
        """The elements of this tag, of this class if one is named."""
        return [
            element
            for element in self.elements
            if element.tag == tag and (not kind or kind in (element.attributes.get("class") or "").split())
        ]

    @property
    def text(self) -> str:
        """All that the page says, on one line."""
        return " ".join(self.all("body")[0].text.split())

    @property
    def outside(self) -> list[str]:
        """What runs or reaches outside the page: elements, handlers and addresses; there should be nothing."""
        found = [element.tag for element in self.elements if element.tag in _RUNS]
        found.remove("style")  # the one stylesheet
        for element in self.elements:
            for name, value in element.attributes.items():
                reaches = name in _REACHES_OUT and not (value or "").startswith("#")
                found += [f"{name}={value}"] if reaches or name.startswith("on") or name == "style" else []
        return found


HOSTILE = {
    "script": "</style><script>alert(1)</script><img src=x onerror=alert(1)>",
    "template": "{{ 7 * 7 }}{% for x in y %}{# 注 #}${1}",
    "control": "甲\x00\x07\x1b[31m乙\x7f\x85丙",
    "bidi": "甲\u202e乙\u2066丙\u200f丁",
    "long": "长" * 30_000,
    "emoji": "👨‍👩‍👧 ⚡️ 🇨🇳",
    "rare": "𠮷𪚥 \U0002b740",
    "half": "坏\ud842字",
    "quotes": "\"'><svg onload=x>&amp;",
    "formula": '=HYPERLINK("http://x","点我")',
}
"""Texts that a bank may hold and that must not do anything."""
