"""Dataset uploads and reads of rows."""
