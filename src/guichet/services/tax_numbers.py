"""Brazilian tax numbers of payers: CPF of people, CNPJ of companies, by their check digits."""

from __future__ import annotations

from stdnum.br import cnpj, cpf
from stdnum.exceptions import ValidationError

_CPF_LENGTH = 11


def clean_tax_number(text: str, *, check_digits: bool) -> str | None:
    """The number without punctuation, if it is a CPF (11 digits) or a CNPJ (14 characters, the
    letters of the form of 2026 included); None if it is neither.

    ``check_digits`` False takes any number of the right form.
    """
    kind = cpf if len(cpf.compact(text)) == _CPF_LENGTH else cnpj
    try:
        return str(kind.validate(text)) if check_digits else _of_right_form(text)
    except ValidationError:
        return None


def _of_right_form(text: str) -> str | None:
    compact = cnpj.compact(text)
    if len(compact) == _CPF_LENGTH and compact.isascii() and compact.isdigit():
        return str(compact)
    right = (
        len(compact) == 14 and compact.isascii() and compact.isalnum() and compact[12:].isdigit()
    )
    return str(compact) if right else None
