"""What the grader and the lab's internet are told of a project: its record, made from its containers."""

import contextlib
from dataclasses import replace

from labs.compose import containers, images
from labs.compose.containers import Container
from labs.compose.layout import ProjectFolder
from labs.compose.model import ComposeError, Issue, Project
from labs.compose.record import FILE_NAME, ProjectRecord, PublishedPort, RecordUnreadable, ServiceRecord


def record(folder: ProjectFolder, project: Project | None = None, refusal: ComposeError | None = None) -> None:
    """Write the record; without ``project``, of what was recorded before."""
    before = recorded(folder)
    if project is None and before is None:
        return
    found = containers.load_all(folder)
    ProjectRecord(
        name=folder.name,
        folder=str(project.folder) if project else before.folder if before else "",
        file=str(project.file) if project else before.file if before else "",
        up=bool(found),
        services=tuple(_service(container) for container in found.values()),
        refusal=tuple(_told(issue, project) for issue in refusal.issues) if refusal else (),
    ).save(folder.engine)


def forget_refusals(folder: ProjectFolder, project: Project) -> None:
    """Drop what a project of the same folder was refused for under another name: by now all is up."""
    for path in folder.record.parent.parent.glob(f"*/{FILE_NAME}"):
        other = ProjectFolder(folder.engine, path.parent.name)
        known = recorded(other)
        if known is None or other == folder or not known.refusal or known.folder != str(project.folder):
            continue
        if known.services:
            replace(known, refusal=()).save(folder.engine)
        else:  # nothing else was ever written of it
            path.unlink()
            other.lock.unlink(missing_ok=True)
            path.parent.rmdir()


def recorded(folder: ProjectFolder) -> ProjectRecord | None:
    """What was recorded; a damaged record is as good as none, and the next one takes its place."""
    with contextlib.suppress(RecordUnreadable):
        return ProjectRecord.load(folder.engine, folder.name)
    return None


def published(container: Container) -> tuple[PublishedPort, ...]:
    """Which port of the machine stands for which of the container; a free one that we chose stands for itself."""
    rows = [(row.host, row.container, container.ports[row.container]) for row in container.service.ports]
    return tuple(PublishedPort(host or here, inside, here) for host, inside, here in rows)


def _told(issue: Issue | str, project: Project | None) -> str:
    """A mistake in one row, without our advice below it; its file as seen from the project's folder."""
    first, *below = str(issue).splitlines()
    text = " ".join((first, *(line.strip() for line in below[:1] if first.endswith(":"))))
    return text.replace(f"{project.folder}/", "") if project else text


def _service(container: Container) -> ServiceRecord:
    service, plan = container.service, container.plan
    return ServiceRecord(
        name=service.name,
        image=service.image,
        kind=images.kind(service.image) or "",
        published=published(container),
        environment=dict(service.environment),
        mounts={str(mount.target): str(mount.source) for mount in service.mounts},
        output=str(container.process.log),
        access_logs=tuple(map(str, plan.access_logs)),
        journal=str(plan.journal) if plan.journal else None,
        password_files=tuple(map(str, plan.password_files)),
        certificates=tuple(map(str, plan.certificates)),
        keys=tuple(map(str, plan.keys)),
        pid=container.pid(),
        configuration=plan.configuration,
    )
