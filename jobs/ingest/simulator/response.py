"""How a user responds to a video, depending on how well they match, on where the video is shown, and on chance.

The constants are chosen so that the rates over all views are close to those of KuaiRand's logs.
"""

from dataclasses import dataclass

import numpy

from jobs.ingest.long_view import ENOUGH_S, is_long_view
from jobs.ingest.simulator.catalogue import Catalogue
from jobs.ingest.simulator.exposure import Views
from jobs.ingest.simulator.population import Users
from jobs.ingest.simulator.sessions import Sessions

_TAB_LOGITS = {1: 0.0, 0: -3.2, 4: 0.5, 6: -2.5, 2: -0.2, 8: -4.0, 5: -1.6}
_CLICK, _MATCH, _QUALITY, _GENEROSITY, _POSITION, _SWIPE = 0.02, 1.4, 0.4, 0.5, 0.3, 0.25
_FEEDBACK = {  # logit if clicked, reduction if not clicked, slope of the match, slope of generosity
    "is_like": (-5.0, 1.6, 0.9, 0.9),
    "is_follow": (-7.0, 1.8, 0.7, 0.3),
    "is_comment": (-6.0, 4.0, 0.5, 0.3),
    "is_forward": (-7.4, 2.5, 0.6, 0.3),
    "is_hate": (-7.5, -0.3, -0.8, 0.0),
    "is_profile_enter": (-3.8, 2.8, 0.5, 0.0),
}


@dataclass(frozen=True)
class Responses:
    """Values of each view by the log's column names; flags are 0 or 1, times are in milliseconds."""

    columns: dict[str, numpy.ndarray]


def respond(users: Users, sessions: Sessions, views: Views, shown: Catalogue, rng: numpy.random.Generator) -> Responses:
    """Draw the response to every view."""
    size = len(views.user)
    match = match_of(users, shown, views.user, views.video)
    duration = shown.duration_ms[views.video]
    generosity = users.generosity[views.user]
    tab_logit = numpy.array([_TAB_LOGITS.get(tab, 0.0) for tab in range(max(_TAB_LOGITS) + 1)])[
        sessions.tab[views.session]
    ]
    logit = _CLICK + tab_logit + _MATCH * match + _QUALITY * shown.quality[views.video] + _GENEROSITY * generosity
    logit -= _POSITION * numpy.log1p(views.position) + _SWIPE * numpy.abs(numpy.log(duration.clip(3_000) / 60_000))
    click = rng.random(size) < _chance(logit)
    play = _play_times(click, match, duration, rng)
    columns = {
        "is_click": click.astype(int),
        "long_view": is_long_view(play, duration).astype(int),
        "play_time_ms": play,
        "duration_ms": duration,
    }
    for name, (clicked, less, by_match, by_generosity) in _FEEDBACK.items():
        feedback = clicked - less * ~click + by_match * match + by_generosity * generosity
        columns[name] = (rng.random(size) < _chance(feedback)).astype(int)
    reads = (rng.random(size) < numpy.where(click, 0.09, 0.002)) | (columns["is_comment"] == 1)
    columns["comment_stay_time"] = numpy.where(reads, rng.lognormal(8.7, 0.9, size), 0).astype(int)
    stays = (columns["is_profile_enter"] == 1) & (rng.random(size) < 0.05)
    columns["profile_stay_time"] = numpy.where(stays, rng.lognormal(9.0, 1.0, size), 0).astype(int)
    return Responses(columns)


def match_of(users: Users, shown: Catalogue, user: numpy.ndarray, video: numpy.ndarray) -> numpy.ndarray:
    """Return how well users and videos match: about standard normal over random pairs; two thirds by tag, the rest latent."""
    hidden = numpy.einsum("ij,ij->i", users.hidden[user], shown.hidden[video])
    return 0.82 * users.taste[user, shown.tag[video]] + 0.57 * hidden


def _play_times(
    click: numpy.ndarray, match: numpy.ndarray, duration: numpy.ndarray, rng: numpy.random.Generator
) -> numpy.ndarray:
    """Return the milliseconds watched: a glance if not clicked; otherwise a part, all or more than one loop of the video."""
    size = len(click)
    length = numpy.where(duration > 0, duration, 12_000).astype(float)
    glance = numpy.minimum(
        rng.lognormal(7.5, 0.8, size) * (rng.random(size) > 0.08), 0.95 * numpy.minimum(length, 1000 * ENOUGH_S)
    )
    whole = rng.random(size) < _chance(-1.5 + 0.6 * match - 0.5 * numpy.log(length / 80_000))
    loops = 1 + rng.exponential(0.15, size)
    part = 1 / (1 + numpy.exp(-(rng.normal(-0.9, 1.3, size) + 0.4 * match)))
    return numpy.where(click, length * numpy.where(whole, loops, part), glance).astype(int)


def _chance(logit: numpy.ndarray) -> numpy.ndarray:
    return 1 / (1 + numpy.exp(-logit))
