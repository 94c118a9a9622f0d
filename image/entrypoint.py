#!/usr/bin/env python3
"""What the container starts, with the words that registry:2's entrypoint takes.

    CONFIG.yml           registry serve CONFIG.yml
    a program's name     that program: registry, sh …
    anything else        registry and those words: serve, garbage-collect, help, --version …

Not a shell script: dash and busybox drop variables whose names are no shell names, and with them
``REGISTRY_HTTP_HEADERS_Access-Control-Allow-Origin``.
"""

import os
import shutil
import sys

words = sys.argv[1:]
if words and words[0].endswith((".yml", ".yaml")):
    words = ["registry", "serve", *words]
elif not words or shutil.which(words[0]) is None:
    words = ["registry", *words]
os.execvp(words[0], words)  # noqa: S606  what to run is the container's own command
