#!/bin/sh
# The version only, without the wider names.
. "$LAB_STEPS"

make_pat
log_in
build
docker push "$image:1.0"
pull_on_machine_b
