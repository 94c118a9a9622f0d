"""What goes on beside serving, put together from a configuration."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.client import HTTPConnection

import pytest

from pyregistry.config.settings import (
    DebugSettings,
    NotificationEndpoint,
    NotificationSettings,
    Settings,
    TcpAddress,
)
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.journal import NullJournal
from pyregistry.store.registry import open_store
from pyregistry.watch import Watch
from tests.fakes.forks import fork, join
from tests.fakes.prometheus import parse, value
from tests.fakes.pushes import an_image, push_image
from tests.fakes.sink import Sink, running_sink, wait_until
from tests.unit.pyregistry.api.harness import SETTINGS, settings
from tests.unit.pyregistry.notifications.events import MANIFEST_TYPE, pull, request

DEBUG = DebugSettings(TcpAddress("127.0.0.1", 0), "/metrics")
ADDRESS = "127.0.0.1:5000"


def told_to(sink: Sink, within: Settings = SETTINGS, *, references: bool = False) -> Settings:
    """Settings with one endpoint."""
    endpoint = NotificationEndpoint("sink", sink.url)
    return replace(within, notifications=NotificationSettings((endpoint,), include_references=references))


@contextmanager
def started(watch: Watch) -> Iterator[Watch]:
    """A watch while it goes on."""
    watch.start()
    try:
        yield watch
    finally:
        watch.stop()


def scrape(watch: Watch) -> float:
    """How many blobs were pulled, as Prometheus reads it."""
    assert watch._debug
    with closing(HTTPConnection("127.0.0.1", watch._debug.port, timeout=10)) as connection:
        connection.request("GET", "/metrics")
        families = parse(connection.getresponse().read().decode())
    return value(families, "registry_http_requests_total", code="200", handler="blob", method="get")


def test_a_registry_that_tells_nobody_feeds_nobody() -> None:
    """Its journal is the one that it was, at no cost."""
    driver = MemoryDriver()
    journal = NullJournal()
    assert Watch(SETTINGS, driver, open_store(driver), ADDRESS).fed(journal)[0] is journal


def test_events_are_told_and_counted_without_a_journal() -> None:
    """What remembers nothing passes everything on."""
    driver = MemoryDriver()
    with running_sink() as sink:
        configured = told_to(sink, settings(debug=DEBUG))
        with started(Watch(configured, driver, open_store(driver), ADDRESS)) as watch:
            journal, begun = watch.fed(NullJournal())
            begun()
            journal.append(pull())
            begun()
            journal.append_all([pull()])
            assert len(sink.wait_for(2)) == 2
            assert scrape(watch) == 2


def test_several_processes_are_one_registry() -> None:
    """Their requests are counted together, told in the order in which they came, and they lose health together."""
    driver = MemoryDriver()
    with running_sink() as sink:
        watch = Watch(told_to(sink, settings(debug=DEBUG)), driver, open_store(driver), ADDRESS, processes=2)

        def serve(process: int) -> None:
            journal, begun = watch.fed(NullJournal(), process)
            for number in range(50):
                begun()
                journal.append(replace(pull(), request_id=f"{process}-{number}"))
            wait_until(lambda: watch.health.is_failing)

        pids = [fork(lambda process=process: serve(process)) for process in range(2)]  # type: ignore[misc]
        with started(watch):
            ids = [event["request"]["id"] for event in sink.wait_for(100)]
            assert scrape(watch) == 100
            watch.health.take_down()
            assert [join(pid) for pid in pids] == [0, 0]
    for process in range(2):
        assert [one for one in ids if one.startswith(f"{process}-")] == [f"{process}-{number}" for number in range(50)]


def test_references_are_read_from_the_store() -> None:
    """Of a manifest that is there; one that is gone again is told without."""
    driver = MemoryDriver()
    store, image = open_store(driver), an_image()
    push_image(store, "acme/app", image)
    event = request("GET", "end-3", 200, reference="1.0", media_type=MANIFEST_TYPE)
    with running_sink() as sink, started(Watch(told_to(sink, references=True), driver, store, ADDRESS)) as watch:
        journal, _ = watch.fed(NullJournal())
        journal.append(replace(event, digest=str(image.digest)))
        journal.append(event)
        journal.append(replace(event, digest=str(image.digest), repository="acme/none"))
        there, *gone = sink.wait_for(3)
    assert len(there["target"]["references"]) == len(image.blobs)
    assert not [one for one in gone if "references" in one["target"]]


@pytest.mark.parametrize(
    ("address", "port"), [("127.0.0.1:5000", ":5000"), ("[::]:5000", ":5000"), ("/run/r.sock", "")]
)
def test_a_registry_names_itself_by_machine_and_port(address: str, port: str) -> None:
    """As registry:2 does; another instance after each start."""
    driver = MemoryDriver()
    sources = []
    with running_sink() as sink:
        for _ in range(2):
            with started(Watch(told_to(sink), driver, open_store(driver), address)) as watch:
                watch.fed(NullJournal())[0].append(pull())
        sources = [event["source"] for event in sink.wait_for(2)]
    assert all(source["addr"].removesuffix(port) for source in sources)
    assert all(source["addr"].endswith(port) and "/" not in source["addr"] for source in sources)
    assert sources[0]["instanceID"] != sources[1]["instanceID"]
