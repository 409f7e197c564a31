"""Recommendation stage: trains recommenders on the night, decides which one serves, and writes what each user is shown."""
