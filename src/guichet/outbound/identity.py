"""The client's side of mutual TLS: who we are to one provider, and whom we believe there."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


class UnusableIdentity(ValueError):
    """The certificate, its key or the authorities cannot be used; the text holds none of them."""


def client_identity(certificate: str, private_key: str, authorities: str = "") -> ssl.SSLContext:
    """A context that shows ``certificate`` (PEM, with its chain) and proves it by its key.

    ``authorities`` (PEM) are the only ones believed; empty: those of the system. An empty
    certificate makes a context that shows none. Raises ``UnusableIdentity``.
    """
    try:
        context = ssl.create_default_context(cadata=_ascii(authorities) or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if certificate:
            with _readable(_ascii(f"{certificate}\n{private_key}")) as path:
                # Without a password here, OpenSSL would ask the terminal for one.
                context.load_cert_chain(path, password="")
    except (ssl.SSLError, ValueError, OSError) as error:
        raise UnusableIdentity(type(error).__name__) from None
    return context


def _ascii(text: str) -> str:
    # PEM is ASCII; the remarks that programs write around it need not be.
    return text.encode("ascii", "ignore").decode()


@contextmanager
def _readable(text: str) -> Iterator[str]:
    """A path under which OpenSSL can read ``text``: of memory alone, where the system has that."""
    if not hasattr(os, "memfd_create"):
        with tempfile.NamedTemporaryFile("w", encoding="ascii") as file:  # mode 600
            file.write(text)
            file.flush()
            yield file.name
        return
    descriptor = os.memfd_create("identity", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, text.encode("ascii"))
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
