"""A seeded simulation of a short-video app: it writes users, videos and a night's log in the same files as a real app.

The same seed, night and recommendations give the same bytes. No state is kept between nights: users and each day's uploads come
from their own seeded generators, so nights can be simulated in any order.
"""
