"""Forward passes, and export to ONNX."""
