"""Recommendation stage: trains recommenders, decides which one serves, and writes the recommendations for each user."""

REGISTERED_MODEL = "recommender"
"""Name in the MLflow registry of all recommenders; its champion serves."""
