"""One clip of a night: what determines it, the name that follows from that, and the files that it leaves."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jobs.video import mp4
from models.video.generator import VideoSpec


@dataclass(frozen=True)
class Clip:
    """All that determines a video."""

    prompt: str
    seed: int
    spec: VideoSpec
    generator: str
    generator_version: str

    @property
    def name(self) -> str:
        """32 hexadecimal digits of SHA-256 over all that determines the video: the same clip is the same file, any night."""
        said = json.dumps({**asdict(self), "encoding": mp4.ENCODING}, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    @property
    def path(self) -> Path:
        """The video, relative to the folder of videos."""
        return Path("clips", self.name[:2], f"{self.name}.mp4")

    @property
    def sidecar(self) -> Path:
        """What is known of the video (JSON), beside it."""
        return self.path.with_suffix(".json")

    @property
    def failure(self) -> Path:
        """Why there is no video (JSON), where making it failed."""
        return self.path.with_suffix(".failed.json")

    def facts(self, videos: Path) -> dict[str, Any]:
        """The sidecar of the finished video, once the video has been found to be the one it tells of, and to decode.

        Args:
            videos: the folder of videos.

        Raises:
            FileNotFoundError: it has not been made.
            mp4.BrokenVideo: a file is damaged.
        """
        try:
            facts = dict(json.loads((videos / self.sidecar).read_text(encoding="utf-8")))
        except ValueError as error:
            raise mp4.BrokenVideo(f"{self.sidecar}: {error}") from error
        if facts.get("sha256") != hashlib.sha256((videos / self.path).read_bytes()).hexdigest():
            raise mp4.BrokenVideo(f"{self.path}: its bytes are not those that its sidecar tells of")
        mp4.verify_mp4(videos / self.path)
        return facts
