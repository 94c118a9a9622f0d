#!/bin/sh
# Everything was made ready, and the push forgotten.
. "$LAB_STEPS"

make_pat
log_in
build
tag
