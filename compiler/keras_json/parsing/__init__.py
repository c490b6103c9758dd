"""What a document of Keras says, in neutral words: models, layers, calls, tensors."""
