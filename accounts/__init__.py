"""Who may act: staff of each organisation, their roles and permissions, and how they sign in.

It knows organisations and people. It knows nothing of incidents: which of them a person may see is
decided in `incident.access`, on top of the permissions given here.
"""
