"""A number as people type it: with a decimal point or a decimal comma, whatever the language of the computer."""

from __future__ import annotations

from fetalnet.core.errors import InputError

_DECIMAL_SIGNS = ",\u066b\u00b7\uff0c\uff0e"
"""Comma, Arabic decimal separator, raised dot, and the wide forms of comma and point."""


def decimal(text: str) -> float:
    """The number; one sign at most parts whole and fraction, and nothing groups thousands.

    Raises ``InputError`` where it is no number or could be two.
    """
    plain = text.strip()
    for sign in _DECIMAL_SIGNS:
        plain = plain.replace(sign, ".")
    try:
        if plain.count(".") > 1 or "_" in plain:
            raise ValueError
        return float(plain)
    except ValueError:
        raise InputError(f"{text.strip() or 'Nothing'} is no number; write it as 0.154 or 0,154.") from None
