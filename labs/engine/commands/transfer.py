"""``docker push`` and ``docker pull``."""

from dataclasses import replace

from labs.engine.commands.console import CommandFailed, daemon_refusal
from labs.engine.commands.flags import Options
from labs.engine.commands.machine import Machine
from labs.engine.layout import BlobMissing, ImageStore, ImageUnknown, PlatformMissing
from labs.engine.platforms import InvalidPlatform, fits, host_platform, parse_platform
from labs.engine.progress import Progress, choose_progress
from labs.engine.reference import DEFAULT_TAG, InvalidReference, Reference
from labs.engine.transport.client import Registry
from labs.engine.transport.faults import Refusal, RequestFailed, TransportError
from labs.engine.transport.pull import Puller
from labs.engine.transport.push import Pusher
from pyregistry.spec.descriptor import Descriptor, Platform
from pyregistry.spec.errors import ErrorCode
from pyregistry.spec.media_types import INDEX_TYPES

_WITH_ALL_TAGS = "tag can't be used with --all-tags/-a"


def push(machine: Machine, options: Options) -> None:
    """Send an image, or with ``--all-tags`` every tag of a repository."""
    reference = _parse(options)
    quiet = options.on("quiet")
    if not options.on("all-tags") and reference.tag is None:
        if reference.digest:
            raise CommandFailed("cannot push a digest reference")
        reference = replace(reference, tag=DEFAULT_TAG)
        _say_default_tag(machine, quiet=quiet)
    progress = choose_progress(machine.console.output, quiet=quiet)
    progress.message(f"The push refers to repository [{reference.repository}]")
    chosen = _local(machine.store, reference, all_tags=options.on("all-tags"))
    platform = _platform(options)
    registry = machine.registry(reference.domain)
    try:
        registry.connect()
    except TransportError as exc:
        raise CommandFailed(str(exc)) from exc
    for one in chosen:
        _push_one(machine, registry, one, platform, progress)
    if quiet:
        machine.console.say(str(reference))


def pull(machine: Machine, options: Options) -> None:
    """Bring an image, or with ``--all-tags`` every tag of a repository."""
    reference = _parse(options)
    quiet = options.on("quiet")
    platform = _platform(options)
    if not options.on("all-tags") and not reference.tag and not reference.digest:
        reference = replace(reference, tag=DEFAULT_TAG)
        _say_default_tag(machine, quiet=quiet)
    progress = choose_progress(machine.console.output, quiet=quiet)
    _pull_all(machine, reference, platform, progress)
    machine.console.say(str(reference))


def bring(machine: Machine, reference: Reference, platform: Platform, progress: Progress) -> Descriptor:
    """Pull one image for another command, e.g. a build's base.

    Raises:
        TransportError: It could not be brought.
    """
    puller = Puller(machine.registry(reference.domain), machine.store, machine.origins, progress)
    return puller.pull(reference, platform).descriptor


def send(machine: Machine, reference: Reference, descriptor: Descriptor, progress: Progress) -> None:
    """Push one image of the store for another command, e.g. what a build has made.

    Raises:
        TransportError: It could not be sent.
    """
    registry = machine.registry(reference.domain)
    registry.connect()
    try:
        Pusher(registry, machine.store, machine.origins, progress).push(reference, descriptor)
    except RequestFailed as exc:
        raise exc.cause if isinstance(exc.cause, TransportError) else exc from exc


def _parse(options: Options) -> Reference:
    try:
        reference = Reference.parse(options.arguments[0], default_tag=None)
    except InvalidReference as exc:
        raise CommandFailed(str(exc)) from exc
    if options.on("all-tags") and (reference.tag or reference.digest):
        raise CommandFailed(_WITH_ALL_TAGS)
    return reference


def _say_default_tag(machine: Machine, *, quiet: bool) -> None:
    if not quiet:
        machine.console.say(f"Using default tag: {DEFAULT_TAG}")


def _platform(options: Options) -> Platform | None:
    text = options.text("platform")
    try:
        return parse_platform(text) if text else None
    except InvalidPlatform as exc:
        raise daemon_refusal(exc) from exc


# --- push ---


