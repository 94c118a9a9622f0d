#!/bin/sh
# Pushed and pulled as it should be; then the registry's disk loses the layer.
. "$LAB_STEPS"

make_pat
log_in
build
tag
push
pull_on_machine_b

store=$LAB_REGISTRY_ROOT/docker/registry/v2
for link in "$store/repositories/$LAB_ORG/$LAB_REPO/app/_layers/sha256"/*/link; do
    hex=$(sed 's/^sha256://' "$link")
    blob=$store/blobs/sha256/$(printf %.2s "$hex")/$hex/data
    # Configs and attestations are JSON; what does not begin with a brace is a layer.
    if [ "$(head -c 1 "$blob")" != '{' ]; then
        rm "$blob"
        exit 0
    fi
done
echo 'no layer found' >&2
exit 1
