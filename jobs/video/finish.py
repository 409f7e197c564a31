"""From the frames of a generator to the file that people see. Every mp4 of the platform is made by `finished`."""

from jobs.video import label, manifest, mark, mp4
from jobs.video.boxes import with_digest
from jobs.video.certificate import Credentials
from jobs.video.clip import Clip
from models.video.generator import Frames
from models.video.sound import Sound


def finished(frames: Frames, clip: Clip, credentials: Credentials, sound: Sound | None = None) -> bytes:
    """Return the finished MP4 file: labelled if the clip says so, marked, encoded, with its manifest and digest.

    Args:
        frames: (T, H, W, 3), as generated.
        clip: what they are of.
        credentials: sign the manifest.
        sound: that of the clip; None for a silent one.

    Raises:
        ValueError: the frames or the sound cannot be encoded.
    """
    shown = label.draw(frames) if clip.label else frames
    encoded = mp4.encode_mp4(mark.embed(shown, clip.name), clip.spec.fps, sound)
    return with_digest(manifest.sign(encoded, manifest.claim_of(clip), credentials))
