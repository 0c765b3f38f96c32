"""Errors that a person can act on."""

from __future__ import annotations


class InputError(Exception):
    """Something given to the program cannot be used.

    The message is one sentence for the person at the screen: what is wrong and what to do.
    It never holds patient data.
    """
