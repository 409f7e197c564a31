"""Tests that every registered recommender has to pass."""

from pathlib import Path

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from models.recommend.als import Als, AlsConfig
from models.recommend.content_based import ContentBased
from models.recommend.ease import Ease, EaseConfig
from models.recommend.explanation import explaining_items
from models.recommend.pure_svd import PureSvd, PureSvdConfig
from models.recommend.recommender import NothingToLearn, Recommender
from models.recommend.registry import RECOMMENDERS, load_recommender
from tests.models.recommend.tastes import GROUPS, interactions, text

SMALL = {
    Als: AlsConfig(embedding_size=8, regularization=1.0, alpha=5.0),
    Ease: EaseConfig(regularization=10.0),
    PureSvd: PureSvdConfig(embedding_size=4),
}
X = interactions()


def fitted(kind: type[Recommender], data: csr_matrix = X) -> Recommender:
    return kind(SMALL.get(kind)).fit(data, text(data.shape[1]))


@pytest.fixture(scope="module", params=list(RECOMMENDERS))
def kind(request: pytest.FixtureRequest) -> type[Recommender]:
    return RECOMMENDERS[request.param]


@pytest.fixture(scope="module")
def model(kind: type[Recommender]) -> Recommender:
    return fitted(kind)


def test_recommends_items_of_the_user_s_group(model: Recommender) -> None:
    ids, _ = model.recommend(X, 3)
    share = (ids % GROUPS == np.arange(X.shape[0])[:, None] % GROUPS).mean()
    assert share > (0.8 if model.personal else 0.05)


def test_scores_decrease_and_no_item_is_watched_or_repeated(model: Recommender) -> None:
    ids, scores = model.recommend(X, 10)
    assert ids.shape == scores.shape == (X.shape[0], 10)
    assert ids.dtype == np.int64
    assert scores.dtype == np.float32
    assert (np.diff(scores, axis=1) <= 0).all()
    assert not np.take_along_axis(X.toarray(), ids, axis=1).any()
    assert all(len(set(row)) == len(row) for row in ids.tolist())


def test_excludes_the_given_items_instead_of_the_profile(model: Recommender) -> None:
    everything_but_five = csr_matrix(np.tile(np.arange(X.shape[1]) != 5, (X.shape[0], 1)).astype(np.float32))
    ids, scores = model.recommend(X, 3, exclude=everything_but_five)
    assert (ids[:, 0] == 5).all()
    assert (ids[:, 1:] == -1).all()
    assert np.isneginf(scores[:, 1:]).all()


def test_recommends_only_candidates(model: Recommender) -> None:
    candidates = np.arange(X.shape[1]) < 7
    ids, _ = model.recommend(X, 20, candidates=candidates)
    assert ids.max() == 6
    expected = 7 - (X.toarray()[:, :7] > 0).sum(axis=1)
    np.testing.assert_array_equal((ids >= 0).sum(axis=1), expected)


def test_k_may_exceed_the_number_of_items(model: Recommender) -> None:
    ids, scores = model.recommend(X[:5], 1000)
    assert ids.shape == (5, X.shape[1])
    np.testing.assert_array_equal((ids >= 0).sum(axis=1), X.shape[1] - np.diff(X[:5].indptr))
    np.testing.assert_array_equal(ids < 0, np.isneginf(scores))


def test_users_without_interactions_get_the_trend(model: Recommender) -> None:
    nobody = csr_matrix((2, X.shape[1]), dtype=np.float32)
    dislikes = csr_matrix(np.where(np.arange(X.shape[1]) == 3, -2, 0).astype(np.float32)[None])
    trend = np.argsort(-model.trend, kind="stable")
    np.testing.assert_array_equal(model.recommend(nobody, 5)[0], np.tile(trend[:5], (2, 1)))
    np.testing.assert_array_equal(model.recommend(dislikes, 5)[0][0], trend[trend != 3][:5])


def test_serves_users_that_were_not_in_the_training_data(model: Recommender) -> None:
    newcomers = interactions(users=16, seed=9)
    ids, _ = model.recommend(newcomers, 3)
    assert (ids >= 0).all()


def test_a_user_s_list_does_not_depend_on_other_users_in_the_call(model: Recommender) -> None:
    together, _ = model.recommend(X, 5)
    alone = np.vstack([model.recommend(X[[user]], 5)[0] for user in range(10)])
    np.testing.assert_array_equal(together[:10], alone)


def test_no_users_give_no_rows(model: Recommender) -> None:
    ids, scores = model.recommend(csr_matrix((0, X.shape[1]), dtype=np.float32), 5)
    assert ids.shape == scores.shape == (0, 5)


def test_similar_does_not_return_the_item_itself(model: Recommender) -> None:
    for item in (0, 7, 39):
        ids, similarities = model.similar(item, 100)
        assert sorted(ids.tolist()) == [i for i in range(X.shape[1]) if i != item]
        assert (np.diff(similarities) <= 0).all()
        if model.personal:
            assert (ids[:4] % GROUPS == item % GROUPS).mean() >= 0.75


