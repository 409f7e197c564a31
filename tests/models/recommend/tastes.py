"""Synthetic interactions: each user mostly watches one group of items."""

import numpy as np
from scipy.sparse import csr_matrix

GROUPS = 4


def interactions(users: int = 120, items: int = 40, seed: int = 0) -> csr_matrix:
    """Return strengths (users, items): user u likes group u % GROUPS, and item i belongs to group i % GROUPS."""
    rng = np.random.default_rng(seed)
    same_group = np.arange(users)[:, None] % GROUPS == np.arange(items)[None] % GROUPS
    watched = rng.random((users, items)) < np.where(same_group, 0.6, 0.03)
    return csr_matrix(np.where(watched, rng.uniform(0.5, 2.0, (users, items)), 0).astype(np.float32))


def text(items: int = 40) -> list[str]:
    """Return the text of each item, which depends on its group."""
    words = ("美食 火锅", "旅游 看海", "健康 跑步", "music guitar")
    return [words[i % GROUPS] for i in range(items)]
