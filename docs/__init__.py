"""Pages, and the programs that write those that are generated."""
