"""The command line `graphfit`: starts the whole service, or one of its parts."""
