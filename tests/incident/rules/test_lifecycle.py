import pytest

from incident.rules.lifecycle import MOVES, Move, MoveRefused, State, after, clocks_run, moves_from


def test_a_report_is_confirmed_as_a_breach_and_closed_when_everything_is_done():
    confirmed = after(State.REPORTED, Move.CONFIRM)

    assert confirmed is State.CONFIRMED
    assert after(confirmed, Move.CLOSE, reason="Notified, people told.") is State.CLOSED


def test_a_report_is_not_rejected_without_a_reason():
    with pytest.raises(MoveRefused, match="say why"):
        after(State.REPORTED, Move.REJECT, reason="  ")


def test_a_report_cannot_be_closed_before_anybody_has_judged_it():
    with pytest.raises(MoveRefused, match="confirm, reject, merge"):
        after(State.REPORTED, Move.CLOSE, reason="Tired.")


@pytest.mark.parametrize("state", [State.REJECTED, State.MERGED, State.CLOSED])
def test_what_was_laid_aside_can_be_taken_up_again(state):
    assert clocks_run(after(state, Move.REOPEN, reason="The key was found on a forum."))
    assert not clocks_run(state)


@pytest.mark.parametrize("state", State)
def test_no_state_is_a_dead_end(state):
    assert moves_from(state)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("move", Move)
def test_every_move_is_open_or_refused_with_the_choices(state, move):
    if (state, move) in MOVES:
        assert after(state, move, reason="Because.") is MOVES[state, move].to
    else:
        with pytest.raises(MoveRefused, match="From here you can"):
            after(state, move, reason="Because.")


def test_only_what_is_open_is_merged_and_it_can_be_split_off_again():
    for state in (State.REPORTED, State.CONFIRMED):
        assert after(state, Move.MERGE, reason="The same backup.") is State.MERGED
    for state in (State.REJECTED, State.CLOSED, State.MERGED):
        with pytest.raises(MoveRefused, match="From here you can: reopen"):
            after(state, Move.MERGE, reason="The same backup.")
    assert moves_from(State.MERGED) == (Move.REOPEN,)
    with pytest.raises(MoveRefused, match="say why"):
        after(State.MERGED, Move.REOPEN)
