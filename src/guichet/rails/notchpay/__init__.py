"""Notch Pay itself as a provider: an aggregator of mobile operators (https://notchpay.co)."""
