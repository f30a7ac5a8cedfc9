"""Paging: someone acts, or it gets louder.

A page holds a copy of the escalation policy, so that no later edit can silence it. It rings further people
until somebody takes it; what was taken comes back, first to its taker, until what it is about has ended.
Who writes to a page locks its messages first, then the page, then its ringings.
"""

from notifications.bundles import pages_of as pages_of
from notifications.hurrying import ring_failed as ring_failed
from notifications.models import EscalationPolicy as EscalationPolicy
from notifications.models import Page as Page
from notifications.paging.answers import acknowledge as acknowledge
from notifications.paging.answers import call_me as call_me
from notifications.paging.answers import decline as decline
from notifications.paging.answers import hand_over as hand_over
from notifications.paging.answers import release as release
from notifications.paging.answers import take_over as take_over
from notifications.paging.ending import end as end
from notifications.paging.locking import lock_waiting as lock_waiting
from notifications.paging.looking import acknowledged_by as acknowledged_by
from notifications.paging.looking import called_at as called_at
from notifications.paging.looking import nobody_has as nobody_has
from notifications.paging.looking import open_since as open_since
from notifications.paging.looking import pages_for as pages_for
from notifications.paging.looking import told_of as told_of
from notifications.paging.starting import BACKSTOP as BACKSTOP
from notifications.paging.starting import add_policy as add_policy
from notifications.paging.starting import page as page
from notifications.paging.turns import due as due
from notifications.paging.turns import escalate as escalate
from notifications.targets import people_of as people_of
