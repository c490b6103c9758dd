"""Runs forward passes of a model, and exports it to ONNX."""
