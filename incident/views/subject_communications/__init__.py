"""Pages of telling the people: whom, with which texts, approval, sending, and whom it reached.

Contact data is shown to those who may see recipients, and to nobody else.
"""

from incident.views.subject_communications import going, letters, overview, people, who
from incident.views.subject_communications.blueprint import bp

__all__ = ["bp", "going", "letters", "overview", "people", "who"]
