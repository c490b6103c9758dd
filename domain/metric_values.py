"""The values of metrics, as jobs and models have them."""

MetricValue = float | list[float]
"""A number, or one for each class or threshold."""
Metrics = dict[str, MetricValue]
"""Values by Keras's name; a metric such as `F1Score` without `average` has one for each class."""
