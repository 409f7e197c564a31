"""A finished clip says in its manifest how it was made, and any changed byte of it is noticed."""

import dataclasses
import json
from io import BytesIO

import c2pa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.video import boxes, certificate, manifest, mark
from jobs.video.clip import Clip
from jobs.video.finish import finished
from jobs.video.mp4 import BrokenVideo, encode_mp4
from models.video.sound import Sound
from tests.jobs.video.clips import SIGNER, SPEC

CLIP = Clip("一只猫 of mine", 7, SPEC, "vae", "vae-1")
FRAMES = np.random.default_rng(0).integers(0, 255, (16, 8, 8, 3), np.uint8).repeat(8, 1).repeat(8, 2)
FILE = finished(FRAMES, CLIP, SIGNER)


def intact(video: bytes) -> bool:
    """True if the file is as it was finished, by what `make verify` asks."""
    try:
        boxes.check_digest(video, "it")
        said = manifest.read(video, SIGNER)
    except BrokenVideo:
        return False
    return said is not None and said.is_ours and said.claim is not None


def test_it_says_how_the_clip_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTREEL_RUN_ID", "nightly/1")
    monkeypatch.setenv("NIGHTREEL_CODE_VERSION", "c0de")
    said = manifest.read(finished(FRAMES, CLIP, SIGNER), SIGNER)
    assert said is not None
    digest = manifest.prompt_sha256(CLIP.prompt)
    assert said.claim == manifest.Claim(CLIP.name, digest, "vae", "vae-1", 7, "nightly/1", "c0de")
    assert said.is_ours


def test_other_programs_read_that_ai_made_it() -> None:
    with c2pa.Reader("video/mp4", BytesIO(FILE)) as reader:
        store = json.loads(reader.json())
    (active,) = store["manifests"].values()
    actions = [a["data"]["actions"] for a in active["assertions"] if a["label"].startswith("c2pa.actions")]
    source = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    assert actions == [[{"action": "c2pa.created", "digitalSourceType": source}]]
    assert "when" not in json.dumps(actions)


def test_it_does_not_contain_the_prompt() -> None:
    assert CLIP.prompt.encode() not in FILE
    assert b"of mine" not in FILE


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_any_changed_byte_is_noticed(position: int, change: int) -> None:
    changed = bytearray(FILE)
    changed[position] ^= change
    assert intact(FILE)
    assert not intact(bytes(changed))


@settings(max_examples=100, deadline=None)
@given(st.integers(FILE.find(b"mdat") + 4, len(FILE) - 41))
def test_who_changes_what_is_shown_cannot_sign_it(position: int) -> None:
    changed = bytearray(FILE[:-40])
    changed[position] ^= 0xFF
    assert not intact(boxes.with_digest(bytes(changed)))


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(FILE)))
def test_what_is_no_finished_file_raises_one_error(garbage: bytes, length: int) -> None:
    for video in (garbage, FILE[:length] if length < len(FILE) else b"", FILE[:length] + garbage + b"x"):
        assert not intact(video)


def test_the_file_without_its_manifest_is_the_encoded_one() -> None:
    encoded = encode_mp4(FRAMES, SPEC.fps)
    claim = manifest.claim_of(CLIP)
    signed = boxes.with_digest(manifest.sign(encoded, claim, SIGNER))
    assert signed != boxes.with_digest(manifest.sign(encoded, claim, SIGNER))  # c2pa salts at random
    assert boxes.without_provenance(signed) == encoded == boxes.without_provenance(encoded)
    assert boxes.has_manifest(signed)
    assert not boxes.has_manifest(encoded)
    assert manifest.read(encoded, SIGNER) is None


def test_a_manifest_that_someone_else_signed_is_valid_but_not_ours() -> None:
    said = manifest.read(finished(FRAMES, CLIP, certificate.derived(b"x" * 32)), SIGNER)
    assert said is not None
    assert not said.is_ours
    assert said.claim is not None
    assert "Nightreel" in said.signer


def test_a_file_is_signed_once() -> None:
    with pytest.raises(BrokenVideo, match="manifest already"):
        manifest.sign(FILE, manifest.claim_of(CLIP), SIGNER)


def test_the_label_is_part_of_the_clip_and_seen() -> None:
    labelled = dataclasses.replace(CLIP, label=True)
    assert labelled.name != CLIP.name
    assert boxes.without_provenance(finished(FRAMES, labelled, SIGNER)) != boxes.without_provenance(FILE)


def test_a_file_with_sound_is_signed_and_found_again() -> None:
    sound = Sound(np.sin(np.arange(12_000, dtype=np.float32) / 9)[None], 24_000)
    file = finished(FRAMES, CLIP, SIGNER, sound)
    said = manifest.read(file, SIGNER)
    assert said is not None
    assert said.is_ours
    assert boxes.without_provenance(file) == encode_mp4(mark.embed(FRAMES, CLIP.name), CLIP.spec.fps, sound)
