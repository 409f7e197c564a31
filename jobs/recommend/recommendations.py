"""gold.recommendations: up to 50 videos for every active user, by the recommender that serves after this night's promotion.

A user is active if they watched anything in the last seven days. Only visible videos are recommended that the user was not shown
before, according to gold.daily_interactions. A user without a positive interaction gets popular videos. As long as no recommender
serves, there are no rows.
"""

import datetime as dt
import logging
import math
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.platform import decisions, model_files, tracking
from jobs.platform.job import run_job
from jobs.recommend import REGISTERED_MODEL
from jobs.recommend.block import recommend_sent
from jobs.recommend.catalogue import align_catalogue, load_columns, read_catalogue, save_catalogue
from jobs.recommend.interactions import ACTIVE_DAYS
from jobs.recommend.interactions_as_of import TABLE as DAILY
from jobs.recommend.interactions_as_of import interactions_as_of
from schemas.contract import load_contract

TABLE = "gold.recommendations"

_BLOCK_USERS = 4096  # with 50 recommendations each, a block returns 25 MB

_log = logging.getLogger(__name__)


def blocks_of_users(daily: DataFrame, date: dt.date) -> int:
    """Return into how many blocks the active users are divided.

    Args:
        daily: gold.daily_interactions; rows that arrived after the night are left out.
        date: the night.
    """
    # Not counted from `interactions_as_of`, which Spark would then compute twice.
    days = F.expr(f"date <= DATE'{date}' AND event_date BETWEEN DATE'{date}' - {ACTIVE_DAYS - 1} AND DATE'{date}'")
    return math.ceil(daily.where(days).select("user_id").distinct().count() / _BLOCK_USERS)


def transform(known: DataFrame, blocks: int, date: dt.date, model: str, version: str) -> DataFrame:
    """Return the rows of gold.recommendations.

    Args:
        known: user_id, video_id, strength and last_event_date of all pairs of a user and a video that the user was shown.
        blocks: see `blocks_of_users`.
        date: the night.
        model: name of the files of the model that serves and of its catalogue, from `model_files.sent`.
        version: its version.
    """
    last_watched = F.max("last_event_date").over(Window.partitionBy("user_id"))
    pairs = known.select("user_id", "video_id", "strength", last_watched.alias("last_watched"))
    active = pairs.where(F.datediff(F.lit(date), "last_watched") < ACTIVE_DAYS)
    # A score may depend on the other users of its block in the last digit, so a user's block depends on nothing but the data.
    block = F.pmod(F.xxhash64("user_id"), F.lit(max(blocks, 1)))
    schema = load_contract(TABLE).struct_type()
    return active.groupBy(block).applyInArrow(recommend_sent(date, model, version), schema)


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's recommendations."""
    with run_job(argv, __doc__, writes=TABLE) as context:
        decisions.depend_on(context, decisions.MODEL, REGISTERED_MODEL)
        night_videos = read_catalogue(context)
        version = tracking.serving_or_none(context.settings, REGISTERED_MODEL, "recommend", night=context.date)
        known = interactions_as_of(context)
        if version is None:
            _log.warning("%s: no rows for %s: no recommender serves yet", TABLE, context.date)
            context.lake.write(load_contract(TABLE).arrow_schema().empty_table())
            return
        blocks = blocks_of_users(context.lake.read(DAILY), context.date)
        directory = tracking.download(context.settings, version)
        with TemporaryDirectory() as folder:
            save_catalogue(Path(folder), align_catalogue(night_videos, load_columns(directory)))
            with model_files.sent(context.spark, directory, Path(folder)) as model:
                context.lake.write(
                    transform(known, blocks, context.date, model, version.version), model=version.version
                )


if __name__ == "__main__":
    main()
