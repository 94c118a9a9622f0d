"""Every command: what it takes, and where it is. Data only, so that the first line comes quickly."""

from dataclasses import replace

from labs.engine.commands.flags import Command, Flag, Kind

_FORMAT = Flag("format", "Format output using a custom template: 'json', or a Go template", Kind.TEXT, "f")
_PLATFORM = Flag("platform", "Set platform if server is multi-platform capable", Kind.TEXT)
_QUIET = Flag("quiet", "Suppress verbose output", letter="q")
_CONTENT_TRUST = Flag("disable-content-trust", "Skip image verification (default true)")

_LOGIN_FLAGS = (
    Flag("password", "Password or Personal Access Token (PAT)", Kind.TEXT, "p"),
    Flag("password-stdin", "Take the Password or Personal Access Token (PAT) from stdin"),
    Flag("username", "Username", Kind.TEXT, "u"),
)
_BUILD_FLAGS = (
    Flag("build-arg", "Set build-time variables", Kind.LIST),
    Flag("file", 'Name of the Dockerfile (default: "PATH/Dockerfile")', Kind.TEXT, "f"),
    Flag("iidfile", "Write the image ID to a file", Kind.TEXT),
    Flag("label", "Set metadata for an image", Kind.LIST),
    Flag("load", 'Shorthand for "--output=type=docker"'),
    Flag("no-cache", "Do not use cache when building the image"),
    Flag("platform", "Set target platform for build", Kind.LIST),
    Flag("progress", 'Set type of progress output ("auto", "none", "plain", "quiet")', Kind.TEXT),
    Flag("quiet", "Suppress the build output and print image ID on success", letter="q"),
    Flag("tag", 'Image identifier (format: "[registry/]repository[:tag]")', Kind.LIST, "t"),
    Flag("target", "Set the target build stage to build", Kind.TEXT),
    *(
        Flag(name, "", kind, supported=False)
        for name, kind in {
            "add-host": Kind.LIST,
            "allow": Kind.LIST,
            "annotation": Kind.LIST,
            "attest": Kind.LIST,
            "build-context": Kind.LIST,
            "builder": Kind.TEXT,
            "cache-from": Kind.LIST,
            "cache-to": Kind.LIST,
            "call": Kind.TEXT,
            "check": Kind.SWITCH,
            "metadata-file": Kind.TEXT,
            "network": Kind.TEXT,
            "no-cache-filter": Kind.LIST,
            "provenance": Kind.TEXT,
            "pull": Kind.SWITCH,
            "push": Kind.SWITCH,
            "sbom": Kind.TEXT,
            "secret": Kind.LIST,
            "shm-size": Kind.TEXT,
            "ssh": Kind.LIST,
            "ulimit": Kind.LIST,
        }.items()
    ),
    Flag("output", "", Kind.LIST, "o", supported=False),
)
_PUSH_FLAGS = (
    Flag("all-tags", "Push all tags of an image to the repository", letter="a"),
    _CONTENT_TRUST,
    Flag("platform", "Push a platform-specific manifest as a single-platform image to the registry", Kind.TEXT),
    _QUIET,
)
_PULL_FLAGS = (
    Flag("all-tags", "Download all tagged images in the repository", letter="a"),
    _CONTENT_TRUST,
    _PLATFORM,
    _QUIET,
)
_IMAGES_FLAGS = (
    Flag("all", "Show all images (default hides intermediate images)", letter="a"),
    Flag("digests", "Show digests"),
    Flag("filter", "Filter output based on conditions provided", Kind.FILTER, "f"),
    Flag("format", "Format output: 'table', 'table TEMPLATE', 'json' or a Go template", Kind.TEXT),
    Flag("no-trunc", "Don't truncate output"),
    Flag("quiet", "Only show image IDs", letter="q"),
    Flag("tree", "", supported=False),
)
_REMOVE_FLAGS = (
    Flag("force", "Force removal of the image", letter="f"),
    Flag("no-prune", "", supported=False),
    Flag("platform", "", Kind.LIST, supported=False),
)
_IMAGE_INSPECT_FLAGS = (
    _FORMAT,
    Flag("platform", "Inspect a specific platform of the multi-platform image", Kind.TEXT),
)
_INSPECT_FLAGS = (
    _FORMAT,
    Flag("size", "Display total file sizes if the type is container", letter="s"),
    Flag("type", "Only inspect objects of the given type", Kind.TEXT),
)
_MANIFEST_FLAGS = (
    Flag("insecure", "Allow communication with an insecure registry"),
    Flag("verbose", "Output additional info including layers and platform", letter="v"),
)


