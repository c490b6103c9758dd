"""The layers and functions that a graph may use, and their arguments."""
