#!/bin/sh
# The PAT can only read packages: the login works, the push does not.
. "$LAB_STEPS"

make_pat read:packages
log_in
build
tag
push || echo 'refused by the registry, as it should be'