def _also(command: Command, *names: str) -> tuple[Command, ...]:
    """A command under further names, as Docker has most of them both short and in their family."""
    known = (*names, command.name)
    return tuple(replace(command, name=name, aliases=known) for name in known)


_BUILD = Command(
    "build",
    "[OPTIONS] PATH | URL | -",
    "Build an image from a Dockerfile",
    "building",
    "build",
    1,
    1,
    _BUILD_FLAGS,
    spoken="buildx build",
)
_TAG = Command(
    "tag",
    "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
    "images",
    "tag",
    2,
    2,
)
_PUSH = Command("push", "[OPTIONS] NAME[:TAG]", "Upload an image to a registry", "transfer", "push", 1, 1, _PUSH_FLAGS)
_PULL = Command(
    "pull", "[OPTIONS] NAME[:TAG|@DIGEST]", "Download an image from a registry", "transfer", "pull", 1, 1, _PULL_FLAGS
)
_IMAGES = Command("images", "[OPTIONS] [REPOSITORY[:TAG]]", "List images", "images", "list_images", 0, 1, _IMAGES_FLAGS)
_REMOVE = Command(
    "rmi", "[OPTIONS] IMAGE [IMAGE...]", "Remove one or more images", "images", "remove", 1, None, _REMOVE_FLAGS
)
_INSPECT = Command(
    "inspect",
    "[OPTIONS] NAME|ID [NAME|ID...]",
    "Return low-level information on Docker objects",
    "inspecting",
    "inspect",
    1,
    None,
    _INSPECT_FLAGS,
)
_IMAGE_INSPECT = Command(
    "image inspect",
    "[OPTIONS] IMAGE [IMAGE...]",
    "Display detailed information on one or more images",
    "inspecting",
    "inspect_image",
    1,
    None,
    _IMAGE_INSPECT_FLAGS,
)
_MANIFEST_INSPECT = Command(
    "manifest inspect",
    "[OPTIONS] [MANIFEST_LIST] MANIFEST",
    "Display an image manifest, or manifest list",
    "remote",
    "inspect_manifest",
    1,
    2,
    _MANIFEST_FLAGS,
)

_COMPOSE_TIMEOUT = Flag("timeout", "Specify a shutdown timeout in seconds", Kind.TEXT, "t")
_DRY_RUN = Flag("dry-run", "", supported=False)
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
    _COMPOSE_TIMEOUT,
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
    _DRY_RUN,
)
_LOGS_FLAGS = (
    Flag("follow", "Follow log output", letter="f"),
    Flag("no-color", "Produce monochrome output"),
    Flag("no-log-prefix", "Don't print prefix in logs"),
    Flag("tail", 'Number of lines to show from the end of the logs for each container (default "all")', Kind.TEXT, "n"),
    Flag("since", "", Kind.TEXT, supported=False),
    Flag("timestamps", "", letter="t", supported=False),
    Flag("until", "", Kind.TEXT, supported=False),
    _DRY_RUN,
)
_COMPOSE_PS_FLAGS = (
    Flag("all", "Show all stopped containers", letter="a"),
    Flag("format", "Format output: 'table' (default) or 'json'", Kind.TEXT),
    Flag("no-trunc", "Don't truncate output"),
    Flag("quiet", "Only display IDs", letter="q"),
    Flag("services", "Display services"),
    Flag("filter", "", Kind.TEXT, supported=False),
    Flag("status", "", Kind.LIST, supported=False),
    _DRY_RUN,
)
_EXEC_FLAGS = (
    Flag("no-tty", "Disable pseudo-TTY allocation", letter="T"),
    Flag("interactive", "Keep STDIN open even if not attached", letter="i"),
    Flag("tty", "Allocate a pseudo-TTY", letter="t"),
    Flag("detach", "", letter="d", supported=False),
    Flag("env", "", Kind.LIST, "e", supported=False),
    Flag("privileged", "", supported=False),
    Flag("user", "", Kind.TEXT, "u", supported=False),
    Flag("workdir", "", Kind.TEXT, "w", supported=False),
    _DRY_RUN,
)
_CONFIG_FLAGS = (
    Flag("format", "Format the output. Values: [yaml | json]", Kind.TEXT),
    Flag("images", "Print the image names, one per line."),
    Flag("quiet", "Only validate the configuration, don't print anything", letter="q"),
    Flag("services", "Print the service names, one per line."),
    Flag("volumes", "Print the volume names, one per line."),
    _DRY_RUN,
)
_DOWN_FLAGS = (
    Flag("remove-orphans", "Remove containers for services not defined in the Compose file"),
    Flag("volumes", "Remove named volumes declared in the file and anonymous ones", letter="v"),
    _COMPOSE_TIMEOUT,
    Flag("rmi", "", Kind.TEXT, supported=False),
    _DRY_RUN,
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
    _DRY_RUN,
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
            _EXEC_FLAGS,
        ),
        ("logs", "[OPTIONS] [SERVICE...]", "View output from containers", "composed", "logs", 0, None, _LOGS_FLAGS),
        ("ps", "[OPTIONS] [SERVICE...]", "List containers", "composed", "list_containers", 0, None, _COMPOSE_PS_FLAGS),
        (
            "restart",
            "[OPTIONS] [SERVICE...]",
            "Restart service containers",
            "composing",
            "restart",
            0,
            None,
            (_COMPOSE_TIMEOUT, _DRY_RUN),
        ),
        ("start", "[SERVICE...]", "Start services", "composing", "start", 0, None, (_DRY_RUN,)),
        ("stop", "[OPTIONS] [SERVICE...]", "Stop services", "composing", "stop", 0, None, (_COMPOSE_TIMEOUT, _DRY_RUN)),
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
_COMPOSE_FOREIGN = """
    attach bridge build commit convert cp create events export images kill ls pause port publish pull push rm run scale
    stats top unpause volumes wait watch
"""
COMPOSE_FOREIGN = frozenset(_COMPOSE_FOREIGN.split())
"""Compose's commands that ours does not have: refused by name."""

