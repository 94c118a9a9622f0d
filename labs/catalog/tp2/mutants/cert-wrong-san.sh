#!/bin/sh
# The certificate is for another registry.
. "$LAB_STEPS"

solve
certify '/CN=registry.example.org' 'DNS:registry.example.org'
restart_proxy
