"""What happened, what the law asks, by when, and what was done about it.

A report becomes an incident; triage confirms it as a personal data breach or rejects it; an assessment
decides which duties follow; authority and people are told; the record shows every line of it. The law
itself is in `incident.rules`, as plain functions without a database.
"""
