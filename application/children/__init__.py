"""Keras processes of the API: the pool, and the catalogues that they describe."""
