"""Drills: the same engine on what did not happen. Nothing of it leaves, and nothing of it counts.

A drill is an incident whose chain says that it is one, so that whatever it causes can go to nobody
outside. Here it is started by a scenario, told more as time passes, ended, and measured by its ledger.
"""

from incident.drills.measuring import STEPS as STEPS
from incident.drills.measuring import Measure as Measure
from incident.drills.results import Outcome as Outcome
from incident.drills.results import Row as Row
from incident.drills.results import compare as compare
from incident.drills.results import of_incident as of_incident
from incident.drills.results import outcome as outcome
from incident.drills.results import past as past
from incident.drills.results import running_now as running_now
from incident.drills.running import due as due
from incident.drills.running import end as end
from incident.drills.running import go_on as go_on
from incident.drills.running import start as start
from incident.drills.scenarios import Scenario as Scenario
from incident.drills.scenarios import read_scenario as read_scenario
from incident.drills.scenarios import scenario as scenario
from incident.drills.scenarios import scenarios as scenarios
