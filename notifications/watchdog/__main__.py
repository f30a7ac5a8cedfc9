"""`python -m notifications.watchdog --config FILE`: the same without the rest of the product."""

from notifications.watchdog import watchdog

if __name__ == "__main__":
    watchdog()
