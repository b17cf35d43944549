"""Operators that speak GSMA's Mobile Money API 1.2 (https://developer.mobilemoneyapi.io)."""
