"""Ads stage: trains click models, decides which one serves, and selects the audience of each campaign."""

REGISTERED_MODEL = "click_model"
"""Name in the MLflow registry of all click models; its champion serves."""
