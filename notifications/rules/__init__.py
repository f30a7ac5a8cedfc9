"""Pure decisions on delivery: no database, no network, `now` is an argument."""
