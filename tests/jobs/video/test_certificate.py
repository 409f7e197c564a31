"""One lake has one certificate; another can be given, and wrong ones are refused in one line."""

import datetime as dt
import secrets
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from jobs.platform.errors import UsageError
from jobs.platform.settings import settings
from jobs.video import certificate, manifest
from jobs.video.certificate import CERTIFICATE, KEY_FILE, Credentials, credentials, derived
from jobs.video.clip import Clip
from jobs.video.finish import finished
from tests.jobs.video.clips import SPEC

FRAMES = np.zeros((16, 64, 64, 3), np.uint8)


def signed_and_read(signer: Credentials) -> manifest.Manifest:
    said = manifest.read(finished(FRAMES, Clip("a", 1, SPEC, "vae", "vae-1"), signer), signer)
    assert said is not None
    return said


def own_files(folder: Path) -> tuple[Path, Path]:
    """Write a chain with a P-256 key, and the key, as a company's own authority would issue them."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def issued(subject: str, of: ec.EllipticCurvePrivateKey, root: bool) -> x509.Certificate:
        names = [
            x509.Name(
                [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
            )
            for name in (subject, "Acme root")
        ]
        uses = dict.fromkeys(certificate._USES, False) | {"key_cert_sign" if root else "digital_signature": True}
        builder = (
            x509.CertificateBuilder(names[1], names[0], of.public_key(), x509.random_serial_number())
            .not_valid_before(dt.datetime(2020, 1, 1))
            .not_valid_after(dt.datetime(2040, 1, 1))
            .add_extension(x509.BasicConstraints(root, None), critical=True)
            .add_extension(x509.KeyUsage(**uses), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(of.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        )
        if not root:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
        return builder.sign(root_key, hashes.SHA256())

    chain, key_file = folder / "chain.pem", folder / "key.pem"
    certificates = (issued("Acme videos", key, False), issued("Acme root", root_key, True))
    chain.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in certificates))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return chain, key_file


def test_machines_with_one_pseudonym_key_have_one_certificate() -> None:
    secret = secrets.token_bytes(32)
    assert derived(secret) == derived(secret) != derived(secrets.token_bytes(32))
    assert secret.hex() not in "".join((derived(secret).chain, derived(secret).private_key))
    assert signed_and_read(derived(secret)).is_ours


def test_the_key_is_in_no_message() -> None:
    assert "PRIVATE" not in repr(derived(bytes(32)))


def test_the_certificate_of_a_home_is_that_of_its_pseudonym_key(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (CERTIFICATE, KEY_FILE):
        monkeypatch.delenv(name, raising=False)
    first = credentials(settings())
    assert credentials(settings()) == first
    certificate.main([])
    assert capsys.readouterr().out == first.anchors
    monkeypatch.setenv("NIGHTREEL_PSEUDONYM_KEY", secrets.token_hex(32))
    assert credentials(settings()).chain != first.chain


def test_ones_own_certificate_signs_and_the_lakes_own_stays_trusted(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = credentials(settings())
    chain, key = own_files(home)
    monkeypatch.setenv(CERTIFICATE, str(chain))
    monkeypatch.setenv(KEY_FILE, str(key))
    own = credentials(settings())
    assert own.algorithm == "es256"
    said = signed_and_read(own)
    assert (said.is_ours, said.signer) == (True, "Acme videos, Acme")
    earlier = manifest.read(finished(FRAMES, Clip("a", 1, SPEC, "vae", "vae-1"), before), own)
    assert earlier is not None
    assert earlier.is_ours


def test_wrong_files_are_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain, key = own_files(home)
    (home / "other").mkdir()
    _, other_key = own_files(home / "other")
    for certificate_file, key_file, message in (
        (chain, "", "belong together"),
        ("", key, "belong together"),
        (home / "absent.pem", key, "is no readable chain"),
        (key, key, "is no readable chain"),
        (chain, home / "absent.pem", "is no readable private key"),
        (chain, chain, "is no readable private key"),
        (chain, other_key, "is not the key of the first certificate"),
    ):
        monkeypatch.setenv(CERTIFICATE, str(certificate_file))
        monkeypatch.setenv(KEY_FILE, str(key_file))
        with pytest.raises(UsageError, match=message):
            credentials(settings())
