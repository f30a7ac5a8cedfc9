"""The law and the judgement, as plain functions.

Facts go in as values, decisions come out as values with their reasons and sources. Nothing here knows
a database, a request or the time of day: `now` is always an argument.
"""
