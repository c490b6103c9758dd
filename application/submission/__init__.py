"""From a request body to an accepted graph or job."""
