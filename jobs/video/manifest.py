"""The C2PA manifest of a clip: a signed statement in the file that it was made by AI, and from what (https://c2pa.org).

It says `c2pa.created` with the source type `trainedAlgorithmicMedia`, which other programs understand, and in an assertion of
our own, `org.nightreel.clip`, what `Claim` lists. It has the SHA-256 of the prompt and not the prompt, because texts of users
are personal. It has no time: a clip may be made again, and who signs is not asked when.
"""

import hashlib
import json
import uuid
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any

import c2pa

from jobs.platform.run import code_version, run_id
from jobs.video.boxes import has_manifest
from jobs.video.certificate import Credentials
from jobs.video.clip import Clip
from jobs.video.mp4 import BrokenVideo

_MADE_BY_AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_ACTIONS, _CLIP = "c2pa.actions.v2", "org.nightreel.clip"
_FORMAT = "video/mp4"


@dataclass(frozen=True)
class Claim:
    """What our manifest says of a clip."""

    clip: str
    """The clip's name."""
    prompt_sha256: str
    """SHA-256 of the prompt in UTF-8, 64 hexadecimal digits."""
    generator: str
    generator_version: str
    seed: int
    run: str
    """The scheduler run that made the file."""
    code: str
    """The version of the code that made the file."""


@dataclass(frozen=True)
class Manifest:
    """A manifest whose signature and hashes are valid."""

    claim: Claim | None
    """None if the manifest is not of a clip of ours."""
    signer: str
    """Who signed it, as its certificate says."""
    is_ours: bool
    """True if our certificate has signed it."""


def claim_of(clip: Clip) -> Claim:
    """Return what a manifest says of a clip that this process makes."""
    return Claim(
        clip.name,
        prompt_sha256(clip.prompt),
        clip.generator,
        clip.generator_version,
        clip.seed,
        run_id(),
        code_version(),
    )


def prompt_sha256(prompt: str) -> str:
    """Return the SHA-256 of a prompt, 64 hexadecimal digits."""
    return hashlib.sha256(prompt.encode()).hexdigest()


def sign(video: bytes, claim: Claim, credentials: Credentials) -> bytes:
    """Return an MP4 file with a manifest that says the claim.

    Raises:
        BrokenVideo: the file is no MP4 file.
        c2pa.C2paError: C2PA does not accept the certificate.
    """
    definition = {
        "claim_version": 2,
        "claim_generator_info": [{"name": "Nightreel", "version": claim.code}],
        "format": _FORMAT,
        "title": f"{claim.clip}.mp4",
        "label": f"urn:c2pa:{uuid.UUID(claim.clip, version=4)}",  # C2PA accepts only random UUIDs
        "instance_id": f"xmp:iid:{uuid.UUID(claim.clip, version=4)}",
        "assertions": [
            {
                "label": _ACTIONS,
                "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": _MADE_BY_AI}]},
            },
            {"label": _CLIP, "data": asdict(claim)},
        ],
    }
    if has_manifest(video):
        raise BrokenVideo("the file has a manifest already")
    signed = BytesIO()
    info = c2pa.C2paSignerInfo(
        credentials.algorithm.encode(), credentials.chain.encode(), credentials.private_key.encode(), None
    )
    with c2pa.Signer.from_info(info) as signer, c2pa.Builder(json.dumps(definition), _context(credentials)) as builder:
        builder.sign(signer, _FORMAT, BytesIO(video), signed)
    return signed.getvalue()


def read(video: bytes, credentials: Credentials) -> Manifest | None:
    """Return the manifest of an MP4 file, after checking its signature and the hashes of the file; None if it has none.

    Raises:
        BrokenVideo: the file or its manifest was changed after signing, or is no MP4 file.
    """
    if not has_manifest(video):
        return None
    try:
        with c2pa.Reader(_FORMAT, BytesIO(video), context=_context(credentials)) as reader:
            state = reader.get_validation_state()
            store: dict[str, Any] = json.loads(reader.json())
    except c2pa.C2paError as error:
        raise BrokenVideo(f"its manifest cannot be read: {error}") from error
    if state not in {"Valid", "Trusted"}:
        failures = store.get("validation_results", {}).get("activeManifest", {}).get("failure", [])
        reasons = ", ".join(dict.fromkeys(failure["code"] for failure in failures))
        raise BrokenVideo(f"it differs from what its manifest was signed for ({reasons or state})")
    active = store["manifests"][store["active_manifest"]]
    signature = active.get("signature_info", {})
    signer = ", ".join(filter(None, (signature.get("common_name"), signature.get("issuer"))))
    return Manifest(_claim(active), signer, state == "Trusted")


def _claim(manifest: dict[str, Any]) -> Claim | None:
    said = next((a["data"] for a in manifest.get("assertions", ()) if a["label"] == _CLIP), None)
    try:
        return None if said is None else Claim(**said)
    except TypeError:  # a later or earlier release's
        return None


def _context(credentials: Credentials) -> c2pa.Context:
    return c2pa.Context.from_dict(
        {
            "verify": {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
            "trust": {"trust_anchors": credentials.anchors},
            "builder": {"thumbnail": {"enabled": False}},
        }
    )
