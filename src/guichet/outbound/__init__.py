"""The only way out: one guarded HTTP client for providers and merchants' webhooks."""
