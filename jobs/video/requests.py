"""gold.video_requests: the night's prompts for the video generator.

There are three kinds of requests. Trending: the tags with the highest log ratio of their share of views in the last three days to
that in the last seven days. Both shares are smoothed, so that a tag with a handful of views does not win by chance. Tastes: users
are clustered by watch time (k-means over `category_tastes`), and each cluster gets the tag that distinguishes it most from all
users and is not trending. Of many users a sample is clustered, `sampled_tastes`. `jobs.video.prompts` has the prompts of a tag.
The third kind are the requests of users, `jobs.video.user_requests`; those that cannot be served are kept with the reason.
"""

import datetime as dt
import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from jobs.platform.errors import MissingInput
from jobs.platform.fingerprints import VIDEO_GENERATOR, fingerprint
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.video.prompt_check import check
from jobs.video.prompts import prompts_for
from jobs.video.user_requests import Prompt, user_requests
from schemas.contract import load_contract

TABLE = "gold.video_requests"
_PROMPTS = "silver.video_prompts"

_TRENDING_TAGS = 6  # each requested in both languages
_TASTE_CLUSTERS = 6  # one request each, in Chinese and English in turn
_SAMPLED_USERS = 100_000  # that are clustered, in 2 s of CPU time with 46 tags
_SMOOTHING = 0.002  # views added to every tag, as a share of all views

_log = logging.getLogger(__name__)


def transform(
    videos: pl.DataFrame,
    video_features: pl.DataFrame,
    tastes: pl.DataFrame,
    prompts: Iterable[Prompt],
    date: dt.date,
    serving: str,
) -> pa.Table:
    """Return the rows of gold.video_requests, ranked from 1: trending first, then tastes, then the requests of users.

    Args:
        videos: video_id and tags (list of strings) of every video.
        video_features: video_id, views_3d, views_7d.
        tastes: user_id, tag, share of watch time; one row for each user and tag.
        prompts: rows of silver.video_prompts.
        date: the night.
        serving: the name of the generator that serves.
    """
    trending = trending_tags(videos, video_features)
    choices = [("trending", tag, language) for tag in trending for language in (0, 1)]
    choices += [("taste", tag, number % 2) for number, tag in enumerate(taste_tags(tastes, exclude=trending))]
    rows = []
    for rank, (origin, tag, language) in enumerate(choices, 1):
        prompt = prompts_for(tag, f"{date}/{origin}")[language]
        digest = hashlib.sha256(f"{date}\0{origin}\0{tag}\0{prompt.text}".encode()).hexdigest()
        verdict = check(prompt.text)
        rows.append(
            {
                "date": date, "request_id": digest[:16], "prompt": prompt.text, "language": prompt.language,
                "origin": origin, "tag": tag, "rank": rank, "seed": int(digest[16:23], 16),
                "refusal": verdict.refusal, "doubt": verdict.doubt,
            }
        )  # fmt: skip
    rows += user_requests(prompts, date, serving, first_rank=len(rows) + 1)
    return pa.Table.from_pylist(rows, schema=load_contract(TABLE).arrow_schema())


def trending_tags(videos: pl.DataFrame, video_features: pl.DataFrame) -> list[str]:
    """Return the trending tags, best first; ties are ordered by views, then by name. See the module docstring."""
    views = (
        videos.join(video_features, "video_id")
        .explode("tags")
        .filter(pl.col("tags").is_not_null() & (pl.col("views_7d") > 0))
        .group_by("tags")
        .agg(pl.col("views_3d").sum(), pl.col("views_7d").sum())
    )

    def share(column: str) -> pl.Expr:
        return pl.col(column) / pl.col(column).sum().clip(1) + _SMOOTHING

    ranked = views.with_columns(gain=(share("views_3d") / share("views_7d")).log().round(9))
    return (
        ranked.sort(["gain", "views_7d", "tags"], descending=[True, True, False])["tags"].head(_TRENDING_TAGS).to_list()
    )


