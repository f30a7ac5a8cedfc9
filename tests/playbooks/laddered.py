"""The notification's playbook with a ladder of its own, as an organisation may write one."""

from playbooks import library
from playbooks.rules.reading import read

BARE = """role = "dpo"
anchor = "due"
offset = "PT0S"
done_when = "It is filed."""
LADDER = """role = "dpo"
anchor = "due"
offset = "PT0S"
action = "page"
reminders = ["-48h", "-24h", "-12h", "-6h", "-3h", "-1h", "-15min"]
page_from = "-3h"
overdue_every = "PT1H"
done_when = "It is filed."""
KEY = "authority_notification"
PLAIN = library.playbook(KEY).text
assert BARE in PLAIN
LADDERED = read(PLAIN.replace(BARE, LADDER), "laddered.toml")
