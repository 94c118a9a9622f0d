#!/bin/sh
# Signed in another repository, and the signature copied: what was signed speaks of the other one.
. "$LAB_STEPS"

prepare
launch
build
push
make_keys
other=$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/other
docker tag "$image:1.0" "$other:1.0"
docker push "$other:1.0"
docker rmi "$other:1.0"
sign "$other:1.0"
python - "$other:1.0" "$image:1.0" <<'PYTHON'
import os, sys

from labs.engine.commands.console import Console
from labs.engine.commands.flags import Options
from labs.signing.attachment import Kind
from labs.signing.commands.desk import Desk

desk = Desk(Console(), os.environ, Options(texts={"registry-cacert": "certs/ca.crt"}))
source, target = map(desk.image, sys.argv[1:])
digest = source.digest()
for signature in source.remote.fetch_tagged(digest, Kind.SIGNATURE):
    target.remote.push_layers(digest, Kind.SIGNATURE, [signature.descriptor], signature.content)
PYTHON
look
