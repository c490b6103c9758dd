"""Forward passes, and ONNX files."""
