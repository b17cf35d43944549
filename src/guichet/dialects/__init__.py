"""The wires we speak: each translates one published API to and from the core."""
