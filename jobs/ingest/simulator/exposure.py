"""Choose the videos that users are shown: recommended videos first, otherwise popular videos and videos that they like.

Apps rarely show a video to the same user twice. To simulate this without storing every view, a video may be shown to a user only
on one day in SPACING_DAYS, given by a hash of the pair.
"""

import datetime as dt
from dataclasses import dataclass

import numpy

from jobs.ingest.simulator.catalogue import Catalogue
from jobs.ingest.simulator.population import Users
from jobs.ingest.simulator.sessions import Sessions
from jobs.ingest.simulator.vocabulary import TAGS

SPACING_DAYS = 4
"""Minimum number of days between two days on which the app's own feed shows a user the same video."""

SLATE_SHARE = 0.6
"""Share of the main feed's places that are filled with recommendations, for users who have any."""

MAIN_TAB = 1

_PERSONAL = 0.8  # weight of the user's taste in the feed; the rest is popularity
_SHARPNESS = 1.3
_ROUNDS = 24  # rounds of drawing again videos that the user may not be shown; few places stay empty
_ROUNDS_BETWEEN = 4  # after this many rounds, duplicates of a user are drawn again too


@dataclass(frozen=True)
class Views:
    """Views of one day as arrays of one length, in the order of their sessions."""

    user: numpy.ndarray
    video: numpy.ndarray
    """Index into the shown catalogue."""
    session: numpy.ndarray
    position: numpy.ndarray
    """Position in the session, starting at 0."""


def expose(
    users: Users,
    sessions: Sessions,
    shown: Catalogue,
    slates: numpy.ndarray | None,
    date: dt.date,
    rng: numpy.random.Generator,
) -> Views:
    """Fill every place of every session with a video; no user sees a video twice.

    Args:
        users: the block of users of the sessions.
        sessions: the sessions of one day.
        shown: the visible videos.
        slates: (users, ranks) video ids recommended to each user, best first, -1 for none; None if there are no recommendations.
        date: the day; it decides which pairs of user and video are allowed.
        rng: the random generator.
    """
    session = numpy.arange(len(sessions.user)).repeat(sessions.views)
    user = sessions.user[session]
    position = numpy.arange(len(session)) - (sessions.views.cumsum() - sessions.views)[session]
    video = _organic(users, user, shown, date, rng)
    if slates is not None:
        recommended = _from_slates(user, sessions.tab[session] == MAIN_TAB, shown, slates, rng)
        video = numpy.where(recommended >= 0, recommended, video)
    fresh = _first_occurrences(user * len(shown.video_id) + video) & (video >= 0)
    return Views(user[fresh], video[fresh], session[fresh], position[fresh])


def _organic(
    users: Users, user: numpy.ndarray, shown: Catalogue, date: dt.date, rng: numpy.random.Generator
) -> numpy.ndarray:
    """Draw a video for each view by popularity and taste; -1 if no round drew a video that is allowed for the user today."""
    by_tag = numpy.argsort(shown.tag, kind="stable")
    weight = shown.weight[by_tag].cumsum()
    ends = numpy.searchsorted(shown.tag[by_tag], numpy.arange(len(TAGS)), side="right")
    tag_end = numpy.concatenate([[0.0], weight])[ends]
    tag_weight = numpy.diff(tag_end, prepend=0.0)
    ladder = _tag_ladder(users, tag_weight)
    video = numpy.full(len(user), -1)
    open_views = numpy.arange(len(user))
    for drawing in range(_ROUNDS):
        who = user[open_views]
        tag = numpy.searchsorted(ladder.ravel(), who + rng.random(len(who)), side="right") - who * len(TAGS)
        tag = tag.clip(0, len(TAGS) - 1)
        at = tag_end[tag] - tag_weight[tag] * rng.random(len(who))
        drawn = by_tag[numpy.searchsorted(weight, at).clip(max=len(weight) - 1)]
        allowed = _may_meet(users.user_id[who], shown.video_id[drawn], date)
        video[open_views[allowed]] = drawn[allowed]
        open_views = open_views[~allowed]
        if drawing % _ROUNDS_BETWEEN == _ROUNDS_BETWEEN - 1:
            video[~_first_occurrences(user * len(weight) + video)] = -1
            open_views = numpy.flatnonzero(video < 0)
    return video


def _tag_ladder(users: Users, tag_weight: numpy.ndarray) -> numpy.ndarray:
    """Return (users, tags): cumulative probabilities of the tags plus the user's index, so that one search serves all users."""
    popular = tag_weight / tag_weight.sum()
    liked = popular * numpy.exp(_SHARPNESS * users.taste.astype(float))
    chances = _PERSONAL * liked / liked.sum(axis=1, keepdims=True) + (1 - _PERSONAL) * popular
    cumulative = chances.cumsum(axis=1)
    return cumulative / cumulative[:, -1:] + numpy.arange(len(users))[:, None]


def _may_meet(user_id: numpy.ndarray, video_id: numpy.ndarray, date: dt.date) -> numpy.ndarray:
    mixed = user_id.astype(numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15) + video_id.astype(
        numpy.uint64
    ) * numpy.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= mixed >> numpy.uint64(29)
    mixed *= numpy.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> numpy.uint64(40)) % numpy.uint64(SPACING_DAYS) == date.toordinal() % SPACING_DAYS


def _from_slates(
    user: numpy.ndarray, main: numpy.ndarray, shown: Catalogue, slates: numpy.ndarray, rng: numpy.random.Generator
) -> numpy.ndarray:
    """Return the recommended video of each view, in order of rank over a user's day; -1 for other views or a used-up slate."""
    taken = main & (rng.random(len(user)) < SLATE_SHARE)
    nth = taken.cumsum() - 1
    first_of_user = numpy.searchsorted(user, user)  # views are sorted by user
    rank = nth - (taken.cumsum() - taken)[first_of_user]
    video_id = numpy.where(taken & (rank < slates.shape[1]), slates[user, rank.clip(0, slates.shape[1] - 1)], -1)
    index = numpy.searchsorted(shown.video_id, video_id).clip(max=len(shown.video_id) - 1)
    return numpy.where(shown.video_id[index] == video_id, index, -1)


def _first_occurrences(keys: numpy.ndarray) -> numpy.ndarray:
    first = numpy.zeros(len(keys), bool)
    first[numpy.unique(keys, return_index=True)[1]] = True
    return first
