#!/bin/sh
# The image was pulled on the machine that pushed it, with the PAT that pushed it.
. "$LAB_STEPS"

make_pat
log_in
build
tag
push
docker rmi "$image:1.0" "$image:1" "$image:latest"
docker pull "$image:1.0"
