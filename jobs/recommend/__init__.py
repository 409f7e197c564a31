"""Recommendation stage: trains recommenders on the night, decides which one serves, and writes what each user is shown."""

REGISTERED_MODEL = "recommender"
"""The place that all recommenders compete for."""
