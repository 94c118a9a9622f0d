# pyregistry in place of registry:2: docs/replacing-registry-2.md. Build from a checkout: docker build -t pyregistry .
# Any Python from 3.11 on, with pip.
ARG BASE=python:3.13-slim
FROM ${BASE}

# Health checks of compose files call wget, which registry:2's Alpine has and a slim Debian has not.
RUN command -v wget || { \
      apt-get -q update && apt-get -qy install --no-install-recommends busybox && rm -r /var/lib/apt/lists/* \
      && ln -s busybox /bin/wget; \
    }

COPY requirements/registry.lock /opt/pyregistry/
RUN ["python3", "-m", "pip", "install", "--no-cache-dir", "--disable-pip-version-check", "--root-user-action=ignore", \
     "--require-hashes", "--requirement", "/opt/pyregistry/registry.lock"]

COPY pyregistry /opt/pyregistry/pyregistry
ENV PYTHONPATH=/opt/pyregistry PYTHONDONTWRITEBYTECODE=1
RUN ["python3", "-m", "compileall", "-q", "/opt/pyregistry"]

# The places of registry:2, for `docker exec … registry …`, `entrypoint: /entrypoint.sh` and mounted configurations.
COPY image/registry.py /bin/registry
COPY image/entrypoint.py /entrypoint.sh
COPY image/config.yml /etc/docker/registry/config.yml

# As root, like registry:2: volumes and folders that it filled belong to root, and a folder that Docker makes for a bind
# mount does too. `user:` in a compose file, or `docker run --user`, is honoured where the store belongs to that user.
VOLUME ["/var/lib/registry"]
EXPOSE 5000
ENTRYPOINT ["/entrypoint.sh"]
CMD ["/etc/docker/registry/config.yml"]
