"""Two incidents that are one breach: one is merged into the other, which carries all that it owes.

Nothing vanishes and nothing gets later: the earlier awareness holds, what either owes is owed, what one has
told counts in part, and both numbers keep working. It can be split off again, with a reason.
"""

from incident.merging.apart import split_off
from incident.merging.later import learn_beside
from incident.merging.preview import Preview, preview
from incident.merging.together import merge
from incident.merging.told import Told, told_already

__all__ = ["Preview", "Told", "learn_beside", "merge", "preview", "split_off", "told_already"]
