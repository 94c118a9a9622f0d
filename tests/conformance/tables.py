"""Every endpoint's table, by the endpoint's id."""

from collections.abc import Mapping

from tests.conformance import blobs, listings, manifests, uploads
from tests.conformance.steps import Row

TABLES: Mapping[str, tuple[Row, ...]] = {
    "catalog": listings.CATALOG,
    "end-1": listings.END_1,
    "end-2": blobs.END_2,
    "end-3": manifests.END_3,
    "end-4": uploads.END_4,
    "end-5": uploads.END_5,
    "end-6": uploads.END_6,
    "end-7": manifests.END_7,
    "end-8": listings.END_8,
    "end-9": manifests.END_9,
    "end-10": blobs.END_10,
    "end-12": listings.END_12,
    "end-13": uploads.END_13,
    "end-14": uploads.END_14,
}
