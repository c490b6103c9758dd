"""The HTTP API: routes, middleware, problem documents and the OpenAPI document."""
