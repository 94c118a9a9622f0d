"""Garbage collection: a mark over values, a plan of what goes, then a sweep in an order that may be cut off anywhere.

It may run beside any number of processes that serve and push: decision record 9 says why nothing is lost. Where nobody
serves it is registry:2's: a blob that no manifest names yet is garbage.

What registry:2 gets wrong is right here: what a tagged index names stays, at any depth, and so do referrers of what
stays; layer links, stale uploads and temporary files go.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from pyregistry.drivers.interface import Driver, KeyUnknown
from pyregistry.store import inventory, paths
from pyregistry.store.locks import alone
from pyregistry.store.marking import Marking
from pyregistry.store.plan import Options, Plan
from pyregistry.store.sweep import Sweep
from pyregistry.store.terms import Terms

Emit = Callable[[str], None]


def collect(driver: Driver, options: Options, emit: Emit, *, dry_run: bool) -> Plan:
    """Find what nobody refers to and, unless it is a dry run, delete it.

    Args:
        driver: The store's.
        options: What counts as garbage.
        emit: Takes registry:2's lines, in its order, and ours after them.
        dry_run: Change nothing.

    Returns:
        What went, or would go.

    Raises:
        StoreInUse: Another one is at it.
        StoreUnknown: There is none.
    """
    with alone(driver):
        terms, plan = Terms(driver, options.used_since), Plan()
        for digest in inventory.contents(driver):
            terms.see(paths.blob_data(digest))
        for repository in inventory.repositories(driver):
            Marking(driver, repository, plan, terms, emit).mark(delete_untagged=options.delete_untagged)
        _plan_content(driver, plan, terms)
        _plan_remains(driver, options.stale_before, plan)
        _announce(plan, emit)
        if not dry_run:
            Sweep(driver, plan, terms, options.stale_before).run()
        return plan


def _plan_content(driver: Driver, plan: Plan, terms: Terms) -> None:
    """Put what nobody needs into the plan."""
    for digest in inventory.contents(driver):
        key = paths.blob_data(digest)
        if digest not in plan.marked and terms.is_unchanged(key):
            plan.blobs.append((digest, driver.stat(key).size))


def _plan_remains(driver: Driver, stale_before: datetime, plan: Plan) -> None:
    """Put what was begun and forgotten into the plan."""
    for repository, session in inventory.uploads(driver):
        size, last = inventory.upload(driver, repository, session)
        if last < stale_before:
            plan.uploads.append((repository, session, size))
    for key in driver.remnants(paths.ROOT):
        with suppress(KeyUnknown):
            found = driver.stat(key)
            if found.modified_at < stale_before:
                plan.temporaries.append((key, found.size))


def _announce(plan: Plan, emit: Emit) -> None:
    """registry:2's lines, then registry:3's, then ours."""
    emit(
        f"\n{len(plan.marked)} blobs marked, {len(plan.blobs)} blobs and {len(plan.manifests)} manifests eligible for "
        "deletion"
    )
    for digest, _ in plan.blobs:
        emit(f"blob eligible for deletion: {digest}")
    for repository, link in plan.layers:
        emit(f"{repository}: layer link eligible for deletion: {link.named}")
    for repository, session, _ in plan.uploads:
        emit(f"{repository}: upload eligible for deletion: {session}")
    for key, _ in plan.temporaries:
        emit(f"temporary file eligible for deletion: {key}")
