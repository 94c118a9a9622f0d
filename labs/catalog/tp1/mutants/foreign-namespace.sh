#!/bin/sh
# The image was named after an organisation that the student does not belong to.
. "$LAB_STEPS"

make_pat
log_in
foreign=$LAB_REGISTRY/grande-maison/$LAB_REPO/app:1.0
docker build -t "$foreign" .
docker push "$foreign" || echo 'refused by the registry, as it should be'
