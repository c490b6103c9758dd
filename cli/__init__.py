"""The command line `graphfit`: the service as one, or each of its parts."""
