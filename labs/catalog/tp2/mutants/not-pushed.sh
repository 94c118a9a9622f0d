#!/bin/sh
# Built and logged in, and then forgotten.
. "$LAB_STEPS"

prepare
launch
build
make_keys
sleep 1 # what nginx's first second holds proves nothing, and on a quick machine all that was in it
log_in "$LAB_REGISTRY"
