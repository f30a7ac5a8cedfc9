"""A page as a person has it before them: what it says, where it leads, and the forms one can send."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

WITHOUT_TEXT = ("script", "style", "template")
HEADINGS = ("h1", "h2", "h3")
BLOCKS = (
    "p", "div", "li", "td", "th", "dt", "dd", "summary", "legend", "label", "article", "br", "button", "a",
    *HEADINGS,
)  # fmt: skip


@dataclass
class Button:
    """What one presses, and what is sent along for it."""

    label: str
    name: str = ""
    value: str = ""


@dataclass
class Form:
    """A form as it stands on the page, filled in as it is."""

    action: str
    method: str
    heading: str = ""  # the heading above it
    fields: list[tuple[str, str | None]] = field(default_factory=list)
    choices: dict[str, list[str]] = field(default_factory=dict)  # what can be chosen, by name
    files: list[str] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)

    def filled(self, button: Button, changes: dict[str, object]) -> dict[str, list[object]]:
        """What a browser would send: hidden fields and all, with `changes` typed over them."""
        sent: dict[str, list[object]] = {}
        for name, value in self.fields:
            sent.setdefault(name, []).append(value)
        if button.name:
            sent.setdefault(button.name, []).append(button.value)
        for name, value in changes.items():
            assert name in sent or name in self.files, f"there is no field {name!r} on the form"
            sent[name] = list(value) if isinstance(value, list) else [value]
            unknown = [each for each in sent[name] if each not in self.choices.get(name, [each])]
            assert not unknown, f"{name!r} cannot be {unknown}: there are {self.choices[name]}"
        chosen = {name: [each for each in values if each is not None] for name, values in sent.items()}
        return {name: values for name, values in chosen.items() if values}


class Screen(HTMLParser):
    """An answer of the product, read as a page."""

    def __init__(self, html: str, path: str, status: int = 200) -> None:
        super().__init__()
        self.path, self.status, self.html = path, status, html
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self._said: list[str] = []
        self._label: list[str] | None = None
        self._href = self._silent = self._select = ""
        self._area: str | None = None
        self._heading: list[str] = []
        self._in_heading = False
        self.feed(html)
        self.close()
        self.text = " ".join("".join(self._said).split())

    def __contains__(self, words: str) -> bool:
        return words in self.text

    def form_with(self, label: str, under: str = "") -> tuple[Form, Button]:
        """The form that has this button, and the button; `under` is in the heading above the form."""
        for form in self.forms:
            for button in form.buttons:
                if button.label == label and under in form.heading:
                    return form, button
        known = sorted(button.label for form in self.forms for button in form.buttons)
        raise AssertionError(f"no button {label!r} under {under!r} on {self.path}; there are {known}")

    # --- reading --------------------------------------------------------------------------------

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag in WITHOUT_TEXT:
            self._silent = tag
        if tag in BLOCKS:
            self._said.append(" ")
        if tag in HEADINGS:
            self._heading, self._in_heading = [], True
        if tag == "a":
            self._href, self._label = told.get("href", ""), []
        elif tag == "form":
            above = " ".join("".join(self._heading).split())
            self.forms.append(Form(told.get("action") or self.path, told.get("method", "get"), above))
        elif self.forms:
            self._control(tag, told)

    def _control(self, tag: str, told: dict[str, str]) -> None:
        form, name = self.forms[-1], told.get("name", "")
        if tag == "button":
            self._label = []
            form.buttons.append(Button("", name, told.get("value", "")))
        elif tag == "input":
            _put_input(form, name, told)
        elif tag == "textarea":
            self._area = name
            form.fields.append((name, ""))
        elif tag == "select":
            self._select = name
        elif tag == "option":
            _put_option(form, self._select, told)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._silent:
            self._silent = ""
        if tag in BLOCKS:
            self._said.append(" ")
        if tag in HEADINGS:
            self._in_heading = False
        if tag == "a" and self._label is not None:
            self.links[" ".join("".join(self._label).split())] = self._href
            self._label = None
        elif tag == "button" and self._label is not None and self.forms:
            self.forms[-1].buttons[-1].label = " ".join("".join(self._label).split())
            self._label = None
        elif tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._area is not None:
            name, before = self.forms[-1].fields.pop()
            self.forms[-1].fields.append((name, (before or "") + data.removeprefix("\n")))
            return
        self._said.append(data)
        if self._in_heading:
            self._heading.append(data)
        if self._label is not None:
            self._label.append(data)


def _put_input(form: Form, name: str, told: dict[str, str]) -> None:
    kind = told.get("type")
    if kind == "file":
        form.files.append(name)
        return
    if kind not in ("radio", "checkbox"):
        form.fields.append((name, told.get("value", "")))
        return
    form.choices.setdefault(name, []).append(told.get("value", "on"))
    if "checked" in told:
        form.fields.append((name, told.get("value", "on")))
    elif name not in dict(form.fields):
        form.fields.append((name, None))  # it can be chosen; until then a browser sends nothing for it


def _put_option(form: Form, name: str, told: dict[str, str]) -> None:
    """The option that is selected, else the first."""
    form.choices.setdefault(name, []).append(told.get("value", ""))
    if name not in dict(form.fields) or "selected" in told:
        form.fields = [each for each in form.fields if each[0] != name]
        form.fields.append((name, told.get("value", "")))
