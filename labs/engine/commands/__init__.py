"""The docker command line, one module a family of commands. ``cli`` dispatches; ``table`` says what there is.

table → flags (what was typed) → a family: account, building, transfer, images, inspecting, remote, system
console: where it is read and printed    machine: the engine home and all that hangs on it
"""
