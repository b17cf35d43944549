"""The one place that logs: allow-listed fields, secrets masked, JSON or readable.

Modules use the standard ``logging``; what they hand over as ``extra`` appears only if it is named
here, so a careless line cannot publish a payer's data or a key.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

import structlog
from structlog.stdlib import ExtraAdder, ProcessorFormatter

#: What a line may carry beside its message, level, time, logger and traceback.
FIELDS = frozenset(
    {
        "application_id", "attempt_id", "delivery_id", "duration_ms", "environment", "event_id",
        "method", "notice_id", "outcome", "payment_id", "pid", "queue", "rail", "request_id",
        "signal", "status", "tries",
    }
)  # fmt: skip
#: The request that is being answered, or that began the work being done; every line carries it.
REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
_FRAME = frozenset(
    {"event", "level", "logger", "timestamp", "exception", "_record", "_from_structlog"}
)

_SECRETS = (
    # API keys of both dialects, and webhook secrets.
    (re.compile(r"\b(np_(?:test|live)|h?[ps]k(?:_(?:test|live))?|whsec)([_.])[A-Za-z0-9+/=_-]+"),
     r"\1\2[masked]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]+"), r"\1 [masked]"),
    # Passwords in addresses.
    (re.compile(r"(://[^:/@\s]*):[^@\s]*@"), r"\1:[masked]@"),
    # Our own pages: the last part of the path is the right to see them.
    (re.compile(r"(/(?:pay|return)/[A-Za-z0-9-]+/)[A-Za-z0-9_-]+"), r"\1[masked]"),
    # Where providers knock: all after the environment is theirs to know.
    (re.compile(r"(/notices/[a-z_]+/[a-z]+/)[^\s\"'?]+"), r"\1[masked]"),
    # IBANs, and any long run of digits: cards, accounts, phones.
    (re.compile(r"\b[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\b"), "[masked]"),
    (re.compile(r"(?<![0-9A-Za-z-])[0-9]{10,}(?![0-9A-Za-z-])"), "[masked]"),
    (re.compile(r"(?<![0-9A-Za-z-])[0-9](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z-])"), "[masked]"),
)  # fmt: skip
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_PRIVATE_KEYS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
#: Shorter ones would mask half of what is said.
_HIDDEN_LENGTH_MIN = 8
_hidden: set[str] = set()


def configure(level: str) -> None:
    """Send every line of the process to standard error: readable on a terminal, else JSON."""
    readable = sys.stderr.isatty()
    renderer: Any = (
        structlog.dev.ConsoleRenderer(
            pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
        if readable
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[ExtraAdder(allow=FIELDS)],
            processors=[
                _add_request_id,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                ProcessorFormatter.remove_processors_meta,
                clean,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # It tells of every connection and start; what matters of that, the supervisor says itself.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    # Simulators notify by httpx2, which tells whole addresses: those of notices hold a secret.
    for name in ("httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _add_request_id(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    request_id = REQUEST_ID.get()
    if request_id:
        line.setdefault("request_id", request_id)
    return line


def clean(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop fields that are not allowed, mask secrets in those that are."""
    for name in list(line):
        if name not in FIELDS and name not in _FRAME:
            del line[name]
        elif isinstance(line[name], str) and name not in {"timestamp", "level"}:
            text = masked(line[name])
            # One event, one line, on a terminal too; only our own tracebacks have several.
            line[name] = text if name == "exception" else text.replace("\n", "\\x0a")
    return line


def hide(*secrets: str) -> None:
    """Mask these wherever they stand in a line from now on: what no pattern tells from a word."""
    _hidden.update(secret for secret in secrets if len(secret) >= _HIDDEN_LENGTH_MIN)


def masked(text: str) -> str:
    """The text with secrets and long numbers masked and control characters escaped."""
    for secret in _hidden:
        text = text.replace(secret, "[masked]")
    text = _PRIVATE_KEYS.sub("[masked]", text)
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return _CONTROLS.sub(lambda match: f"\\x{ord(match.group()):02x}", text)
