"""Recommenders: models that rank videos for users, how they are judged, and how their choices are explained."""
