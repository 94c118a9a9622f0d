#!/bin/sh
# The name was written with capitals. Docker refuses it before any request; a client that does not look asks, and is refused.
. "$LAB_STEPS"

make_pat
log_in
docker build -t "$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/App:1.0" . || echo 'refused by docker, as it should be'
PAT=$GHCR_PAT python - <<'PYTHON'
import json, os, ssl, urllib.error, urllib.request

home, user, token = (os.environ[name] for name in ("LAB_HOME", "LAB_USER", "PAT"))
with open(f"{home}/internet.json", encoding="utf-8") as file:
    internet = json.load(file)
trust = ssl.create_default_context(cafile=internet["ca"])
name = f"{os.environ['LAB_ORG']}/{os.environ['LAB_REPO']}/App"
url = f"https://{internet['names']['ghcr.io']}/v2/{name}/blobs/uploads/"
try:
    urllib.request.urlopen(urllib.request.Request(url, method="POST"), context=trust)
except urllib.error.HTTPError as refusal:
    print(f"POST {url}: {refusal.code}")
PYTHON
