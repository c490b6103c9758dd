"""The API's Keras processes: the pool, and the catalogues that they provide."""
