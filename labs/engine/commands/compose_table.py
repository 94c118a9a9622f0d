"""Every command of ``docker compose``: what it takes, and where it is. Data only."""

from labs.engine.commands.flags import Command, Flag, Kind

DRY_RUN = Flag("dry-run", "", supported=False)
LOGS_FLAGS = (
    Flag("follow", "Follow log output", letter="f"),
    Flag("no-color", "Produce monochrome output"),
    Flag("no-log-prefix", "Don't print prefix in logs"),
    Flag("tail", 'Number of lines to show from the end of the logs for each container (default "all")', Kind.TEXT, "n"),
    Flag("since", "", Kind.TEXT, supported=False),
    Flag("timestamps", "", letter="t", supported=False),
    Flag("until", "", Kind.TEXT, supported=False),
    DRY_RUN,
)
EXEC_FLAGS = (
    Flag("no-tty", "Disable pseudo-TTY allocation", letter="T"),
    Flag("interactive", "Keep STDIN open even if not attached", letter="i"),
    Flag("tty", "Allocate a pseudo-TTY", letter="t"),
    Flag("detach", "", letter="d", supported=False),
    Flag("env", "", Kind.LIST, "e", supported=False),
    Flag("privileged", "", supported=False),
    Flag("user", "", Kind.TEXT, "u", supported=False),
    Flag("workdir", "", Kind.TEXT, "w", supported=False),
    DRY_RUN,
)
_TIMEOUT = Flag("timeout", "Specify a shutdown timeout in seconds", Kind.TEXT, "t")
_UP_FLAGS = (
    Flag("detach", "Detached mode: Run containers in the background", letter="d"),
    Flag("force-recreate", "Recreate containers even if their configuration and image haven't changed"),
    Flag("no-color", "Produce monochrome output"),
    Flag("no-deps", "Don't start linked services"),
    Flag("no-log-prefix", "Don't print prefix in logs"),
    Flag("no-recreate", "If containers already exist, don't recreate them. Incompatible with --force-recreate."),
    Flag("quiet-pull", "Pull without printing progress information"),
    Flag("remove-orphans", "Remove containers for services not defined in the Compose file"),
    Flag("wait", "Wait for services to be running|healthy. Implies detached mode."),
    _TIMEOUT,
    *(
        Flag(name, "", kind, supported=False)
        for name, kind in {
            "abort-on-container-exit": Kind.SWITCH,
            "abort-on-container-failure": Kind.SWITCH,
            "always-recreate-deps": Kind.SWITCH,
            "attach": Kind.LIST,
            "attach-dependencies": Kind.SWITCH,
            "build": Kind.SWITCH,
            "exit-code-from": Kind.TEXT,
            "no-attach": Kind.LIST,
            "no-start": Kind.SWITCH,
            "pull": Kind.TEXT,
            "scale": Kind.LIST,
            "timestamps": Kind.SWITCH,
            "wait-timeout": Kind.TEXT,
        }.items()
    ),
    Flag("watch", "", letter="w", supported=False),
    DRY_RUN,
)
_PS_FLAGS = (
    Flag("all", "Show all stopped containers", letter="a"),
    Flag("format", "Format output: 'table' (default) or 'json'", Kind.TEXT),
    Flag("no-trunc", "Don't truncate output"),
    Flag("quiet", "Only display IDs", letter="q"),
    Flag("services", "Display services"),
    Flag("filter", "", Kind.TEXT, supported=False),
    Flag("status", "", Kind.LIST, supported=False),
    DRY_RUN,
)
_CONFIG_FLAGS = (
    Flag("format", "Format the output. Values: [yaml | json]", Kind.TEXT),
    Flag("images", "Print the image names, one per line."),
    Flag("quiet", "Only validate the configuration, don't print anything", letter="q"),
    Flag("services", "Print the service names, one per line."),
    Flag("volumes", "Print the volume names, one per line."),
    DRY_RUN,
)
_DOWN_FLAGS = (
    Flag("remove-orphans", "Remove containers for services not defined in the Compose file"),
    Flag("volumes", "Remove named volumes declared in the file and anonymous ones", letter="v"),
    _TIMEOUT,
    Flag("rmi", "", Kind.TEXT, supported=False),
    DRY_RUN,
)
COMPOSE_FLAGS = (
    Flag("env-file", "Specify an alternate environment file", Kind.LIST),
    Flag("file", "Compose configuration files", Kind.LIST, "f"),
    Flag("project-directory", "Specify an alternate working directory", Kind.TEXT),
    Flag("project-name", "Project name", Kind.TEXT, "p"),
    Flag("ansi", 'Control when to print ANSI control characters ("never"|"always"|"auto")', Kind.TEXT),
    Flag("progress", "Set type of progress output (auto, tty, plain, json, quiet)", Kind.TEXT),
    Flag("profile", "", Kind.LIST, supported=False),
    Flag("all-resources", "", supported=False),
    Flag("compatibility", "", supported=False),
    DRY_RUN,
)
COMPOSE_COMMANDS = tuple(
    Command(f"compose {name}", usage, summary, module, function, minimum, maximum, flags, takes_words=name == "exec")
    for name, usage, summary, module, function, minimum, maximum, flags in (
        (
            "config",
            "[OPTIONS]",
            "Parse, resolve and render compose file in canonical format",
            "composing",
            "config",
            0,
            0,
            _CONFIG_FLAGS,
        ),
        ("down", "[OPTIONS]", "Stop and remove containers, networks", "composing", "down", 0, 0, _DOWN_FLAGS),
        (
            "exec",
            "[OPTIONS] SERVICE COMMAND [ARGS...]",
            "Execute a command in a running container",
            "composed",
            "execute",
            2,
            None,
            EXEC_FLAGS,
        ),
        ("logs", "[OPTIONS] [SERVICE...]", "View output from containers", "composed", "logs", 0, None, LOGS_FLAGS),
        ("ps", "[OPTIONS] [SERVICE...]", "List containers", "composed", "list_containers", 0, None, _PS_FLAGS),
        (
            "restart",
            "[OPTIONS] [SERVICE...]",
            "Restart service containers",
            "composing",
            "restart",
            0,
            None,
            (_TIMEOUT, DRY_RUN),
        ),
        ("start", "[SERVICE...]", "Start services", "composing", "start", 0, None, (DRY_RUN,)),
        ("stop", "[OPTIONS] [SERVICE...]", "Stop services", "composing", "stop", 0, None, (_TIMEOUT, DRY_RUN)),
        ("up", "[OPTIONS] [SERVICE...]", "Create and start containers", "composing", "up", 0, None, _UP_FLAGS),
        (
            "version",
            "[OPTIONS]",
            "Show the Docker Compose version information",
            "composing",
            "version",
            0,
            0,
            (Flag("short", "Shows only Compose's version number"),),
        ),
    )
)
_FOREIGN = """
    attach bridge build commit convert cp create events export images kill ls pause port publish pull push rm run scale
    stats top unpause volumes wait watch
"""
COMPOSE_FOREIGN = frozenset(_FOREIGN.split())
"""Compose's commands that ours does not have: refused by name."""
