"""What we owe our customers as their processor (GDPR art. 33(2)): each its duty, each its own notice.

One incident fans out into a duty for every customer concerned; notices are drafted from the facts, written
and approved by two people, sent to each customer alone and followed to delivery. Stages never commit.
"""