def _local(store: ImageStore, reference: Reference, *, all_tags: bool) -> list[Reference]:
    """The names to push, all of them here.

    Raises:
        CommandFailed: There is none.
    """
    names = {name for image in store.images() for name in image.references if name.tag}
    same = sorted((name for name in names if name.repository == reference.repository), key=lambda name: str(name.tag))
    chosen = same if all_tags else [name for name in same if name.tag == reference.tag]
    if not chosen:
        raise CommandFailed(
            f"An image does not exist locally with the tag: {reference.familiar_repository}",
        )
    return chosen


def _push_one(
    machine: Machine, registry: Registry, reference: Reference, platform: Platform | None, progress: Progress
) -> None:
    whole = machine.store.resolve(reference)
    try:
        descriptor = _pushable(machine.store, whole, platform)
        Pusher(registry, machine.store, machine.origins, progress).push(reference, descriptor)
    except PlatformMissing as exc:
        raise CommandFailed(f"image with reference {reference.familiar()} was found but does not match: {exc}") from exc
    except BlobMissing as exc:
        raise CommandFailed(f"content digest {exc.digest}: not found") from exc
    except RequestFailed as exc:
        raise CommandFailed(str(exc.cause if isinstance(exc.cause, TransportError) else exc)) from exc
    except TransportError as exc:
        raise CommandFailed(str(exc)) from exc
    if descriptor.digest != whole.digest and platform is None:
        machine.console.say()
        machine.console.say(
            "Info → Not all multiplatform-content is present and only the available single-platform image was pushed"
        )
        machine.console.say(f"         {whole.digest} -> {descriptor.digest}")


def _pushable(store: ImageStore, whole: Descriptor, platform: Platform | None) -> Descriptor:
    """An index goes whole when all of it is here and no platform is asked for; else the one image."""
    if whole.media_type not in INDEX_TYPES:
        return whole
    if platform is None and all(store.has(child.digest) for child in store.children(whole)):
        return whole
    return store.select(whole, platform or host_platform())


# --- pull ---


def _pull_all(machine: Machine, reference: Reference, platform: Platform | None, progress: Progress) -> None:
    """One image, or every tag of a repository; then whether anything was new."""
    puller = Puller(machine.registry(reference.domain), machine.store, machine.origins, progress)
    try:
        tags = [] if reference.tag or reference.digest else puller.tags(reference)
        wanted = [replace(reference, tag=tag) for tag in tags] or [reference]
        pulled = [puller.pull(one, platform) for one in wanted]
    except Refusal as exc:
        raise daemon_refusal(_pull_refusal(reference, exc)) from exc
    except (TransportError, ImageUnknown) as exc:
        raise daemon_refusal(exc) from exc
    is_new = not all(one.was_known for one in pulled)
    news = "Downloaded newer image for" if is_new else "Image is up to date for"
    progress.message(f"Status: {news} {reference.familiar()}")
    for one in pulled:
        _warn_of_platform(machine, reference, one.descriptor, platform, progress)


def _pull_refusal(reference: Reference, refusal: Refusal) -> str:
    """Docker says more about three refusals of a pull, when the registry's own text says more than the code."""
    texts = {
        ErrorCode.DENIED: (
            f"pull access denied for {reference.familiar_repository}, "
            "repository does not exist or may require 'docker login'"
        ),
        ErrorCode.MANIFEST_UNKNOWN: f"manifest for {reference.familiar()} not found",
        ErrorCode.NAME_UNKNOWN: f"repository {reference.familiar_repository} not found",
    }
    entry = refusal.entries[0]
    return f"{texts[entry.code]}: {entry}" if entry.message and entry.code in texts else str(refusal)


def _warn_of_platform(
    machine: Machine, reference: Reference, descriptor: Descriptor, platform: Platform | None, progress: Progress
) -> None:
    """An image that is not an index comes whatever platform was asked for; Docker says so afterwards."""
    if platform is None or descriptor.media_type in INDEX_TYPES:
        return
    config = machine.store.config(descriptor)
    actual = Platform(str(config.get("architecture")), str(config.get("os")), config.get("variant"))
    if not fits(actual, platform):
        progress.message(
            f"WARNING: image with reference {reference.familiar()} was found but its platform ({actual}) "
            f"does not match the specified platform ({platform})"
        )
