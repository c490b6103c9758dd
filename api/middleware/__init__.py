"""ASGI middleware: size limit of bodies, fast polls and predictions, metrics, shutdown."""