def test_a_saved_model_is_the_same_model(model: Recommender, tmp_path: Path) -> None:
    model.save(tmp_path)
    loaded = load_recommender(tmp_path)
    assert type(loaded) is type(model)
    assert loaded.config == model.config
    for saved, read in zip(model.recommend(X, 10), loaded.recommend(X, 10), strict=True):
        np.testing.assert_array_equal(saved, read)
    np.testing.assert_array_equal(model.similar(4, 9)[1], loaded.similar(4, 9)[1])
    assert {path.name for path in tmp_path.iterdir()} == {"model.json", "arrays.npz"}


def test_the_same_data_gives_the_same_bytes(kind: type[Recommender], tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        fitted(kind).save(tmp_path / name)
    for file in ("model.json", "arrays.npz"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_fit_does_not_change_its_input(kind: type[Recommender]) -> None:
    data = X.copy()
    data.data[::3] *= -1
    before = data.copy()
    fitted(kind, data)
    np.testing.assert_array_equal(data.toarray(), before.toarray())


def test_explains_recommendations_by_watched_items(model: Recommender) -> None:
    ids, _ = model.recommend(X, 4)
    sources = explaining_items(model, X, ids)
    if not model.personal:
        assert (sources == -1).all()
        return
    assert (np.take_along_axis(X.toarray(), np.maximum(sources, 0), axis=1)[sources >= 0] > 0).all()
    assert (sources >= 0).mean() > 0.9
    assert (sources % GROUPS == ids % GROUPS)[sources >= 0].mean() > 0.8


def test_accepts_items_that_nobody_watched(kind: type[Recommender]) -> None:
    data = X.toarray()
    data[:, 10:20] = 0
    model = fitted(kind, csr_matrix(data))
    ids, scores = model.recommend(csr_matrix(data), 30)
    assert np.isfinite(scores[ids >= 0]).all()
    assert np.isfinite(model.similar(12, 5)[1]).all()


def test_one_user_and_one_item(kind: type[Recommender]) -> None:
    single = csr_matrix(np.ones((1, 1), dtype=np.float32))
    model = kind().fit(single, ["美食"])
    ids, _ = model.recommend(single, 5)
    np.testing.assert_array_equal(ids, [[-1]])
    assert model.similar(0, 5)[0].shape == (0,)


small_matrices = st.tuples(st.integers(1, 4), st.integers(1, 5)).flatmap(
    lambda shape: hnp.arrays(np.float32, shape, elements=st.sampled_from([0.0, 0.0, -1.0, 0.001, 1.0, 2.5, 400.0]))
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(small_matrices)
def test_accepts_very_small_data(kind: type[Recommender], data: NDArray[np.float32]) -> None:
    watched = csr_matrix(data)
    if not (data > 0).any():
        with pytest.raises(NothingToLearn):
            kind().fit(watched, text(watched.shape[1]))
        return
    model = kind().fit(watched, text(watched.shape[1]))
    for profiles in (watched, csr_matrix(watched.shape, dtype=np.float32)):
        ids, scores = model.recommend(profiles, 5, exclude=watched)
        assert np.isfinite(scores[ids >= 0]).all()
        assert (ids >= 0).sum() == (data == 0).sum()
        assert explaining_items(model, profiles, ids).shape == ids.shape
    assert np.isfinite(model.similar(0, 5)[1]).all()


@pytest.mark.parametrize(
    "nothing", [csr_matrix((4, 6), dtype=np.float32), csr_matrix([[-1.0, 0.0]]), csr_matrix((0, 3))]
)
def test_rejects_data_without_positive_interactions(kind: type[Recommender], nothing: csr_matrix) -> None:
    with pytest.raises(NothingToLearn, match=r"no interaction has a positive strength|no video had a long view"):
        kind().fit(nothing, ["food"] * nothing.shape[1])


def test_rejects_items_without_words() -> None:
    with pytest.raises(NothingToLearn, match="no video has a word in its title or tags"):
        ContentBased().fit(X, [""] * X.shape[1])


def test_rejects_values_that_are_not_finite(kind: type[Recommender]) -> None:
    with pytest.raises(ValueError, match="not finite"):
        kind().fit(csr_matrix([[np.nan, 1.0]]), ["food"] * 2)


def test_rejects_other_shapes(model: Recommender) -> None:
    with pytest.raises(ValueError, match="was fitted on 40"):
        model.recommend(X[:, :5], 3)
    with pytest.raises(ValueError, match="exclude"):
        model.recommend(X, 3, exclude=X[:4])
    with pytest.raises(ValueError, match="candidates"):
        model.recommend(X, 3, candidates=np.ones(3, dtype=bool))


def test_rejects_a_directory_with_another_kind_of_model(tmp_path: Path) -> None:
    fitted(ContentBased).save(tmp_path)
    with pytest.raises(ValueError, match="content_based, not als"):
        Als.load(tmp_path)
    (tmp_path / "arrays.npz").write_bytes(b"")
    with pytest.raises(ValueError, match="no complete recommender"):
        load_recommender(tmp_path)


def test_loads_models_saved_with_the_old_names_of_hyperparameters(tmp_path: Path) -> None:
    model = fitted(Als)
    model.save(tmp_path)
    header = tmp_path / "model.json"
    old = header.read_text().replace('"embedding_size"', '"factors"').replace('"epochs"', '"iterations"')
    header.write_text(old)
    assert '"factors"' in old
    assert load_recommender(tmp_path).config == model.config
