"""Writes the configuration of a test: one listener, one upstream of one server, one site."""

# Options of an upstream; all others stand in `defaults`, from where they reach every level.
UPSTREAM_OPTIONS = {"max_idle", "idle_timeout"}


def lua(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


def _options(options):
    return ", ".join(f"{name} = {lua(value)}" for name, value in options.items())


def configuration(listen, server, workers=1, **options):
    """One worker unless told otherwise, so that the pool of server connections is shared."""
    upstream = {name: options.pop(name) for name in UPSTREAM_OPTIONS & options.keys()}
    server = ", ".join(filter(None, [lua(server), _options(upstream)]))
    return "\n".join(
        [
            f"workers({workers})",
            f"defaults {{ {_options(options)} }}",
            f"listen {lua(listen)}",
            f'upstream "app" {{ {server} }}',
            'site "*" { ["/"] = proxy "app" }',
            "",
        ]
    )
