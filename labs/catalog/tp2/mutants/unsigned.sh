#!/bin/sh
# Pushed and pulled; the signature was forgotten.
. "$LAB_STEPS"

prepare
launch
build
push
make_keys
look
