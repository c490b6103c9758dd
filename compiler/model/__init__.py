"""From a graph to a Keras model."""
