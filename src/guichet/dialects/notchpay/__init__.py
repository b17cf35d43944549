"""Notch Pay's wire (contracts/notchpay.md): served at the root."""
