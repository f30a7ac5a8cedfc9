"""Counts down: which step of an incident is due, who must be told, and what if nobody acts.

`library/` holds the playbooks as prose, `rules/` reads them and reckons their times, `runs` carries
one out for an incident, `jobs.tick` wakes what is due. It knows an incident only as `about`.
"""
