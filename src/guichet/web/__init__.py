"""HTTP in: the small ASGI kernel under every dialect and page, and strict readers of bodies."""
