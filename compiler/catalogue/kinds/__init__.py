"""Kinds of argument values: how each is read, and its JSON Schema."""
