"""Lists of people stored with their incident: sealed files in, people under a key of their own out.

A list is read in parts, each with its progress in one transaction, so that nothing is half imported: a
reader that dies is followed by one that goes on where it was, and a list that is withdrawn goes as a whole.
"""
