"""Every command: what it takes, and where it is. Data only, so that the first line comes quickly."""

from dataclasses import replace

from labs.engine.commands.compose_table import EXEC_FLAGS, LOGS_FLAGS
from labs.engine.commands.flags import Command, Flag, Kind

_FORMAT = Flag("format", "Format output using a custom template: 'json', or a Go template", Kind.TEXT, "f")
_PLATFORM = Flag("platform", "Set platform if server is multi-platform capable", Kind.TEXT)
_QUIET = Flag("quiet", "Suppress verbose output", letter="q")
_CONTENT_TRUST = Flag("disable-content-trust", "Skip image verification (default true)")

_BUILDER = Flag("builder", "Override the configured builder instance", Kind.TEXT)

_LOGIN_FLAGS = (
    Flag("password", "Password or Personal Access Token (PAT)", Kind.TEXT, "p"),
    Flag("password-stdin", "Take the Password or Personal Access Token (PAT) from stdin"),
    Flag("username", "Username", Kind.TEXT, "u"),
)
_BUILD_FLAGS = (
    Flag("build-arg", "Set build-time variables", Kind.LIST),
    _BUILDER,
    Flag("file", 'Name of the Dockerfile (default: "PATH/Dockerfile")', Kind.TEXT, "f"),
    Flag("iidfile", "Write the image ID to a file", Kind.TEXT),
    Flag("label", "Set metadata for an image", Kind.LIST),
    Flag("load", 'Shorthand for "--output=type=docker"'),
    Flag("no-cache", "Do not use cache when building the image"),
    Flag("platform", "Set target platform for build", Kind.LIST),
    Flag("progress", 'Set type of progress output ("auto", "none", "plain", "quiet")', Kind.TEXT),
    Flag("provenance", "None is made: only =false", Kind.TEXT),
    Flag("push", 'Shorthand for "--output=type=registry"'),
    Flag("quiet", "Suppress the build output and print image ID on success", letter="q"),
    Flag("sbom", "None is made: only =false", Kind.TEXT),
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
            "cache-from": Kind.LIST,
            "cache-to": Kind.LIST,
            "call": Kind.TEXT,
            "check": Kind.SWITCH,
            "metadata-file": Kind.TEXT,
            "network": Kind.TEXT,
            "no-cache-filter": Kind.LIST,
            "pull": Kind.SWITCH,
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

_RUN_FLAGS = (
    Flag("detach", "Run container in background and print container ID", letter="d"),
    Flag("env", "Set environment variables", Kind.LIST, "e"),
    Flag("env-file", "Read in a file of environment variables", Kind.LIST),
    Flag("interactive", "Keep STDIN open even if not attached", letter="i"),
    Flag("name", "Assign a name to the container", Kind.TEXT),
    Flag("publish", "Publish a container's port(s) to the host", Kind.LIST, "p"),
    Flag("restart", "Restart policy to apply when a container exits", Kind.TEXT),
    Flag("rm", "Automatically remove the container and its associated anonymous volumes when it exits"),
    Flag("tty", "Allocate a pseudo-TTY", letter="t"),
    Flag("volume", "Bind mount a volume", Kind.LIST, "v"),
    *(
        Flag(name, "", kind, letter, supported=False)
        for name, kind, letter in (
            ("entrypoint", Kind.TEXT, ""),
            ("hostname", Kind.TEXT, "h"),
            ("label", Kind.LIST, "l"),
            ("mount", Kind.LIST, ""),
            ("network", Kind.LIST, ""),
            ("platform", Kind.TEXT, ""),
            ("privileged", Kind.SWITCH, ""),
            ("publish-all", Kind.SWITCH, "P"),
            ("pull", Kind.TEXT, ""),
            ("user", Kind.TEXT, "u"),
            ("workdir", Kind.TEXT, "w"),
        )
    ),
)
_PS_FLAGS = (
    Flag("all", "Show all containers (default shows just running)", letter="a"),
    Flag("no-trunc", "Don't truncate output"),
    Flag("quiet", "Only display container IDs", letter="q"),
    Flag("filter", "", Kind.FILTER, "f", supported=False),
    Flag("format", "", Kind.TEXT, supported=False),
    Flag("last", "", Kind.TEXT, "n", supported=False),
    Flag("latest", "", letter="l", supported=False),
    Flag("size", "", letter="s", supported=False),
)
_CONTAINER_TIMEOUT = Flag("time", "Seconds to wait before killing the container", Kind.TEXT, "t")

_BUILDX = tuple(
    Command(f"buildx {name}", usage, summary, module, function, minimum, maximum, flags, spoken=f"buildx {name}")
    for name, usage, summary, module, function, minimum, maximum, flags in (
        (
            "create",
            "[OPTIONS] [CONTEXT|ENDPOINT]",
            "Create a new builder instance",
            "builders",
            "create",
            0,
            1,
            (
                Flag("bootstrap", "Boot builder after creation"),
                Flag("driver", 'Driver to use (available: "docker-container")', Kind.TEXT),
                Flag("name", "Builder instance name", Kind.TEXT),
                Flag("use", "Set the current builder instance"),
                *(Flag(name, "", supported=False) for name in ("append", "leave")),
                *(
                    Flag(name, "", Kind.LIST, supported=False)
                    for name in ("buildkitd-config", "buildkitd-flags", "driver-opt", "node", "platform")
                ),
            ),
        ),
        (
            "imagetools inspect",
            "[OPTIONS] NAME",
            "Show details of an image in the registry",
            "imagetools",
            "inspect",
            1,
            1,
            (
                _BUILDER,
                Flag("raw", "Show original, unformatted JSON manifest"),
                Flag("format", "", Kind.TEXT, supported=False),
            ),
        ),
        (
            "inspect",
            "[NAME]",
            "Inspect current builder instance",
            "builders",
            "inspect",
            0,
            1,
            (Flag("bootstrap", "Ensure builder has booted before inspecting"), _BUILDER),
        ),
        (
            "ls",
            "",
            "List builder instances",
            "builders",
            "list_builders",
            0,
            0,
            (Flag("no-trunc", "Don't truncate output"), Flag("format", "", Kind.TEXT, supported=False)),
        ),
        (
            "rm",
            "[OPTIONS] [NAME...]",
            "Remove one or more builder instances",
            "builders",
            "remove",
            0,
            None,
            (
                _BUILDER,
                Flag("force", "Do not prompt for confirmation", letter="f"),
                *(Flag(name, "", supported=False) for name in ("all-inactive", "keep-daemon", "keep-state")),
            ),
        ),
        (
            "use",
            "[OPTIONS] NAME",
            "Set the current builder instance",
            "builders",
            "use",
            0,
            1,
            (_BUILDER, *(Flag(name, "", supported=False) for name in ("default", "global"))),
        ),
    )
)

COMMANDS: tuple[Command, ...] = (
    *(
        variant
        for name, usage, summary, function, minimum, maximum, flags in (
            (
                "run",
                "[OPTIONS] IMAGE [COMMAND] [ARG...]",
                "Create and run a new container from an image",
                "run",
                1,
                None,
                _RUN_FLAGS,
            ),
            (
                "exec",
                "[OPTIONS] CONTAINER COMMAND [ARG...]",
                "Execute a command in a running container",
                "execute",
                2,
                None,
                EXEC_FLAGS,
            ),
            ("ps", "[OPTIONS]", "List containers", "list_containers", 0, 0, _PS_FLAGS),
            ("logs", "[OPTIONS] CONTAINER", "Fetch the logs of a container", "logs", 1, 1, LOGS_FLAGS),
            (
                "restart",
                "[OPTIONS] CONTAINER [CONTAINER...]",
                "Restart one or more containers",
                "restart",
                1,
                None,
                (_CONTAINER_TIMEOUT,),
            ),
            (
                "rm",
                "[OPTIONS] CONTAINER [CONTAINER...]",
                "Remove one or more containers",
                "remove",
                1,
                None,
                (
                    Flag("force", "Force the removal of a running container", letter="f"),
                    Flag("volumes", "Remove anonymous volumes associated with the container", letter="v"),
                ),
            ),
            (
                "start",
                "[OPTIONS] CONTAINER [CONTAINER...]",
                "Start one or more stopped containers",
                "start",
                1,
                None,
                (),
            ),
            (
                "stop",
                "[OPTIONS] CONTAINER [CONTAINER...]",
                "Stop one or more running containers",
                "stop",
                1,
                None,
                (_CONTAINER_TIMEOUT,),
            ),
        )
        for variant in _also(
            Command(
                name, usage, summary, "running", function, minimum, maximum, flags, takes_words=name in {"run", "exec"}
            ),
            "container ls" if name == "ps" else f"container {name}",
        )
    ),
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
    *_BUILDX,
    *_also(
        Command("info", "[OPTIONS]", "Display system-wide information", "system", "info", 0, 0, (_FORMAT,)),
        "system info",
    ),
    Command("version", "[OPTIONS]", "Show the Docker version information", "system", "version", 0, 0, (_FORMAT,)),
)

FAMILIES = {
    "container": "Manage containers",
    "image": "Manage images",
    "manifest": "Manage Docker image manifests and manifest lists",
    "system": "Manage Docker",
    "builder": "Manage builds",
    "buildx": "Docker Buildx",
}

FOREIGN = frozenset(
    {
        *("attach", "checkpoint", "commit", "config", "context", "cp", "create", "diff"),
        *(
            "events",
            "export",
            "history",
            "import",
            "kill",
            "load",
            "network",
            "node",
            "pause",
            "plugin",
        ),
        *("port", "rename", "save", "scout", "search", "secret", "service", "stack"),
        *("stats", "swarm", "top", "trust", "unpause", "update", "volume", "wait"),
        *(
            f"container {name}"
            for name in (
                *("attach", "commit", "cp", "create", "diff", "export", "inspect", "kill", "pause", "port", "prune"),
                *("rename", "stats", "top", "unpause", "update", "wait"),
            )
        ),
        *("image history", "image import", "image load", "image prune", "image save"),
        *("manifest annotate", "manifest create", "manifest push", "manifest rm"),
        *("system df", "system events", "system prune", "builder prune"),
        *("buildx bake", "buildx du", "buildx history", "buildx imagetools", "buildx prune", "buildx stop"),
        "buildx version",
    }
)
"""Docker's commands that ours does not have: refused by name."""
