"""Open banking by Yapily: many banks behind one API (https://docs.yapily.com)."""
