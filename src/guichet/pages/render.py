"""Pages as replies: templates in the payer's language, with the headers that every page carries."""

from __future__ import annotations

import gettext
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from guichet.pages.assets import load_assets
from guichet.pages.language import LANGUAGES, SOURCE_LANGUAGE, Speech, negotiate, translations
from guichet.web.asgi import Reply, Request

#: Nothing foreign, nothing inline. ``form-action 'self'``: Chromium applies it to the redirects of
#: a form too, so the way to a bank elsewhere leads over a page of ours (``handoff.html``).
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("x-robots-tag", "noindex"),
)
_HSTS = ("strict-transport-security", "max-age=63072000; includeSubDomains")
#: What a page has nothing to say about unless told: whose it is, its colours, the sandbox's mark.
_PLAIN = {"brand": None, "logo": None, "theme": None, "sandbox": False}


class Renderer:
    """Renders the templates. ``base_url`` is where payers reach us: its path stands before ours
    (``root``), and by https it asks browsers to keep to https.
    """

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self.root = parts.path
        self.headers = (*_HEADERS, _HSTS) if parts.scheme == "https" else _HEADERS
        self.assets = load_assets()
        self._environments = {
            language: _environment(translations(language)) for language in LANGUAGES
        }

    def page(self, request: Request, status: int, template: str, **values: Any) -> Reply:
        """``template`` as an answer to ``request``, never stored by anybody on the way."""
        speech = negotiate(request.headers.get("accept-language", ""))
        return self.page_in(speech, status, template, **values)

    def page_in(self, speech: Speech, status: int, template: str, **values: Any) -> Reply:
        """The same in a language that is known already."""
        page = self._environments[speech.language].get_template(f"{template}.html")
        values = _PLAIN | values
        values |= {"assets": self.assets, "root": self.root, "status": status}
        text = page.render(language=speech.language, **values)
        headers = (
            *self.headers,
            ("cache-control", "no-store"),
            ("content-language", speech.language),
            ("vary", "Accept-Language"),
        )
        return Reply(status, text.encode(), "text/html; charset=utf-8", headers)

    def template_names(self) -> set[str]:
        """Every page there is."""
        environment = self._environments[SOURCE_LANGUAGE]
        return {name.removesuffix(".html") for name in environment.list_templates()}

    def see_other(self, location: str) -> Reply:
        """Send the browser to ``location`` with a GET."""
        headers = (*self.headers, ("cache-control", "no-store"), ("location", location))
        return Reply(303, b"", "", headers)

    def data(self, body: bytes) -> Reply:
        """JSON for the page's own script."""
        return Reply(200, body, headers=(*self.headers, ("cache-control", "no-store")))


def _environment(catalogue: gettext.NullTranslations) -> Environment:
    environment = Environment(
        loader=PackageLoader("guichet.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
    return environment
