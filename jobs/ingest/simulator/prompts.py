"""What simulated users ask the video generator for: a few requests a night, some of them equal, and one that cannot be served."""

import datetime as dt
import json
from collections.abc import Iterator

from jobs.ingest.simulator.seeding import generator
from jobs.video.prompts import PROMPTS

_REQUESTS = 6
_TEXTS = tuple(text for pairs in PROMPTS.values() for pair in pairs for text in pair)


def prompt_lines(seed: int, date: dt.date, users: int) -> Iterator[bytes]:
    """Yield the lines of a night's video prompts.

    Args:
        seed: seed of the app.
        date: the night.
        users: number of users, who have the ids from 0 on.
    """
    rng = generator(seed, "video prompts", date.toordinal())
    texts = [_TEXTS[place] for place in rng.choice(len(_TEXTS), _REQUESTS - 2, replace=False)]
    for number, text in enumerate([*texts, texts[0], ""]):  # two users want the same, and one wrote nothing
        line = {"request": f"{date}-{number}", "user": int(rng.integers(users)), "text": text}
        if number == 1:
            line |= {"seconds": 1, "size": "128x128", "seed": int(rng.integers(1 << 31))}
        yield json.dumps(line, ensure_ascii=False).encode() + b"\n"
