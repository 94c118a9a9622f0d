#!/bin/sh
# Machine b pulled; then the tags were moved to another build, which nobody has pulled.
. "$LAB_STEPS"

make_pat
log_in
build
tag
push
pull_on_machine_b

sources=$(copy_sources)
echo 'one more line' >>"$sources/greeting.txt"
build "$sources"
tag
push
