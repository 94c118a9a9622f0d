"""The subcommands of ``pyregistry``, one module each: ``configure`` names its arguments, ``run`` gives an exit code."""
