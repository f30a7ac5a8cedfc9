"""The register of processors: who holds which data of ours, where, by which agreement, below whom.

`fields` reads what is typed or imported; `changing` adds, changes, moves and ends; `contacts` keeps whom to
call; `tree` and `marks` are what the picture shows; `table`, `importing` and `exporting` are the CSV;
`suggestions` says who may be hit by an incident. Nothing is deleted here but contacts, who are people.
"""
