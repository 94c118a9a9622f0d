#!/bin/sh
# Pushed and signed, and never pulled again.
. "$LAB_STEPS"

prepare
launch
build
push
make_keys
sign
verify
