#!/bin/sh
# The label with the exercise number was deleted from the Dockerfile.
. "$LAB_STEPS"

make_pat
log_in
sources=$(copy_sources)
grep -v lab.registry.nonce Dockerfile >"$sources/Dockerfile"
build "$sources"
tag
push
pull_on_machine_b
