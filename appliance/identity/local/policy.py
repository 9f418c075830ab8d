"""Which passwords are taken: long ones that are in no list of stolen ones and cannot be guessed from the person.

No rules about kinds of characters: they make passwords worse.  The list of 30,000 passwords from breaches and the count
of guesses come with the library zxcvbn (MIT), so both work without a network.

Source: NIST SP 800-63B, 5.1.1.2; D. Wheeler, zxcvbn: Low-Budget Password Strength Estimation, USENIX Security 2016.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from zxcvbn import zxcvbn
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from appliance.errors import InvalidInput
from appliance.identity.local.passwords import LONGEST

#: Guesses that a password must withstand, as a power of ten: beyond what can be tried against a slow hash.
LEAST_GUESSES_LOG10: Final = 8.0
#: What is looked at; the rest of a longer one can only make it better.
_LOOKED_AT: Final = 72


def check_password(password: str, shortest: int, about: tuple[str, ...]) -> None:
    """Return if ``password`` is taken.

    Parameters
    ----------
    about : what anybody would try for this person: login, name, the plant

    Raises
    ------
    InvalidInput : it is too short or too long, known from breaches, or easily guessed
    """
    if len(password) < shortest:
        raise InvalidInput("password.short", f"A password has {shortest} characters or more.", "Take four words.")
    if len(password) > LONGEST:
        raise InvalidInput("password.long", f"A password has {LONGEST} characters or fewer.")
    if password.casefold() in _stolen():
        raise InvalidInput("password.known", "This password is in lists of stolen ones.", "Take another.")
    words = [word for text in about for word in (text, *text.replace("@", " ").replace(".", " ").split()) if word]
    if zxcvbn(password[:_LOOKED_AT], user_inputs=words)["guesses_log10"] < LEAST_GUESSES_LOG10:
        raise InvalidInput(
            "password.weak", "This password is easily guessed.", "Take four words that do not belong together."
        )


@cache
def _stolen() -> frozenset[str]:
    return frozenset(word.casefold() for word in FREQUENCY_LISTS["passwords"])
