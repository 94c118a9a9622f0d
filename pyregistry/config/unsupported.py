"""Keys that registry:2 and registry:3 know and we do not honour, each with the reason.

``REFUSED`` would change what the registry does or promises, so a file that sets them is not started.
That holds for a key whose settings are read already, too: whoever makes it work takes it off the list.
``WITHOUT_EFFECT`` are tunings and notices: the file starts, and the key is named in a warning.
"""

from collections.abc import Mapping
from types import MappingProxyType

_OBJECT_STORE = "only filesystem and inmemory storage are"
_METADATA_CACHE = "there is no metadata cache to tune"

REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "storage.s3": _OBJECT_STORE,
        "storage.azure": _OBJECT_STORE,
        "storage.gcs": _OBJECT_STORE,
        "storage.swift": _OBJECT_STORE,
        "storage.oss": _OBJECT_STORE,
        "middleware": "storage and repository middleware is not loaded",
        "proxy": "pull-through caching is not built yet",
        "policy": "repository classes are not checked",
        "log.hooks": "no mail is sent",
        "http.tls.letsencrypt": "bring a certificate and a key",
        "http.tls.ciphersuites": "OpenSSL's defaults for the minimum version apply",
        "validation.manifests.indexes": "an index is always checked whole",
    }
)

WITHOUT_EFFECT: Mapping[str, str] = MappingProxyType(
    {
        "loglevel": "deprecated by registry:2; use log.level",
        "log.reportcaller": "log lines name no source lines",
        "storage.cache": _METADATA_CACHE,
        "storage.redirect": "blobs are always served by the registry itself",
        "storage.tag": "tags are read one by one",
        "storage.filesystem.maxthreads": "the server's threads are the limit",
        "redis": _METADATA_CACHE,
        "reporting": "no crash reports are sent",
        "compatibility": "schema 1 manifests are not served",
        "http.http2": "the server speaks HTTP/1.1 only",
        "http.h2c": "the server speaks HTTP/1.1 only",
        "tags": "tag lists are paged as the client asks",
    }
)
