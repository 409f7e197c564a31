"""The jobs of the DAG `nightly` in an order in which they can run: module below `jobs`, and arguments but `--date`."""

NIGHT_JOBS: tuple[tuple[str, ...], ...] = (
    ("ingest.land",),
    ("ingest.users",),
    ("ingest.videos",),
    ("ingest.campaigns",),
    ("ingest.watch_history",),
    ("ingest.behavior_log",),
    ("ingest.behavior_events",),
    ("ingest.quarantine",),
    ("ingest.reconciliation",),
    ("features.user_features",),
    ("features.video_features",),
    ("features.interactions",),
    ("features.ctr_examples",),
    *(
        ("recommend.train", "--model", name)
        for name in ("als", "pure_svd", "item_knn", "ease", "content_based", "popularity")
    ),
    ("recommend.promote",),
    *(("ads.train", "--model", name) for name in ("logistic_regression", "dcn_v2")),
    ("ads.promote",),
    ("recommend.recommendations",),
    ("ads.audience_segments",),
    ("video.requests",),
    ("operate.report",),
)
