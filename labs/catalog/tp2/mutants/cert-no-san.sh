#!/bin/sh
# The certificate names nobody: no subject alternative name, and an organisation as its subject.
. "$LAB_STEPS"

solve
certify '/O=Atelier' ''
restart_proxy
