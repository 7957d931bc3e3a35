"""The few SVG elements that charts are made of, escaped, with the words for those who cannot see them."""

from collections.abc import Iterable

from markupsafe import Markup

from xiaoan.reports.text_widths import one_line

WIDTH = 480
"""Units across every picture."""


def rectangle(kind: str, x: float, y: float, width: float, height: float) -> Markup:
    """Return a rectangle of the class `kind`."""
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(
        kind, *map(figure, (x, y, width, height))
    )


def text(kind: str, x: float, y: float, written: str) -> Markup:
    """Return a text of the class `kind`, escaped."""
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(kind, figure(x), figure(y), written)


def figure(number: float) -> str:
    """Return a coordinate with one decimal at most."""
    return f"{number:.1f}".removesuffix(".0")


def svg(name: str, title: str, description: str, height: float, parts: Iterable[Markup]) -> Markup:
    """Return the picture, `height` units high, of these parts; `name` is its id on the page.

    Title and description are what is read aloud in its place.
    """
    return Markup(
        '<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{name}-title {name}-desc">\n'
        '<title id="{name}-title">{title}</title>\n<desc id="{name}-desc">{description}</desc>\n{parts}\n</svg>'
    ).format(
        width=WIDTH,
        height=figure(height),
        name=name,
        title=one_line(title),
        description=one_line(description),
        parts=Markup("\n").join(parts),
    )
