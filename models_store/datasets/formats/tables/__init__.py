"""Tables: CSV, Parquet and Arrow, which pyarrow reads."""
