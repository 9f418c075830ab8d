"""The gate to libsodium: Ed25519 signatures, and secrets sealed under a passphrase or to a public key.

libsodium's verification is strict: it refuses S >= L, public keys and R of small order, and point
encodings that are not canonical, so that one message has one signature (RFC 8032, 5.1.7).
"""

from __future__ import annotations

from typing import Final

from nacl import bindings, exceptions, public, pwhash, secret, utils

from appliance.errors import Denied, Misconfigured

SEED_BYTES: Final = 32
PUBLIC_KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
SALT_BYTES: Final = pwhash.argon2id.SALTBYTES
SEAL_KEY_BYTES: Final = public.PrivateKey.SIZE

#: Cost of one guess at a passphrase (argon2id, libsodium's "moderate": three passes over 256 MiB).
PASSPHRASE_PASSES: Final = pwhash.argon2id.OPSLIMIT_MODERATE
PASSPHRASE_MEMORY_BYTES: Final = pwhash.argon2id.MEMLIMIT_MODERATE

#: What a key store may ask for; beyond it the file is broken or hostile.
_MOST_PASSES: Final = 32
_MOST_MEMORY_BYTES: Final = 1 << 30


def random_bytes(count: int) -> bytes:
    """``count`` bytes from the operating system's generator."""
    return bytes(utils.random(count))


def public_key_of(seed: bytes) -> bytes:
    """The Ed25519 public key, 32 bytes, of a 32-byte seed."""
    public, _ = bindings.crypto_sign_seed_keypair(seed)
    return bytes(public)


def sign(seed: bytes, message: bytes) -> bytes:
    """The Ed25519 signature of ``message``, 64 bytes. Source: RFC 8032, 5.1.6."""
    _, secret_key = bindings.crypto_sign_seed_keypair(seed)
    return bytes(bindings.crypto_sign(message, secret_key)[:SIGNATURE_BYTES])


def is_signature(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether ``signature`` over ``message`` was made with the key of ``public_key``.

    The one question that every ``verify_*`` function of the appliance ends in.
    """
    if len(public_key) != PUBLIC_KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        bindings.crypto_sign_open(signature + message, public_key)
    except exceptions.BadSignatureError:
        return False
    return True


def passphrase_key(passphrase: str, salt: bytes, passes: int, memory_bytes: int) -> bytes:
    """The 32-byte key of a passphrase (argon2id, RFC 9106).

    Raises
    ------
    Misconfigured : the cost lies outside of what libsodium or this machine can do
    """
    if not (1 <= passes <= _MOST_PASSES and memory_bytes <= _MOST_MEMORY_BYTES):
        raise Misconfigured("keys.cost", "The key store asks for an impossible passphrase cost.")
    try:
        return bytes(pwhash.argon2id.kdf(secret.SecretBox.KEY_SIZE, passphrase.encode(), salt, passes, memory_bytes))
    except (exceptions.CryptoError, ValueError) as error:
        raise Misconfigured("keys.cost", f"The passphrase cannot be turned into a key: {error}.") from error


def seal(key: bytes, plain: bytes) -> bytes:
    """``plain`` encrypted and authenticated under ``key``, with a fresh nonce in front."""
    return bytes(secret.SecretBox(key).encrypt(plain))


def unseal(key: bytes, sealed: bytes) -> bytes:
    """What ``seal`` was given.

    Raises
    ------
    Denied : the key is another one, or the sealed bytes were changed
    """
    try:
        return bytes(secret.SecretBox(key).decrypt(sealed))
    except (exceptions.CryptoError, ValueError) as error:
        raise Denied("keys.passphrase", "The passphrase does not open this key store.", "Check it.") from error


def seal_public_key(private: bytes) -> bytes:
    """The X25519 public key of a 32-byte private key."""
    return bytes(public.PrivateKey(private).public_key)


def seal_to(public_key: bytes, plain: bytes) -> bytes:
    """``plain`` sealed so that only the holder of the private half reads it (X25519, ephemeral sender)."""
    return bytes(public.SealedBox(public.PublicKey(public_key)).encrypt(plain))


def unseal_with(private: bytes, sealed: bytes) -> bytes:
    """What ``seal_to`` was given.

    Raises
    ------
    Denied : it was sealed to another key, or changed
    """
    try:
        return bytes(public.SealedBox(public.PrivateKey(private)).decrypt(sealed))
    except (exceptions.CryptoError, ValueError) as error:
        raise Denied("keys.recovery", "This recovery key does not open this file.", "Check it.") from error
