#!/bin/sh
# The registry's own port is published, too: past nginx, and past its password.
. "$LAB_STEPS"

prepare
change compose.yaml 's/^    image: registry:2$/&\
    ports: ["5000:5000"]/'
launch
publish
