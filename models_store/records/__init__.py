"""Database records: graphs, datasets, models, keys and events."""
