"""The commands of ``labstack``, one module each: ``configure`` names the arguments, ``run`` does it and says so."""
