"""Problem documents (RFC 9457): their types, and the exceptions that cause them."""
