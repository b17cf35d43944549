"""``/openapi``: the APIs' documents for programs, and the pages that show them to people."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import httpx2
import pytest

from guichet.dialects.neopay.openapi import NEOPAY
from guichet.dialects.openapi.documents import document
from guichet.pages.render import CONTENT_SECURITY_POLICY
from guichet.server.apis import api_documents
from pages.stall import Stall

pytestmark = pytest.mark.asyncio(loop_scope="module")

apis = pytest.mark.parametrize("name", ["neopay", "notchpay"])


class Attributes(HTMLParser):
    """The ids of a page, where it leads, and what it loads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name == "href" and tag == "a":
                self.links.append(value or "")
            elif name in {"href", "src"}:
                self.loads.append(value or "")


@apis
async def test_document_is_served_to_everybody(
    payer: httpx2.AsyncClient, stall: Stall, name: str
) -> None:
    answer = await payer.get(f"/openapi/{name}.json", headers={"origin": "https://tool.example"})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    base_url = stall.gateway.settings.base_url
    assert answer.json() == api_documents(base_url)[name]()[0]
    assert answer.json()["servers"] == [{"url": base_url}]


async def test_document_is_the_dialects(payer: httpx2.AsyncClient, stall: Stall) -> None:
    served = (await payer.get("/openapi/neopay.json")).json()

    assert served == document(NEOPAY, stall.gateway.settings.base_url)


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
async def test_who_has_the_document_is_sent_nothing(payer: httpx2.AsyncClient, form: str) -> None:
    tag = (await payer.get("/openapi/neopay.json")).headers["etag"]

    known = await payer.get("/openapi/neopay.json", headers={"if-none-match": form.format(tag)})
    other = await payer.get("/openapi/neopay.json", headers={"if-none-match": '"other"'})

    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", tag)
    assert other.status_code == 200


async def test_tool_in_a_browser_may_ask_with_headers(payer: httpx2.AsyncClient) -> None:
    answer = await payer.options(
        "/openapi/notchpay.json",
        headers={"origin": "https://tool.example", "access-control-request-method": "GET"},
    )

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"


@apis
async def test_page_shows_every_operation_with_a_line_for_curl(
    payer: httpx2.AsyncClient, name: str
) -> None:
    operations = [
        operation
        for item in (await payer.get(f"/openapi/{name}.json")).json()["paths"].values()
        for operation in item.values()
    ]
    page = (await payer.get(f"/openapi/{name}")).text

    found = Attributes(page).ids
    for operation in operations:
        assert operation.get("x-alias-of", operation["operationId"]) in found
    assert page.count("<code>curl -s ") == len(
        [operation for operation in operations if "x-alias-of" not in operation]
    )


@apis
async def test_links_within_a_page_lead_somewhere(payer: httpx2.AsyncClient, name: str) -> None:
    found = Attributes((await payer.get(f"/openapi/{name}")).text)

    assert len(set(found.ids)) == len(found.ids)
    targets = {link[1:] for link in found.links if link.startswith("#")}
    assert targets <= set(found.ids)


async def test_overview_leads_to_every_operation(payer: httpx2.AsyncClient) -> None:
    links = Attributes((await payer.get("/openapi")).text).links
    pages = {
        f"/openapi/{name}": Attributes((await payer.get(f"/openapi/{name}")).text).ids
        for name in ("neopay", "notchpay")
    }

    targets = [link.partition("#") for link in links if "#" in link]
    assert len(targets) > 50
    for page, _, anchor in targets:
        assert anchor in pages[page]


@pytest.mark.parametrize("target", ["/openapi", "/openapi/neopay", "/openapi/notchpay"])
async def test_page_loads_nothing_foreign(payer: httpx2.AsyncClient, target: str) -> None:
    answer = await payer.get(target, headers={"accept-language": "fr"})

    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["content-language"] == "en"
    loads = Attributes(answer.text).loads
    assert all(load.startswith(("/static/", "data:")) for load in loads)
    assert not re.search(r"<script|\sstyle=|\son\w+=", answer.text)


async def test_other_names_are_not_found(payer: httpx2.AsyncClient) -> None:
    for target in ("/openapi/other", "/openapi/other.json", "/openapi/neopay/x"):
        assert (await payer.get(target)).status_code == 404
