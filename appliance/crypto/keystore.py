"""The local key store: a folder with one file that holds every key of this appliance.

``keys.json`` (0600, in a folder that is 0700) holds the Ed25519 key that signs reports and the log,
the P-256 key that signs PDFs, and the public halves of retired keys.  One file, written whole: a crash
in a rotation leaves the old keys or the new ones, never a mixture.  With a passphrase the private
halves are sealed (argon2id, XSalsa20-Poly1305); without one, the file's mode is all that protects them.

It refuses a file or folder that others may read: a key that others could have copied proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from appliance.core.clock import rfc3339, utc_now
from appliance.core.files import write_whole
from appliance.crypto import sodium
from appliance.crypto.certificate import PdfIdentity, new_pdf_identity
from appliance.crypto.keyfile import KeyRing, RetiredKey, dump_key_ring, load_key_ring, load_public_keys
from appliance.crypto.private import locked_folder, make_private_folder, read_private
from appliance.crypto.rotation import sign_rotation
from appliance.crypto.vkey import Signer, VerifierKey, check_name, format_trust, read_trust
from appliance.errors import Conflict, NotFound

KEY_FILE: Final = "keys.json"
TRUST_FILE: Final = "trusted.keys"


@dataclass
class KeyStore:
    """The keys of one appliance, opened."""

    folder: Path
    _ring: KeyRing
    _passphrase: str | None
    _stamp: tuple[int, int] = (0, 0)
    _newer: KeyStore | None = None

    @classmethod
    def open(cls, folder: Path, passphrase: str | None = None) -> KeyStore:
        """Open the key store in ``folder``.

        Raises
        ------
        NotFound : there is none
        Denied : the passphrase is missing or wrong
        Misconfigured : others may read it, or its file is broken
        """
        stamp = _stamp_of(folder)
        return cls(folder, load_key_ring(_key_file(folder), passphrase), passphrase, stamp)

    def latest(self) -> KeyStore:
        """This store as its file has it now: another process may have rotated the keys since it was opened.

        This store itself stays as it is: what was begun with one key ends with it.
        """
        stamp = _stamp_of(self.folder)
        if stamp == self._stamp:
            return self
        if self._newer is None or self._newer._stamp != stamp:
            self._newer = self.open(self.folder, self._passphrase)
        return self._newer

    @classmethod
    def open_or_create(cls, folder: Path, name: str | None = None, passphrase: str | None = None) -> KeyStore:
        """Open the key store in ``folder``, or make one whose keys sign as ``name``.

        Without a name the appliance calls itself ``d2r.local/`` and eight random hex digits: two
        logs must never share a name.  The name of an existing store stays as it is.
        """
        make_private_folder(folder)
        with locked_folder(folder):
            if not (folder / KEY_FILE).exists():
                chosen = check_name(name or f"d2r.local/{sodium.random_bytes(4).hex()}")
                store = cls(folder, _new_ring(chosen), passphrase)
                store._write()
        return cls.open(folder, passphrase)

    @property
    def name(self) -> str:
        """The name that reports and the log are signed under."""
        return self._ring.signer.name

    def signer(self) -> Signer:
        """The current key of reports and of the log."""
        return self._ring.signer

    def pdf_identity(self) -> PdfIdentity:
        """The current key and certificate of PDF signatures."""
        return self._ring.pdf

    def own_keys(self) -> tuple[VerifierKey, ...]:
        """Public halves of this appliance's keys, the current one first, then retired ones, latest first."""
        return (self._ring.signer.verifier, *(key.vkey for key in reversed(self._ring.retired)))

    def retired(self) -> tuple[RetiredKey, ...]:
        """Retired keys in the order of their retirement, with the envelope that records each rotation."""
        return self._ring.retired

    def added_keys(self) -> tuple[VerifierKey, ...]:
        """Keys of others (appliances, witnesses) that this operator chose to trust."""
        return _added_keys(self.folder)

    def trusted(self) -> tuple[VerifierKey, ...]:
        """Own keys, current and retired, and the keys that the operator added."""
        return self.own_keys() + self.added_keys()

    def trust(self, key: VerifierKey) -> None:
        """Add ``key`` to the trusted ones.

        Raises
        ------
        Conflict : it is trusted already
        """
        with locked_folder(self.folder):
            if key in self.trusted():
                raise Conflict("trust.twice", f"'{key.label}' is trusted already.")
            text = format_trust((*self.added_keys(), key))
            write_whole(self.folder / TRUST_FILE, text.encode(), 0o600)

    def rotate(self) -> RetiredKey:
        """Replace both keys by new ones; the private halves of the old ones are destroyed.

        The rotation is recorded in an envelope that the old key and the new key sign: whoever trusts the
        old one can follow to the new one.  Old signatures stay verifiable through ``trusted``.
        """
        with locked_folder(self.folder):
            ring = self.open(self.folder, self._passphrase)._ring
            old, new, moment = ring.signer, Signer.generate(ring.signer.name), rfc3339(utc_now())
            record = sign_rotation(old, new, moment)
            gone = RetiredKey(old.verifier, ring.pdf.certificate_der, moment, record)
            self._ring = replace(ring, signer=new, pdf=new_pdf_identity(new.name), retired=(*ring.retired, gone))
            self._write()
        return gone

    def _write(self) -> None:
        write_whole(self.folder / KEY_FILE, dump_key_ring(self._ring, self._passphrase), 0o600)
        self._stamp = _stamp_of(self.folder)


def _stamp_of(folder: Path) -> tuple[int, int]:
    """What changes when the file is written: it is always written whole, as a new file."""
    try:
        found = (folder / KEY_FILE).stat()
    except OSError:
        return (0, 0)
    return found.st_ino, found.st_mtime_ns


def trusted_keys(folder: Path) -> tuple[VerifierKey, ...]:
    """What ``KeyStore.trusted`` gives, from the public halves alone: verifying needs no passphrase.

    Raises
    ------
    NotFound : there is no key store in ``folder``
    Misconfigured : others may read it, or its file is broken
    """
    return load_public_keys(_key_file(folder)) + _added_keys(folder)


def _key_file(folder: Path) -> bytes:
    path = folder / KEY_FILE
    if not path.exists():
        raise NotFound("keys.missing", f"There is no key store in {folder}.")
    return read_private(path)


def _added_keys(folder: Path) -> tuple[VerifierKey, ...]:
    path = folder / TRUST_FILE
    return read_trust(path) if path.exists() else ()


def _new_ring(name: str) -> KeyRing:
    return KeyRing(Signer.generate(name), new_pdf_identity(name), ())
