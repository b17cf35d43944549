"""What the pages of an API show, drawn from its OpenAPI document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup, escape

Schema = Mapping[str, Any]

_CODE = re.compile(r"`([^`]+)`")
_EMPHASIS = re.compile(r"\*([^*\s][^*]*)\*")
_REQUIRED = "required"
_FORMATS = {"uuid": "UUID", "date-time": "time", "date": "date", "uri": "address"}
#: How deep the fields of a body are written out.
_DEPTH_MAX = 4


class Row(NamedTuple):
    """A field or parameter: its dotted name, what it holds, and what is said of it.

    ``mark`` says of what is sent that it is needed, of what is answered that it may be absent.
    """

    name: str
    kind: str
    mark: str
    says: Markup
    choices: Sequence[str]


class Table(NamedTuple):
    """Rows under a title."""

    title: str
    rows: Sequence[Row]


class Sample(NamedTuple):
    """Something to read as code; ``note`` says when it is seen."""

    title: str
    note: str
    text: str


class OperationView(NamedTuple):
    """One operation. ``objects`` are the names of the schemas in its answers."""

    anchor: str
    method: str
    path: str
    summary: str
    paragraphs: Sequence[Markup]
    aliases: Sequence[tuple[str, str]]
    deprecated: bool
    tables: Sequence[Table]
    failures: Sequence[tuple[str, str]]
    objects: Sequence[str]
    samples: Sequence[Sample]


class Group(NamedTuple):
    """The operations of one tag, or all notices."""

    anchor: str
    title: str
    says: Markup
    operations: Sequence[OperationView]


class ApiView(NamedTuple):
    """A whole API."""

    title: str
    version: str
    summary: str
    paragraphs: Sequence[Markup]
    server_url: str
    keys: Table
    groups: Sequence[Group]
    notices: Sequence[OperationView]
    objects: Sequence[Table]
    failures: Sequence[Sample]


def view_of(document: Mapping[str, Any]) -> ApiView:
    """The document as the pages show it."""
    return _Reader(document).api()


class _Reader:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._components = document["components"]
        self._aliases: dict[str, list[tuple[str, str]]] = {}
        for method, path, operation in self._operations():
            if "x-alias-of" in operation:
                self._aliases.setdefault(operation["x-alias-of"], []).append((method, path))

    def api(self) -> ApiView:
        info = self._document["info"]
        own = [each for each in self._operations() if "x-alias-of" not in each[2]]
        groups = []
        for tag in self._document["tags"]:
            found = [self._operation(*each) for each in own if tag["name"] in each[2]["tags"]]
            groups.append(Group(_anchor(tag["name"]), tag["name"], _say(tag["description"]), found))
        schemas = self._components["schemas"]
        answered = self._objects_in([operation["responses"] for _, _, operation in own])
        return ApiView(
            title=info["title"],
            version=info["version"],
            summary=info["summary"],
            paragraphs=_paragraphs(info["description"]),
            server_url=self._document["servers"][0]["url"],
            keys=Table("Keys", self._keys()),
            groups=groups,
            notices=[self._notice(*each) for each in self._document["webhooks"].items()],
            objects=[
                Table(name, list(self._rows(schemas[name], is_answer=True))) for name in answered
            ],
            failures=[self._failure(*each) for each in self._failures(own).items()],
        )

    def _operations(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        for path, item in self._document["paths"].items():
            for method, operation in item.items():
                yield method.upper(), path, operation

    def _keys(self) -> list[Row]:
        return [
            Row(
                scheme["name"],
                "header",
                mark="",
                says=_say(scheme["description"]),
                choices=(),
            )
            for scheme in self._components["securitySchemes"].values()
        ]

    def _operation(self, method: str, path: str, operation: Mapping[str, Any]) -> OperationView:
        samples = [Sample(each["label"], "", each["source"]) for each in operation["x-codeSamples"]]
        successes: dict[str, Any] = {}
        failures = []
        for status, response in operation["responses"].items():
            if "$ref" in response:
                failures.append((status, self._resolved(response)["description"]))
            else:
                successes[status] = response
        for status, response in successes.items():
            samples += _examples(response, status, response["description"])
        return OperationView(
            anchor=operation["operationId"],
            method=method,
            path=path,
            summary=operation["summary"],
            paragraphs=_paragraphs(operation["description"]),
            aliases=self._aliases.get(operation["operationId"], []),
            deprecated=operation.get("deprecated", False),
            tables=list(self._tables(operation)),
            failures=failures,
            objects=self._objects_in(list(successes.values())),
            samples=samples,
        )

    def _notice(self, name: str, item: Mapping[str, Any]) -> OperationView:
        operation = item["post"]
        return OperationView(
            anchor=f"notice-{_anchor(name)}",
            method="POST",
            path="your address",
            summary=operation["summary"],
            paragraphs=_paragraphs(operation["description"]),
            aliases=(),
            deprecated=False,
            tables=list(self._tables(operation)),
            failures=(),
            objects=self._objects_in([operation["requestBody"]]),
            samples=list(_examples(operation["requestBody"], "POST", "to your address")),
        )

    def _tables(self, operation: Mapping[str, Any]) -> Iterator[Table]:
        titles = {"path": "In the path", "query": "In the query", "header": "Headers"}
        for place, title in titles.items():
            found = [each for each in operation.get("parameters", ()) if each["in"] == place]
            if found:
                yield Table(title, [self._parameter(each) for each in found])
        body = operation.get("requestBody")
        if body is not None:
            schema = next(iter(body["content"].values()))["schema"]
            yield Table("In the body", list(self._rows(schema)))

    def _parameter(self, parameter: Mapping[str, Any]) -> Row:
        schema = parameter["schema"]
        return Row(
            parameter["name"],
            self._kind(schema),
            mark=_REQUIRED if parameter.get("required") else "",
            says=_say(parameter["description"]),
            choices=[*schema.get("enum", ()), *parameter.get("examples", ())],
        )

    def _rows(
        self, schema: Schema, prefix: str = "", depth: int = 0, *, is_answer: bool = False
    ) -> Iterator[Row]:
        schema = self._resolved(schema)
        for name, inner in schema.get("properties", {}).items():
            whole = self._resolved(inner)
            is_required = name in schema.get("required", ())
            yield Row(
                prefix + name,
                self._kind(inner),
                mark=_mark(is_required=is_required, is_answer=is_answer),
                says=_say(inner.get("description") or whole.get("description", "")),
                choices=[str(word) for word in _choices(whole) if word is not None],
            )
            if depth < _DEPTH_MAX and "$ref" not in inner:
                yield from self._rows(
                    _object_in(whole), f"{prefix}{name}.", depth + 1, is_answer=is_answer
                )

    def _kind(self, schema: Schema) -> str:
        """What a schema takes, in few words: ``string or null, at most 50 characters``."""
        limits = {
            each["maxLength"]
            for each in (schema, *schema.get("anyOf", ()))
            if isinstance(each, Mapping) and "maxLength" in each
        }
        limit = f", at most {max(limits)} characters" if limits else ""
        return " or ".join(dict.fromkeys(self._kinds(schema))) + limit

    def _kinds(self, schema: Schema) -> Iterator[str]:
        if "$ref" in schema:
            resolved = self._resolved(schema)
            if "properties" in resolved:
                yield schema["$ref"].rpartition("/")[2]
            else:
                yield from self._kinds(resolved)
        elif "const" in schema:
            yield json.dumps(schema["const"])
        elif "type" in schema:
            kinds = schema["type"]
            for kind in kinds if isinstance(kinds, list) else [kinds]:
                yield self._simple_kind(kind, schema)
        elif "anyOf" in schema:
            for each in schema["anyOf"]:
                yield from self._kinds(each)
        else:
            yield "anything"

    def _simple_kind(self, kind: str, schema: Schema) -> str:
        if kind == "array":
            return f"list of {self._kind(schema['items'])}"
        if kind == "string":
            return _FORMATS.get(schema.get("format", ""), kind)
        return kind

    def _objects_in(self, parts: Sequence[Any]) -> list[str]:
        """The schemas of objects that the parts name, those that they name in turn included."""
        names: dict[str, None] = {}
        waiting = list(parts)
        while waiting:
            part = waiting.pop(0)
            if isinstance(part, list):
                waiting += part
            elif isinstance(part, Mapping):
                reference = part.get("$ref", "")
                name = reference.rpartition("/")[2]
                if reference.startswith("#/components/schemas/") and name not in names:
                    names[name] = None
                    waiting.append(self._components["schemas"][name])
                waiting += [inner for key, inner in part.items() if key != "examples"]
        schemas = self._components["schemas"]
        return [name for name in names if "properties" in schemas[name]]

    def _failures(self, own: Sequence[tuple[str, str, Mapping[str, Any]]]) -> dict[str, Any]:
        """The answer for each status that is no success, in order."""
        found = {
            status: self._resolved(response)
            for _, _, operation in own
            for status, response in operation["responses"].items()
            if "$ref" in response
        }
        return dict(sorted(found.items()))

    def _failure(self, status: str, response: Mapping[str, Any]) -> Sample:
        return next(_examples(response, status, response["description"]))

    def _resolved(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in part:
            return part
        _, _, kind, name = part["$ref"].split("/")
        resolved: Mapping[str, Any] = self._components[kind][name]
        return resolved


def _mark(*, is_required: bool, is_answer: bool) -> str:
    if is_answer:
        return "" if is_required else "not always there"
    return _REQUIRED if is_required else ""


def _choices(schema: Schema) -> Sequence[Any]:
    if "enum" in schema:
        found: Sequence[Any] = schema["enum"]
        return found
    items = schema.get("items")
    return _choices(items) if isinstance(items, Mapping) else ()


def _object_in(schema: Schema) -> Schema:
    """The object that a value may be."""
    for each in schema.get("anyOf", ()):
        if "properties" in each:
            found: Schema = each
            return found
    return schema


def _examples(part: Mapping[str, Any], title: str, note: str) -> Iterator[Sample]:
    for content in part.get("content", {}).values():
        for example in content.get("examples", {}).values():
            text = json.dumps(example["value"], ensure_ascii=False, indent=2)
            summary = example["summary"]
            more = "" if summary in {"answer", "error"} else f" Here: {summary}."
            yield Sample(title, note + more, text)


def _anchor(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _paragraphs(text: str) -> list[Markup]:
    return [_say(paragraph) for paragraph in text.split("\n\n") if paragraph.strip()]


def _say(text: str) -> Markup:
    """The little Markdown that the documents use: code and emphasis."""
    safe = str(escape(text))
    safe = _CODE.sub(r"<code>\1</code>", safe)
    return Markup(_EMPHASIS.sub(r"<em>\1</em>", safe))  # noqa: S704 - escaped above
