"""Pix by Banco Central do Brasil's API Pix 2.9.0, spoken to the payee's own PSP."""
