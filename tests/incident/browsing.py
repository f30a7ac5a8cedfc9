"""What a browser would send back of a form on a page, left as it came."""

from html.parser import HTMLParser


class _Forms(HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms = {}
        self.fields = None
        self.area = self.select = None

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        if tag == "form":
            self.fields = self.forms.setdefault(told.get("action", ""), {})
        elif self.fields is None:
            return
        elif tag == "input" and (told.get("type") not in ("radio", "checkbox") or "checked" in told):
            self.fields.setdefault(told["name"], []).append(told.get("value", ""))
        elif tag == "textarea":
            self.area = told["name"]
            self.fields[self.area] = [""]
        elif tag == "select":
            self.select = told["name"]
        elif tag == "option" and (self.select not in self.fields or "selected" in told):
            self.fields[self.select] = [told["value"]]

    def handle_data(self, data):
        if self.area:
            self.fields[self.area][0] += data

    def handle_endtag(self, tag):
        if tag == "form":
            self.fields = None
        elif tag == "textarea":
            self.area = None


def form(page, action):
    """The fields of the form that goes to this address: name to values."""
    reader = _Forms()
    reader.feed(page)
    return dict(reader.forms[action])
