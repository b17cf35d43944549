"""Rules of our own about code that handles money and secrets, each an eye on the syntax tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

_MONEY = re.compile(r"(^|_)(amount|minor|fee|balance)(_|$)")
_SECRET = re.compile(r"(^|_)(secret|signature|password|digest|mac|hmac|api_key|private_key)$")
_BODY = re.compile(r"^(body|raw|payload|content|form|document)$")
_QUERIES = frozenset({"execute", "executemany", "fetch", "fetchrow", "fetchval", "cursor"})
#: What leaves the machine: rails' verbs and the guarded client.
_FAR = frozenset({"begin", "advance", "observe", "cancel_order", "request", "get", "post", "put"})
#: Conditions that a function joins from clauses of its module; their values are arguments.
_CLAUSES = frozenset({"where", "changes", "limits", "columns"})
_FAR_OWNERS = frozenset({"rail", "rails", "http", "_http"})


def float_money(tree: ast.AST) -> Iterator[int]:
    """Money as a float, or divided with a remainder lost."""
    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign(target=target, annotation=ast.Name(id="float")):
                if _MONEY.search(_name(target)):
                    yield node.lineno
            case ast.arg(arg=name, annotation=ast.Name(id="float")) if _MONEY.search(name):
                yield node.lineno
            case ast.Call(func=ast.Name(id="float"), args=[argument, *_]):
                if _MONEY.search(_name(argument)):
                    yield node.lineno
            case ast.BinOp(op=ast.Div(), left=left, right=right):
                if _MONEY.search(_name(left)) or _MONEY.search(_name(right)):
                    yield node.lineno


def compared_secrets(tree: ast.AST) -> Iterator[int]:
    """A secret compared in a time that tells how much of it was right."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(
            isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops
        ):
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Constant) for side in sides):
                continue  # "" or a word: whether there is one, or of which kind
            if any(_SECRET.search(_name(side)) for side in sides):
                yield node.lineno


def calls_in_transactions(tree: ast.AST) -> Iterator[int]:
    """Somebody far away is waited for while rows are locked."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncWith) and any(
            "transaction" in ast.unparse(item.context_expr) for item in node.items
        ):
            for inner in ast.walk(node):
                match inner:
                    case ast.Await(value=ast.Call(func=ast.Attribute(value=owner, attr=verb))):
                        if verb in _FAR and _name(owner) in _FAR_OWNERS:
                            yield inner.lineno


def values_in_sql(tree: ast.AST) -> Iterator[int]:
    """A statement put together where it is run, instead of once from names in its module."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=verb), args=[statement, *_]):
                whole = isinstance(statement, ast.Name)  # made elsewhere, and looked at there
                if verb in _QUERIES and not whole and _is_assembled(statement):
                    yield node.lineno


def logged_bodies(tree: ast.AST) -> Iterator[int]:
    """What somebody sent, in a line of the log."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=owner), args=arguments):
                if _name(owner) in ("_log", "log", "logging") and any(
                    _BODY.search(_name(argument)) for argument in arguments
                ):
                    yield node.lineno


def unverified_tls(tree: ast.AST) -> Iterator[int]:
    """A connection to whoever answers."""
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="verify" | "check_hostname", value=ast.Constant(value=False)):
                yield node.value.lineno
            case ast.Assign(targets=[target], value=ast.Constant(value=False)):
                if _name(target) == "check_hostname":
                    yield node.lineno
            case ast.Attribute(attr="CERT_NONE" | "_create_unverified_context"):
                yield node.lineno


Rule = Callable[[ast.AST], Iterator[int]]
RULES: tuple[Rule, ...] = (
    float_money,
    compared_secrets,
    calls_in_transactions,
    values_in_sql,
    logged_bodies,
    unverified_tls,
)


def _is_assembled(statement: ast.expr) -> bool:
    match statement:
        case ast.JoinedStr(values=parts):
            held = [part for part in parts if isinstance(part, ast.FormattedValue)]
            return any(not (_is_ours(part.value) or _is_number(part)) for part in held)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return _is_assembled(left) or _is_assembled(right)
        case ast.IfExp(body=ast.Constant(), orelse=ast.Constant()):
            return False  # " FOR UPDATE" or nothing
        case ast.BinOp(op=ast.Mod()) | ast.Name() if not _is_ours(statement):
            return True
        case ast.Call(func=ast.Attribute(attr="format" | "replace"), keywords=keywords):
            return not keywords or any(not _is_ours(each.value) for each in keywords)
    return False


def _is_ours(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and (value.id.isupper() or value.id in _CLAUSES)


def _is_number(part: ast.FormattedValue) -> bool:
    return part.format_spec is not None and ast.unparse(part.format_spec) == "f'd'"


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=func):
            return _name(func)
        case ast.Await(value=value) | ast.Subscript(value=value):
            return _name(value)
    return ""
