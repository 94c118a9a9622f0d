#!/bin/sh
# The Dockerfile is another student's: the exercise number in it is theirs.
. "$LAB_STEPS"

make_pat
log_in
sources=$(copy_sources)
sed "s/$LAB_NONCE/0123456789abcdef/" Dockerfile >"$sources/Dockerfile"
build "$sources"
tag
push
pull_on_machine_b
