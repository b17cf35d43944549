"""A simulation of a Brazilian PSP, its API Pix, and payers' wallets (docs/simulators.md)."""

from __future__ import annotations

from .app import Simulator, build_simulator
from .certificates import Certificates, make_certificates
from .serving import ApiServer

__all__ = ["ApiServer", "Certificates", "Simulator", "build_simulator", "make_certificates"]
