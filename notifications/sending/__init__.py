"""Telling many people, each once and alone: from what two persons approved to the last proof.

Whoever owns the people begins a sending and says where each of them is (`source`); the clock plans it in
groups, workers hand groups over, receipts say what became of each person, and who cannot be reached by one
way is told by the next, or by a person.
"""

from notifications.sending.beginning import begin as begin
from notifications.sending.looking import anybody_has as anybody_has
from notifications.sending.looking import fates_of as fates_of
from notifications.sending.looking import is_being_planned as is_being_planned
from notifications.sending.looking import last_reached as last_reached
from notifications.sending.looking import people_told as people_told
from notifications.sending.looking import people_with as people_with
from notifications.sending.pausing import pause as pause
from notifications.sending.pausing import resume as resume
from notifications.sending.pausing import stop as stop
from notifications.sending.settling import release_held as release_held
from notifications.sending.source import Addressed as Addressed
from notifications.sending.source import Person as Person
from notifications.sending.source import Source as Source
from notifications.sending.source import register as register
from notifications.sending.standing import Held as Held
from notifications.sending.standing import Line as Line
from notifications.sending.standing import Standing as Standing
from notifications.sending.standing import deliveries_of as deliveries_of
from notifications.sending.standing import held as held
from notifications.sending.standing import letter_returned as letter_returned
from notifications.sending.standing import letters_posted as letters_posted
from notifications.sending.standing import letters_unprinted as letters_unprinted
from notifications.sending.standing import manual as manual
from notifications.sending.standing import of as of
from notifications.sending.standing import settle_manual as settle_manual
from notifications.sending.standing import texts_of as texts_of
from notifications.sending.standing import waiting_letters as waiting_letters
