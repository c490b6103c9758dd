"""What is kept: tables, queries, leases, datasets and artefacts."""