def taste_tags(tastes: pl.DataFrame, exclude: Sequence[str] = ()) -> list[str]:
    """Return one tag for each cluster of users, the largest cluster first; tags are distinct and not in `exclude`."""
    if tastes.is_empty():
        return []
    tags = sorted(tastes["tag"].unique())
    wide = tastes.sort("user_id", "tag").pivot(on="tag", index="user_id", values="share", aggregate_function="sum")
    shares = wide.sort("user_id").select(pl.col(tags).fill_null(0.0).round(6)).to_numpy()
    clusters = min(_TASTE_CLUSTERS, len(np.unique(shares, axis=0)))
    with threadpool_limits(1):  # a fixed order of sums, so that a rerun finds the same clusters
        labels = KMeans(clusters, n_init=4, random_state=0).fit_predict(shares)
    return list(_distinctive_tags(shares, labels, tags, exclude))


def _distinctive_tags(
    shares: np.ndarray, labels: np.ndarray, tags: Sequence[str], exclude: Sequence[str]
) -> Iterator[str]:
    sizes = np.bincount(labels)
    used = set(exclude)
    for cluster in sorted(range(len(sizes)), key=lambda c: (-sizes[c], c)):
        difference = shares[labels == cluster].mean(0) - shares.mean(0)
        order = (tags[i] for i in np.argsort(-difference.round(9), kind="stable"))
        tag = next((tag for tag in order if tag not in used), None)
        if tag is not None:
            used.add(tag)
            yield tag


def _read_columns(context: JobContext, table: str, columns: Sequence[str], day_column: str) -> pa.Table:
    if not context.lake.has_day(table, context.date):
        raise MissingInput(table, context.date, f"run the night of {context.date} first")
    return context.lake.arrow(table).to_table(
        columns=list(columns), filter=pc.field(day_column) == pa.scalar(context.date)
    )


def sampled_tastes(user_features: DataFrame) -> pa.Table:
    """Return user_id and category_tastes of the users to cluster.

    A user id is a keyed hash, so the users with the lowest ids are a random sample, and the same one every night.
    """
    return user_features.select("user_id", "category_tastes").orderBy("user_id").limit(_SAMPLED_USERS).toArrow()


def tastes_by_tag(features: pa.Table) -> pl.DataFrame:
    """Convert the maps of gold.user_features to rows: user_id, tag, share."""
    entry = pl.Struct({"key": pl.String, "value": pl.Float64})
    entries = pl.DataFrame(features).with_columns(pl.col("category_tastes").cast(pl.List(entry)))
    rows = entries.explode("category_tastes").drop_nulls("category_tastes").unnest("category_tastes")
    return rows.rename({"key": "tag", "value": "share"})


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's requests."""
    with run_job(argv, __doc__, writes=TABLE) as context:
        videos = _read_columns(context, "silver.videos", ["video_id", "tags"], "arrival_date")
        features = _read_columns(context, "gold.video_features", ["video_id", "views_3d", "views_7d"], "date")
        tastes = sampled_tastes(context.lake.read_day("gold.user_features"))
        columns = [column.name for column in load_contract(_PROMPTS).columns]
        prompts = _read_columns(context, _PROMPTS, columns, "arrival_date").to_pylist()
        if any(prompt["requested_generator"] for prompt in prompts):
            context.lake.fingerprints[VIDEO_GENERATOR] = fingerprint(context.settings, VIDEO_GENERATOR)
        requests = transform(
            pl.DataFrame(videos),
            pl.DataFrame(features),
            tastes_by_tag(tastes),
            prompts,
            context.date,
            context.settings.video_generator,
        )
        if not requests.num_rows:
            _log.warning("%s: no rows for %s: no tag has views, no user has tastes or asked", TABLE, context.date)
        context.lake.write(requests)


if __name__ == "__main__":
    main()
