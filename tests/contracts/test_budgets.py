"""Budgets and places: what reviewers would otherwise have to remember."""

import ast
import re
from statistics import median

from tests.contracts.codebase import PACKAGES, Source, sources

# A breach is the product's business; foundation would serve any other product as well.
BREACH_WORDS = re.compile(
    r"\b(personal data breach|breach(?!clock)\w*|incidents?|awareness|data subjects?|sub-?processors?|"
    r"supervisory|gdpr|dpo|playbooks?)\b",
    re.IGNORECASE,
)
EDGES = {"views", "webhook", "callbacks", "jobs", "cli"}
MORE_EDGES = {
    "wsgi": "puts the pieces together",
    "incident.operations": "commands of operators",
    "incident.processor_cli": "commands of operators",
    "incident.customer_cli": "commands of operators",
    "incident.readiness": "measures the database's clock against this machine's",
    "incident.readiness_cli": "commands of operators",
    "notifications.heartbeat": "its call has a thread of its own",
    "notifications.watchdog": "a process of its own",
    "incident.letter_posting.jobs": "run by the clock",
    "incident.public_notices.jobs": "run by the clock",
    "incident.drills.jobs": "what the clock runs about drills",
    "incident.drills.cli": "commands about drills",
    "incident.lists.clearing": "a part of a list that is gone is a transaction of its own",
    "incident.lists.folding": "a page of a list that is folded is a transaction of its own",
    "incident.lists.sharing": "a page of what was folded is a transaction of its own",
    "incident.lists.leases": "whoever reads a list holds it from one transaction to the next",
    "incident.lists.reading": "a part of a list is a transaction of its own",
    "incident.lists.uploading": "a file is kept after the transaction that makes its key",
    "incident.starting": "commands that start the installation",
    "accounts.sign_in": "Flask-Security calls it before each request",
    "notifications.channels.sendgrid": "SendGrid names an instant of real time after which it will listen",
    "notifications.polling": "each of its jobs asks a provider between two short transactions",
    "notifications.settling": "each of its jobs asks a provider between two short transactions",
    "notifications.sending.jobs": "what workers and the clock run about sendings",
    "notifications.sending.handing_over": "asks a provider between two short transactions",
    "notifications.sending.settling": "each of its jobs asks a provider between two short transactions",
}


def lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


# Puts the pieces together, and the processes they run in: wsgi.py names the second by its name.
APP = ("wsgi.py", "incident/starting.py")


def product() -> list[Source]:
    return sources(*PACKAGES, "wsgi.py")


def is_edge(source: Source) -> bool:
    package, _, rest = source.module.partition(".")
    return rest.split(".")[0] in EDGES or source.module in MORE_EDGES or package == "foundation"


def test_no_file_outgrows_its_reader() -> None:
    limits = [(400, product()), (600, sources("tests")), (400, sources("bench", "hatch_build.py"))]

    too_long = [
        f"{source.name}: {source.text.count(chr(10))} lines, {limit} allowed"
        for limit, group in limits
        for source in group
        if source.text.count("\n") > limit
    ]

    assert too_long == []


def test_no_function_outgrows_a_screen() -> None:
    too_long = [
        f"{source.name}:{function.lineno} {function.name}: {lines(function)} lines, 50 allowed"
        for source in [*product(), *sources("tests", "bench", "hatch_build.py")]
        for function in source.functions()
        if lines(function) > 50
    ]

    assert too_long == []


def test_half_of_all_functions_are_short() -> None:
    lengths = [lines(function) for source in product() for function in source.functions()]

    assert median(lengths) <= 10


def test_foundation_has_ten_modules_at_most() -> None:
    modules = {source.module.split(".")[1] for source in sources("foundation") if "." in source.module}

    assert len(modules) <= 10, modules


def test_a_foundation_module_serves_the_app_or_two_packages() -> None:
    packages = {package: imported_by(package) for package in PACKAGES if package != "foundation"}
    app = imported_by(*APP)

    drawer = []
    for source in sources("foundation"):
        if source.module.count(".") > 1:
            continue  # a part of a module serves the module
        served = {package for package, imports in packages.items() if source.module in imports}
        if source.module not in {"foundation", *app} and len(served) < 2:
            drawer.append(f"{source.module} serves {served or 'nobody'}: it lives with its user")

    assert drawer == []


def imported_by(*folders: str) -> set[str]:
    return set().union(*(source.imports() for source in sources(*folders)))


def test_foundation_knows_no_breach() -> None:
    told = [
        f"{source.name}:{number}: {found.group()}"
        for source in sources("foundation")
        if source.module != "foundation"  # its docstring says this very rule
        for number, line in enumerate(source.text.splitlines(), 1)
        for found in BREACH_WORDS.finditer(line)
    ]

    assert told == []


def test_only_edges_open_transactions_and_read_the_clock() -> None:
    hidden = [
        f"{source.name}:{line}: {name}()"
        for source in product()
        if not is_edge(source) and not source.module.startswith("notifications.sandbox")
        for line, name in source.calls()
        if name.rpartition(".")[2] in {"transaction", "utcnow"}
        or name in {"datetime.now", "datetime.datetime.now", "date.today", "time.time"}
    ]

    assert hidden == []


def test_rules_are_pure_functions_of_what_they_are_given() -> None:
    impure = {"os", "socket", "subprocess", "random", "secrets", "time", "threading", "logging", "structlog"}
    rules = [source for package in PACKAGES for source in sources(f"{package}/rules", f"{package}/rules.py")]

    told = [
        f"{source.name}: imports {module}"
        for source in rules
        for module in sorted(source.imports())
        if module.split(".")[0] in impure
    ]
    told += [
        f"{source.name}:{line}: {name}()"
        for source in rules
        for line, name in source.calls()
        if name in {"open", "print", "input", "datetime.now", "date.today"}
        or name.endswith((".now", ".write_text"))
    ]

    assert rules != []
    assert told == []
