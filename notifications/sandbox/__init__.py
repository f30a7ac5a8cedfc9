"""Stands in for the providers of texts, calls, mail and chat: devices and faults on demand, on one machine.

A process of its own that speaks the parts of the providers' HTTP interfaces which their SDKs use.
It knows nothing of the product: what is true here is only what came over the wire, and its ledger of
accepted messages is the truth that tests hold the product against.
"""
