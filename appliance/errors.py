"""The errors of the appliance: one root, a few families, a stable code each.

Every surface (command line, HTTP, job) maps *families*, never single errors, to its own
status.  ``code`` is stable and lower-case with dots, ``message`` says what happened in one
sentence, ``hint`` says what the reader can do about it.
"""

from __future__ import annotations


class D2RError(Exception):
    """Root of all errors that the appliance raises on purpose.

    Parameters
    ----------
    code : stable, dotted, lower case: ``scan.e57.checksum``
    message : one sentence, what happened
    hint : one sentence, what to do; empty where nothing can be done
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()

    def __reduce__(self) -> tuple[type[D2RError], tuple[str, str, str]]:
        return type(self), (self.code, self.message, self.hint)


class InvalidInput(D2RError):
    """What was given cannot be used: a broken file, a wrong unit, a contradiction."""


class NotFound(D2RError):
    """What was asked for is not there, or not there for this principal."""


class Denied(D2RError):
    """The principal may not do this."""


class Conflict(D2RError):
    """The state of things has moved on since the caller looked."""


class Modified(D2RError):
    """A verification found bytes that differ from what was signed or logged."""


class NotProvable(D2RError):
    """A verification lacks what it needs to prove anything: a key, a part, an anchor."""


class Unavailable(D2RError):
    """A resource is not usable now: disk full, server down, deadline passed."""

    def __init__(self, code: str, message: str, hint: str = "", *, permanent: bool = False) -> None:
        super().__init__(code, message, hint)
        self.permanent = permanent


class Misconfigured(D2RError):
    """The installation itself is wrong: a setting, a missing program, a key store."""
