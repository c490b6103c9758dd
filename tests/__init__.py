"""Tests. This is a package because a dependency installs a top-level package `tests`."""
