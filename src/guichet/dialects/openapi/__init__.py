"""OpenAPI 3.1 documents, put together from data that stands beside each dialect's code."""
