"""From a training recipe to a compiled Keras model."""
