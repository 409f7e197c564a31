"""The certificate that signs the manifests of clips: the lake's own, or yours.

The lake's own keys are derived from its pseudonym key (HKDF, RFC 5869), so all machines of a lake sign with one certificate,
and no other secret has to be copied. It has a root, which `python -m jobs.video.certificate` prints, for the trust list of
who checks clips elsewhere.

To sign with a certificate of yours, set NIGHTREEL_C2PA_CERTIFICATE to the path of its chain (PEM, the signer's first) and
NIGHTREEL_C2PA_KEY_FILE to that of its private key (PEM, without a password): an RSA, P-256, P-384, P-521 or Ed25519 key.
Clips that the lake's own certificate signed stay trusted.
"""

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from jobs.platform import pseudonym
from jobs.platform.command import command
from jobs.platform.errors import UsageError
from jobs.platform.settings import Settings, settings

CERTIFICATE, KEY_FILE = "NIGHTREEL_C2PA_CERTIFICATE", "NIGHTREEL_C2PA_KEY_FILE"

_VALID = dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2049, 12, 31, tzinfo=dt.UTC)
"""Fixed, so that every machine derives the same certificate."""
_USES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


@dataclass(frozen=True)
class Credentials:
    """What signs a manifest, and whose signatures are trusted."""

    algorithm: str
    """As C2PA names it, e.g. `ed25519`."""
    chain: str
    """PEM, the signer's certificate first."""
    private_key: str
    """PEM."""
    anchors: str
    """PEM: the certificates whose signers are ours."""

    def __repr__(self) -> str:
        """Return a text without the key."""
        return f"Credentials({self.algorithm})"


def credentials(settings: Settings) -> Credentials:
    """Return the credentials that the settings name, else those of the lake.

    Raises:
        UsageError: the lake's pseudonym key is missing; only one of the two settings is given; a file cannot be read, is not PEM,
            or key and certificate do not belong together.
    """
    own = derived(pseudonym.key(settings))
    paths = [os.environ.get(name) for name in (CERTIFICATE, KEY_FILE)]
    if not any(paths):
        return own
    if not all(paths):
        raise UsageError(f"{CERTIFICATE} and {KEY_FILE} belong together; set both, or neither for the lake's own")
    return _from_files(Path(str(paths[0])), Path(str(paths[1])), own.anchors)


def derived(secret: bytes) -> Credentials:
    """Return the credentials that belong to a pseudonym key: a root, and a signer's certificate. The same key gives the same."""
    root_key, key = (_derived_key(secret, part) for part in ("root", "signer"))
    root = _certificate("Nightreel root", root_key, "Nightreel root", root_key, is_root=True)
    signer = _certificate("Nightreel clips", key, "Nightreel root", root_key, is_root=False)
    return Credentials("ed25519", _pem(signer) + _pem(root), _pem_of_key(key), _pem(root))


def _derived_key(secret: bytes, part: str) -> Ed25519PrivateKey:
    info = f"nightreel c2pa {part}".encode()
    return Ed25519PrivateKey.from_private_bytes(HKDF(hashes.SHA256(), 32, None, info).derive(secret))


def _certificate(
    subject: str, key: Ed25519PrivateKey, issuer: str, issuer_key: Ed25519PrivateKey, *, is_root: bool
) -> x509.Certificate:
    uses = {"key_cert_sign", "crl_sign"} if is_root else {"digital_signature"}
    serial = hashes.Hash(hashes.SHA256())
    serial.update(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(int.from_bytes(serial.finalize()[:15], "big") + 1)
        .not_valid_before(_VALID[0])
        .not_valid_after(_VALID[1])
        .add_extension(x509.BasicConstraints(is_root, 0 if is_root else None), critical=True)
        .add_extension(x509.KeyUsage(**{use: use in uses for use in _USES}), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not is_root:  # C2PA requires a purpose, and programs that read manifests accept this one by default
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return builder.sign(issuer_key, None)


def _name(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Nightreel"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _from_files(chain_path: Path, key_path: Path, also_trusted: str) -> Credentials:
    try:
        chain = x509.load_pem_x509_certificates(chain_path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"{CERTIFICATE}={chain_path} is no readable chain of certificates in PEM ({error})") from error
    try:
        key = load_pem_private_key(key_path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:  # TypeError: it has a password
        raise UsageError(f"{KEY_FILE}={key_path} is no readable private key in PEM ({error})") from error
    match key:
        case Ed25519PrivateKey():
            algorithm = "ed25519"
        case RSAPrivateKey():
            algorithm = "ps256"
        case EllipticCurvePrivateKey() if key.curve.name in _CURVES:
            algorithm = _CURVES[key.curve.name]
        case _:
            raise UsageError(f"{KEY_FILE}={key_path}: C2PA signs with RSA, P-256, P-384, P-521 or Ed25519 keys only")
    if key.public_key() != chain[0].public_key():
        raise UsageError(f"{KEY_FILE}={key_path} is not the key of the first certificate in {CERTIFICATE}={chain_path}")
    pem = "".join(map(_pem, chain))
    return Credentials(algorithm, pem, _pem_of_key(key), _pem(chain[-1]) + also_trusted)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _pem_of_key(key: Ed25519PrivateKey | RSAPrivateKey | EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def main(argv: Sequence[str] | None = None) -> None:
    """Print the certificates whose signers are ours, in PEM."""
    with command(argv, __doc__):
        print(credentials(settings()).anchors, end="")


if __name__ == "__main__":
    main()
