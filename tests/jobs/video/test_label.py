"""The label is in the lower right corner of every frame, at any size."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.video import label


@settings(max_examples=30, deadline=None)
@given(st.integers(8, 256), st.integers(8, 256), st.integers(0, 255))
def test_only_the_corner_changes(half_height: int, half_width: int, level: int) -> None:
    frames = np.full((2, 2 * half_height, 2 * half_width, 3), level, np.uint8)
    drawn = label.draw(frames)
    assert drawn.shape == frames.shape
    assert (drawn[0] == drawn[1]).all()
    rows, columns = np.nonzero((drawn[0] != frames[0]).any(-1))
    assert len(rows)
    if min(half_height, half_width) >= 32:
        assert rows.min() > half_height
        assert columns.min() > half_width
        assert np.ptp(drawn[0, rows.min() : rows.max(), columns.min() : columns.max()].astype(int)) > 100
    assert (frames == level).all()
