"""Prediction protocols: parse the JSON of requests, and write the JSON of predictions."""
