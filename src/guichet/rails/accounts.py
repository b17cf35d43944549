"""Applications' accounts at providers: settings read once, what is made of them kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar
from uuid import UUID

from guichet.domain.orders import ProviderAccount
from guichet.rails.port import RailUnavailable

T = TypeVar("T")

_KEPT_MAX = 256


class InvalidAccount(ValueError):
    """Settings with which no account can be used; ``problems`` names every wrong field.

    Neither the text nor ``problems`` holds a value of the settings.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {problem}" for name, problem in problems.items()))
        self.problems = dict(problems)


class Accounts(Generic[T]):
    """What one connector makes of each account, the longest unused let go beyond 256.

    ``make`` reads settings and raises ``InvalidAccount``. ``default`` serves orders without an
    account; ``where`` says what is missing when there is none. Changed settings are read anew.
    """

    def __init__(
        self, make: Callable[[Mapping[str, str]], T], default: T | None, where: str
    ) -> None:
        self._make = make
        self._default = default
        self._where = where
        self._known: OrderedDict[UUID, tuple[dict[str, str], T]] = OrderedDict()

    def of(self, account: ProviderAccount | None) -> T:
        """What stands for the account; raises ``RailUnavailable`` if there is nothing usable."""
        if account is None:
            if self._default is None:
                raise RailUnavailable(f"no account at {self._where}")
            return self._default
        known = self._known.get(account.id)
        if known is None or known[0] != account.settings:
            known = (dict(account.settings), self._made(account.settings))
            self._known[account.id] = known
        self._known.move_to_end(account.id)
        if len(self._known) > _KEPT_MAX:
            self._known.popitem(last=False)
        return known[1]

    def _made(self, settings: Mapping[str, str]) -> T:
        try:
            return self._make(settings)
        except InvalidAccount as error:
            raise RailUnavailable(f"the account cannot be used: {error}") from error
