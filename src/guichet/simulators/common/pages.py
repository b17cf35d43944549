"""What the pages of all simulators have in common: safety headers, forms, look."""

from __future__ import annotations

from importlib.resources import files
from urllib.parse import parse_qsl, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_LONGEST_FORM_BYTES = 16_384


def policy(form_target: str | None = None) -> str:
    """The Content-Security-Policy of a page: no script, nothing foreign, framed by nobody.

    ``form_target``: another address that its forms, or the redirects after them, may lead to.
    """
    parts = urlsplit(form_target or "")
    other = f" {parts.scheme}://{parts.netloc}" if form_target else ""
    return (
        "default-src 'none'; style-src 'self'; img-src 'self'; "
        f"form-action 'self'{other}; base-uri 'none'; frame-ancestors 'none'"
    )


def templates(package: str) -> Environment:
    """The templates of a simulator, escaping everything."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def stylesheet() -> str:
    """The one stylesheet; a simulator may add rules."""
    return files(__package__ or "").joinpath("static/simulation.css").read_text("utf-8")


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a plain form; raises 413 for more than any of our forms can hold."""
    body = await request.body()
    if len(body) > _LONGEST_FORM_BYTES:
        raise HTTPException(413)
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
