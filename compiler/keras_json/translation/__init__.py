"""What a document of Keras says, in the graph language."""
