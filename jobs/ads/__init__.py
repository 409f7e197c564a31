"""Ads stage: trains click models on the night, decides which one serves, and says whom to show each campaign to."""

REGISTERED_MODEL = "click_model"
"""The place that all click models compete for."""
