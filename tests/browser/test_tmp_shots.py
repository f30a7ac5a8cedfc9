import pathlib
from tests import people
from tests.incident import desk, rota
from tests.incident.rota import FIRST_LINE
from axe_playwright_python.sync_playwright import Axe
OUT = pathlib.Path("/tmp/shots"); OUT.mkdir(exist_ok=True)

def sign(page, email):
    page.goto("/sign-in"); page.fill("[name=email]", email); page.fill("[name=password]", people.PASSWORD)
    page.click("main button"); page.wait_for_load_state()

def test_shots(app, cast, clock, visit, signed_in):
    rota.lay(cast, FIRST_LINE, ("3 Legal", (people.BIRK,)))
    rota.at(clock, 2027, 3, 2, 12, 0)
    desk.reported(cast, reference="1", title="Laptop lost in a train")
    incident_id = desk.assessed(cast, reference="2")
    desk.assessed(cast, desk.NOT_TOLD, reference="3")
    rota.rounds()
    app.config["WTF_CSRF_ENABLED"] = True
    said = []
    def shots(email, tag, *paths):
        for width in (1280, 390):
            page = visit(width=width)
            sign(page, email)
            for name, path in paths:
                page.goto(path)
                if name == "calendar-made":
                    page.click("text=Make my address" if width == 1280 else "summary:has-text('Make a new address')")
                    if width == 390: page.click("button:has-text('Make it')")
                    page.wait_for_load_state()
                if name == "incident":
                    page.click("text=Give a role to somebody else")
                page.screenshot(path=str(OUT / f"{tag}-{name}-{width}.png"), full_page=True)
                over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                bad = [(v["id"], [n["html"][:120] for n in v["nodes"]][:3]) for v in Axe().run(page).response["violations"]]
                said.append((tag, name, width, over, bad))
    shots(people.BIRK, "empty", ("next", "/next"), ("handovers", "/handovers"))
    shots(people.DORTHE, "dpo", ("next", "/next"), ("everybody", "/next?whose=everybody"), ("deputies", "/on-call/deputies"), ("calendar", "/calendar"), ("calendar-made", "/calendar"), ("oncall", "/on-call"))
    shots(people.ASTRID, "lead", ("next", "/next"), ("incident", f"/incidents/{incident_id}"))
    rota.at(clock, 2027, 3, 3, 8, 45)
    rota.rounds()
    shots(people.ASTRID, "ask", ("next", "/next"), ("handovers", "/handovers"))
    rota.at(clock, 2027, 3, 3, 9, 5)
    rota.rounds()
    [h] = [e for e in rota.handovers(cast) if e.incident_id == incident_id]
    shots(people.BIRK, "in", ("board", "/"), ("next", "/next"), ("handover", f"/handovers/{h.id}"), ("incident", f"/incidents/{incident_id}"))
    for each in said: print(each)
    assert 0
