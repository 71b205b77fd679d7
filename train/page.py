"""Pages from the jinja2 templates beside the modules that fill them: self-contained HTML in one look, and Markdown."""

from __future__ import annotations

from importlib import resources
from importlib.util import find_spec
from typing import Any

from edge_tagger.errors import MissingExtraError


def render(template: str, **values: Any) -> str:
    """The page of a template, `page.html.j2` or one that extends it; its name is relative to this package.

    Values are escaped in HTML; one that the template asks for and that is not given is an error. Raises
    MissingExtraError without jinja2.
    """
    require_jinja2()
    import jinja2

    folder = resources.files("edge_tagger.train")
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8")),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "points": points}
    page = environment.get_template(template).render(**values)
    return page.encode(errors="backslashreplace").decode()  # names of files that are not UTF-8


def require_jinja2() -> None:
    """Raises MissingExtraError where jinja2 is not installed."""
    if find_spec("jinja2") is None:
        raise MissingExtraError("a report needs jinja2; run pip install 'edge-tagger[train]'")


def percent(value: float | None, digits: int = 1) -> str:
    """A share 0..1 as 93.4, a dash for None."""
    return "\N{EN DASH}" if value is None else f"{100 * value:.{digits}f}"


def points(value: float, digits: int = 1) -> str:
    """A difference of shares in percentage points, as +1.2; 0.0 has no sign."""
    text = f"{100 * value:+.{digits}f}"
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")
