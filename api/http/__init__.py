"""Downloads with `Range`, ETags, JSON in and out, and cached jobs."""
