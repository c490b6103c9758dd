"""Limits on the size of a report."""

MOST_OUTPUTS = 100
"""The most outputs that a report describes."""
MOST_POINTS = 200
"""The most points of one curve."""
MOST_PAIRS = 500
"""The most pairs of an actual and a predicted number."""
MOST_LISTED = 1_000
"""The most classes or labels that a report lists."""
MATRIX_CLASSES = 100
"""The most classes of a confusion matrix that is shown whole."""
MOST_CONFUSIONS = 100
"""The most pairs of classes that are listed as confused."""
