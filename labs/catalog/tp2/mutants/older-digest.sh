#!/bin/sh
# The image was built and pushed again after signing: the tag's new digest has no signature.
. "$LAB_STEPS"

solve
sources=$(copy_sources)
echo 'one more line' >>"$sources/greeting.txt"
build "$sources"
push
look
