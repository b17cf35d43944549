"""``python -m bench``: what a request costs, measured beside its own limits in one run."""
