"""The nouns and the rules of payments: standard library only, no I/O, no await.

Everything above may import this; this imports nothing of guichet.
"""
