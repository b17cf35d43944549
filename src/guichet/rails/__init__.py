"""How money moves: connectors that speak providers' APIs. HTTP out, values back; no database."""
