"""The one environment that fills templates: everything is escaped, nothing missing is passed over."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from xiaoan.figures import duration_text, number_text, percent_text
from xiaoan.printable import printable
from xiaoan.reports.text_widths import one_line

_TEMPLATES = Path(__file__).resolve().parent / "templates"


def render(template: str, **values: Any) -> str:
    """Return the page that the named template makes of these values.

    Each text that comes from outside a template is stripped of what nobody can see, then escaped. Raises
    jinja2.UndefinedError if the template asks for a value that is not there: a fault of ours.
    """
    return _environment().get_template(template).render(values)


def _finished(value: Any) -> Any:
    """What is put into a page instead of `value`: texts without what nobody can see; our own markup as it is."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return printable(value, newlines=True, joiners=True)
    return value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finished,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "number": number_text,
        "percent": percent_text,
        "duration": duration_text,
        "one_line": one_line,
    }
    environment.filters.update(filters)
    return environment
