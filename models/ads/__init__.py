"""Click models: predict the probability that a user clicks an ad."""
