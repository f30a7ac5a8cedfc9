from importlib import resources

import pytest

from incident.rules.dated import RuleDataFault
from incident.rules.law import LAW, read_law
from incident.rules.measures import MEASURES, read_measures

OURS = resources.files("incident.rules").joinpath("risk.toml").read_text("utf-8")


def read(tmp_path, text):
    (tmp_path / "risk.toml").write_text(text, "utf-8")
    return read_measures(tmp_path)


def test_a_figure_changes_from_its_day_by_data_alone(tmp_path):
    first, rest = OURS.split("[[measure]]", 2)[1:]
    ended = first.replace("valid_from = 2018-05-25", "valid_from = 2018-05-25\nvalid_to = 2025-12-31")
    later = first.replace("2018-05-25", "2026-01-01").replace("value = 20", "value = 8")

    changed = read(tmp_path, f"[[measure]]{ended}[[measure]]{later}[[measure]]{rest}")

    assert MEASURES.figures["few_people"] == 20
    assert changed.figures["few_people"] == 8


def test_a_figure_of_days_to_come_is_not_used_yet(tmp_path):
    first, rest = OURS.split("[[measure]]", 2)[1:]
    ended = first.replace("valid_from = 2018-05-25", "valid_from = 2018-05-25\nvalid_to = 2029-12-31")
    later = first.replace("2018-05-25", "2030-01-01").replace("value = 20", "value = 8")

    assert (
        read(tmp_path, f"[[measure]]{ended}[[measure]]{later}[[measure]]{rest}").figures["few_people"] == 20
    )


@pytest.mark.parametrize(
    ("text", "wrong", "named"),
    [
        ('name = "few_people"', 'name = "few_folk"', "measure 1: name"),
        ("value = 20", "value = -1", "measure 1: value"),
        ("checked = 2026-11-23", "", "measure 1: checked"),
        ('plain = ["name"', 'plain = ["nom"', "kinds.plain.0"),
        ("birth_date = 1", "birth_date = 9", "portrait.kinds.birth_date"),
        ("enough = 2", "", "portrait.enough"),
        ("identity = [", "identities = [", "kinds.identities"),
        ("checked = 2026-11-23", "checked = 2026-11-23\nvalid_to = 2020-01-01", "few_people: no row holds"),
    ],
)
def test_a_word_or_figure_that_means_nothing_is_refused_by_name(tmp_path, text, wrong, named):
    assert text in OURS

    with pytest.raises(RuleDataFault) as fault:
        read(tmp_path, OURS.replace(text, wrong, 1))

    assert any(named in each for each in fault.value.faults)


def test_a_missing_list_and_a_missing_figure_are_named_together(tmp_path):
    lists = "\n".join(line for line in OURS.splitlines() if not line.startswith("money = "))
    text = lists.replace("[[measure]]" + lists.split("[[measure]]")[1], "", 1)

    with pytest.raises(RuleDataFault) as fault:
        read(tmp_path, text)

    assert fault.value.faults == ("risk.toml: there is no few_people", "risk.toml: kinds.money is missing")


def test_the_figures_are_part_of_the_version_of_the_rules(tmp_path):
    (tmp_path / "risk.toml").write_text(OURS.replace("value = 20", "value = 21", 1), "utf-8")

    assert read_law(tmp_path).version != LAW.version
