"""The format of a zip archive of images."""
