"""Recommenders: models that rank videos for users, their evaluation, and explanations of their recommendations."""
