"""A clip of a night: the inputs that determine it, its name and its files."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infra.storage import Location
from jobs.video import boxes, mark, mp4
from models.video.generator import VideoSpec


@dataclass(frozen=True)
class Clip:
    """The inputs that determine a video."""

    prompt: str
    seed: int
    spec: VideoSpec
    generator: str
    generator_version: str
    label: bool = False
    """True if "AI" is written on the video."""

    @property
    def name(self) -> str:
        """32 hexadecimal digits of the SHA-256 of the inputs: the same clip is the same file on every night."""
        inputs = json.dumps(
            {**asdict(self), "encoding": mp4.ENCODING, "mark": mark.VERSION}, sort_keys=True, ensure_ascii=False
        )
        return hashlib.sha256(inputs.encode()).hexdigest()[:32]

    @property
    def path(self) -> Path:
        """Path of the video, relative to the folder of videos."""
        return Path("clips", self.name[:2], f"{self.name}.mp4")

    @property
    def sidecar(self) -> Path:
        """Path of the metadata of the video (JSON), relative to the folder of videos."""
        return self.path.with_suffix(".json")

    @property
    def failure(self) -> Path:
        """Path of the error or refusal of a clip that was not made (JSON), relative to the folder of videos."""
        return self.path.with_suffix(".failed.json")

    def recorded(self, videos: Location) -> dict[str, Any]:
        """Return the content of the sidecar.

        Args:
            videos: the folder of videos.

        Raises:
            FileNotFoundError: the clip is not finished.
            mp4.BrokenVideo: the sidecar is damaged.
        """
        try:
            return dict(json.loads((videos / self.sidecar).read_text(encoding="utf-8")))
        except ValueError as error:
            raise mp4.BrokenVideo(f"{self.sidecar}: {error}") from error

    def facts(self, videos: Location) -> dict[str, Any]:
        """Return the content of the sidecar, after checking the digests of the video and that the video decodes.

        A clip that has no `code` in its sidecar was made before clips had manifests, and has none.

        Args:
            videos: the folder of videos.

        Raises:
            FileNotFoundError: the clip is not finished.
            mp4.BrokenVideo: a file is damaged.
        """
        facts = self.recorded(videos)
        content = (videos / self.path).read_bytes()
        if facts.get("sha256") != boxes.sha256_of_encoded(content, str(self.path)):
            raise mp4.BrokenVideo(f"{self.path}: its SHA-256 differs from the one in its sidecar")
        if "code" in facts:
            boxes.check_digest(content, str(self.path))
        mp4.verify_mp4(videos / self.path)
        return facts
