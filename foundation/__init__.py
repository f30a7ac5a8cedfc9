"""The ground all packages stand on: settings, database, ledger, queue, encryption, locale, HTTP.

It knows nothing of breaches. A module enters when the app or two packages need it; ten at most.
"""
