#!/bin/sh
# Built and logged in, and then forgotten.
. "$LAB_STEPS"

prepare
launch
build
make_keys
