"""The image ``nginx``: nginx itself, as an ordinary process, with the student's own files.

The files are mapped word by word, each on its line: paths, ports and names of the container become this machine's, and
what the official image has built in is added. Then nginx tests them, and says what is wrong in its own words.

What is not as in a container:

- All clients come from 127.0.0.1; ``$server_addr``, ``$upstream_addr`` and ``$proxy_host`` show what is here.
- Workers run as the student, not as the user ``nginx``: a file that only the student can read is read.
- A redirect that nginx writes itself names the port of this machine where the container's is neither 80 nor 443.
- What nginx prints while it runs has this machine's paths.
- The version is the installed program's, whatever tag the image has.
"""

from labs.compose.nginx.planning import plan

__all__ = ["plan"]
