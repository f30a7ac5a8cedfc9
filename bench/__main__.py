"""`python -m bench`: runs the benchmarks and prints one line for each figure, ratios first."""

import argparse

from bench import duties, evaluate, fan_out, intake, latency, opening, packs, storm, telling

BENCHES = {  # each on every database
    "intake": intake.run, "latency": latency.run, "duties": duties.run, "fan_out": fan_out.run,
    "storm": storm.run, "opening": opening.run, "telling": telling.run,
}  # fmt: skip
DATABASES = ("sqlite", "postgresql")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure the product against floors of the same kind, interleaved, in the same run. Only "
        "ratios mean anything: absolute figures drift with the machine.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "what", nargs="?", default="all", choices=["evaluate", "packs", *BENCHES, "all"],
        help="evaluate: facts judged a minute by one core; packs: from facts to PDF and JSON; "
        "intake: reports taken in per second; "
        "latency: from the answer to the provider having the page; "
        "duties: a round of the clock over open duties; "
        "fan_out: 2,000 customers, each its duty and its drafted notice; "
        "storm: 500 reports within a minute, and what telephones get of it; "
        "opening: from a report to downloaded packs, over HTTP; "
        "telling: a list of people read, and each of them told",
    )  # fmt: skip
    parser.add_argument("--database", choices=DATABASES, help="on one database alone")
    parser.add_argument("--seconds", type=float, default=6, help="of load for each server in each round")
    parser.add_argument("--rounds", type=int, default=5, help="of which the medians are told")
    parser.add_argument("--people", type=int, default=100_000, help="on the list of `telling`")
    return parser.parse_args()


def main() -> None:
    """Run what was asked for, on the databases asked for."""
    given = _arguments()
    if given.what in {"evaluate", "all"}:
        print("\nevaluate", flush=True)
        evaluate.run(rounds=given.rounds)
    if given.what in {"packs", "all"}:
        print("\npacks", flush=True)
        packs.run(rounds=given.rounds)
    for name in BENCHES if given.what == "all" else [each for each in BENCHES if each == given.what]:
        for database in [given.database] if given.database else DATABASES:
            print(f"\n{name} on {database}", flush=True)
            more = {"people": given.people} if name == "telling" else {}
            BENCHES[name](database, seconds=given.seconds, rounds=given.rounds, **more)


if __name__ == "__main__":
    main()
