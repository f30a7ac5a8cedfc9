"""Delivers: a message to a person, pages people until one of them acts.

A caller posts into the outbox inside its own transaction; nothing else leaves the house. The package
knows what it sends `about` only as the name of a ledger chain.
"""