COMMANDS: tuple[Command, ...] = (
    Command(
        "compose",
        "[OPTIONS] COMMAND",
        "Define and run multi-container applications with Docker",
        "composing",
        "compose",
        has_commands=True,
    ),
    Command("login", "[OPTIONS] [SERVER]", "Authenticate to a registry", "account", "login", 0, 1, _LOGIN_FLAGS),
    Command("logout", "[SERVER]", "Log out from a registry", "account", "logout", 0, 1),
    *_also(_BUILD, "image build", "buildx build", "builder build"),
    *_also(_TAG, "image tag"),
    *_also(_PUSH, "image push"),
    *_also(_PULL, "image pull"),
    *_also(_IMAGES, "image ls", "image list"),
    *_also(_REMOVE, "image rm", "image remove"),
    _INSPECT,
    _IMAGE_INSPECT,
    _MANIFEST_INSPECT,
    *_also(
        Command("info", "[OPTIONS]", "Display system-wide information", "system", "info", 0, 0, (_FORMAT,)),
        "system info",
    ),
    Command("version", "[OPTIONS]", "Show the Docker version information", "system", "version", 0, 0, (_FORMAT,)),
)

FAMILIES = {
    "image": "Manage images",
    "manifest": "Manage Docker image manifests and manifest lists",
    "system": "Manage Docker",
    "builder": "Manage builds",
    "buildx": "Docker Buildx",
}

FOREIGN = frozenset(
    {
        *("attach", "checkpoint", "commit", "config", "container", "context", "cp", "create", "diff"),
        *(
            "events",
            "exec",
            "export",
            "history",
            "import",
            "kill",
            "load",
            "logs",
            "network",
            "node",
            "pause",
            "plugin",
        ),
        *("port", "ps", "rename", "restart", "rm", "run", "save", "scout", "search", "secret", "service", "stack"),
        *("start", "stats", "stop", "swarm", "top", "trust", "unpause", "update", "volume", "wait"),
        *("image history", "image import", "image load", "image prune", "image save"),
        *("manifest annotate", "manifest create", "manifest push", "manifest rm"),
        *("system df", "system events", "system prune", "builder prune"),
        *("buildx bake", "buildx create", "buildx du", "buildx imagetools", "buildx inspect", "buildx ls"),
        *("buildx prune", "buildx rm", "buildx stop", "buildx use", "buildx version"),
    }
)
"""Docker's commands that ours does not have: refused by name."""
