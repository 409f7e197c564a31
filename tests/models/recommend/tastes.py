"""Made-up interactions of users with a taste: each has a favourite group of items and mostly watches that."""

import numpy as np
from scipy.sparse import csr_matrix

GROUPS = 4


def interactions(users: int = 120, items: int = 40, seed: int = 0) -> csr_matrix:
    """(users, items) strengths; user u likes the items of group u % GROUPS, item i belongs to group i % GROUPS."""
    rng = np.random.default_rng(seed)
    same = np.arange(users)[:, None] % GROUPS == np.arange(items)[None] % GROUPS
    watched = rng.random((users, items)) < np.where(same, 0.6, 0.03)
    return csr_matrix(np.where(watched, rng.uniform(0.5, 2.0, (users, items)), 0).astype(np.float32))


def text(items: int = 40) -> list[str]:
    """Words of each item, by its group."""
    words = ("美食 火锅", "旅游 看海", "健康 跑步", "music guitar")
    return [words[i % GROUPS] for i in range(items)]
