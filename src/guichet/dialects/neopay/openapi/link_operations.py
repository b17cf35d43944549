"""Operations of payment links."""

from __future__ import annotations

from guichet.dialects.neopay.openapi import examples
from guichet.dialects.neopay.openapi.parts import PAGES, answered, shown
from guichet.dialects.neopay.openapi.schemas import page_of
from guichet.dialects.openapi.operations import (
    Body,
    Operation,
    in_path,
    in_query,
)
from guichet.dialects.openapi.schemas import (
    either,
    nullable,
    record,
    ref,
    text,
)
from guichet.domain.links import LINK

_LINK_KEY = in_path("id", "The id, or the slug.", examples.LINK_ID)

_ONE_LINK = record({"data": ref("Link")})


def _link_change(action: str, status: str, description: str) -> Operation:
    path = f"/api/links/{{id}}/{action}"
    return Operation(
        route=f"PATCH {path}",
        name=f"{action}Link",
        tag="Payment links",
        summary=f"{action.capitalize()} a payment link",
        description=f"{description} Again changes nothing.",
        parameters=(_LINK_KEY,),
        answers=answered(
            "The link.", _ONE_LINK, {status: {"data": examples.LINK | {"status": status}}}
        ),
        failures=(404, 422),
        aliases=(f"POST {path}", f"PUT {path}"),
    )


LINKS = (
    Operation(
        route="GET /api/links",
        name="listLinks",
        tag="Payment links",
        summary="List payment links",
        description=(
            "Newest first, without those deleted. Servers set to `GUICHET_LINKS_INDEX_SHAPE="
            "documented` answer the newest alone, as one object."
        ),
        parameters=(
            in_query(
                "status",
                "With this status (ours).",
                text(maxLength=255),
                examples=shown(LINK.states),
            ),
            in_query("reference", "With exactly this reference (ours).", text(maxLength=255)),
            *PAGES,
        ),
        answers=answered(
            "One page of the application's links.",
            either(
                page_of("Link", "A page of links."),
                record({"data": nullable(ref("Link"))}, "The newest link."),
            ),
            {"one link": examples.page_of("/api/links", examples.LINK)},
        ),
        failures=(422,),
    ),
    Operation(
        route="POST /api/links",
        name="createLink",
        tag="Payment links",
        summary="Create a payment link",
        description="It is a draft until it is published.",
        body=Body(schema=ref("NewLink"), examples={"a link": examples.NEW_LINK}),
        answers=answered("The link.", _ONE_LINK, {"a draft": {"data": examples.LINK}}),
        failures=(422,),
    ),
    Operation(
        route="GET /api/links/{id}",
        name="readLink",
        tag="Payment links",
        summary="Read a payment link",
        parameters=(_LINK_KEY,),
        answers=answered("The link.", _ONE_LINK, {"a draft": {"data": examples.LINK}}),
        failures=(404,),
    ),
    Operation(
        route="PATCH /api/links/{id}",
        name="updateLink",
        tag="Payment links",
        summary="Update a payment link (ours)",
        description="Fields left out stay as they are. A closed link cannot be changed.",
        parameters=(_LINK_KEY,),
        body=Body(schema=ref("LinkChanges"), examples={"a new price": {"amount": 299.9}}),
        answers=answered(
            "The link as changed.",
            _ONE_LINK,
            {"a new price": {"data": examples.LINK | {"amount": 299.9}}},
        ),
        failures=(404, 422),
        aliases=("PUT /api/links/{id}",),
    ),
    Operation(
        route="DELETE /api/links/{id}",
        name="deleteLink",
        tag="Payment links",
        summary="Delete a payment link (ours)",
        description="It takes no payments and leaves the lists; its payments stay.",
        parameters=(_LINK_KEY,),
        answers=answered(
            "The link, with the time of its deletion.",
            _ONE_LINK,
            {"deleted": {"data": examples.LINK | {"deleted_at": "2023-04-12T08:00:00.000000Z"}}},
        ),
        failures=(404,),
    ),
    _link_change("publish", "published", "A draft can be paid from now on."),
    _link_change("unpublish", "draft", "A published link is a draft again."),
    _link_change("close", "closed", "It takes no payments any more, for good."),
)
