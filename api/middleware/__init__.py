"""ASGI middleware: size limit of bodies, fast polls of jobs, metrics, shutdown."""
