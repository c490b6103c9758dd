"""JSON documents: their text, places in them, numbers that JSON cannot express."""
