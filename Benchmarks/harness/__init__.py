"""The harness of scripts/bench: starts the proxies one after another and measures each."""
