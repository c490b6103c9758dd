"""What is built: from a graph to a Keras model."""
