"""A PostgreSQL of our own: the binaries of a wheel, under a launcher that is safe to be killed."""

from guichet.embedded.postgres import (
    AlreadyRunning,
    CannotStart,
    EmbeddedPostgres,
    Endpoints,
    running_endpoints,
)
from guichet.embedded.programs import program

__all__ = [
    "AlreadyRunning",
    "CannotStart",
    "EmbeddedPostgres",
    "Endpoints",
    "program",
    "running_endpoints",
]
