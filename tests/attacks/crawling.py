"""Every page that a person can come to by following links, and what a browser would make of each."""

from collections import Counter
from html.parser import HTMLParser
from urllib.parse import urljoin

ALIKE = 5  # pages of one path that differ by their query alone: calendars have a next one for ever


class Seen(HTMLParser):
    """A page as a browser reads it: its elements, their attributes, and where it leads."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.attributes, self.leads_to = set(), {}, set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")
            if (tag, name) == ("a", "href"):
                self.leads_to.add(value or "")


def pages(browser, *starts):
    """Address and answer of every page that links lead to, from the board and `starts` on."""
    waiting, known, alike = ["/", *starts], set(), Counter()
    while waiting:
        address = waiting.pop(0).partition("#")[0]
        if address in known or not address.startswith("/"):
            continue
        known.add(address)
        alike[address.partition("?")[0]] += 1
        if alike[address.partition("?")[0]] > ALIKE:
            continue
        answer = browser.get(address)
        yield address, answer
        if answer.status_code == 200 and answer.mimetype == "text/html":
            waiting += sorted(urljoin(address, each) for each in Seen(answer.text).leads_to)
