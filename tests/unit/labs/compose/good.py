"""What ``docker compose config`` of Docker Compose 2.40 prints of good files, as it was seen."""

from tests.fakes.chapter import COMPOSE

GOOD = {
    "the chapter's": (
        COMPOSE,
        """\
name: tp2
services:
  nginx:
    depends_on:
      registry:
        condition: service_started
        required: true
    image: nginx:1.25
    networks:
      net: null
    ports:
      - mode: ingress
        target: 80
        published: "80"
        protocol: tcp
      - mode: ingress
        target: 443
        published: "443"
        protocol: tcp
    volumes:
      - type: bind
        source: {folder}/nginx/conf.d
        target: /etc/nginx/conf.d
        read_only: true
        bind:
          create_host_path: true
      - type: bind
        source: {folder}/certs
        target: /etc/nginx/certs
        read_only: true
        bind:
          create_host_path: true
      - type: bind
        source: {folder}/auth
        target: /etc/nginx/auth
        read_only: true
        bind:
          create_host_path: true
  registry:
    environment:
      REGISTRY_HTTP_ADDR: :5000
      REGISTRY_HTTP_HEADERS_Access-Control-Allow-Origin: '["*"]'
      REGISTRY_STORAGE_DELETE_ENABLED: "true"
      REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: /var/lib/registry
    image: registry:2
    networks:
      net: null
    volumes:
      - type: bind
        source: {folder}/registry
        target: /var/lib/registry
        bind:
          create_host_path: true
networks:
  net:
    name: tp2_net
""",
    ),
    "the long syntaxes": (
        """\
services:
  nginx:
    image: nginx
    container_name: web
    restart: always
    command: nginx -g 'daemon off;'
    depends_on: {registry: {condition: service_started}}
    volumes: ["data:/x", "./a:/b:ro", {type: bind, source: ../k, target: /z, read_only: true}]
    ports: [{target: 80, published: "8080"}, "127.0.0.1:8000-8001:9000-9001", "[::1]:70:70", "443"]
  registry:
    image: registry
    volumes: ["data:/y"]
volumes: {data: }
""",
        """\
name: tp2
services:
  nginx:
    command:
      - nginx
      - -g
      - daemon off;
    container_name: web
    depends_on:
      registry:
        condition: service_started
        required: true
    image: nginx
    networks:
      default: null
    ports:
      - mode: ingress
        target: 80
        published: "8080"
        protocol: tcp
      - mode: ingress
        host_ip: 127.0.0.1
        target: 9000
        published: "8000"
        protocol: tcp
      - mode: ingress
        host_ip: 127.0.0.1
        target: 9001
        published: "8001"
        protocol: tcp
      - mode: ingress
        host_ip: ::1
        target: 70
        published: "70"
        protocol: tcp
      - mode: ingress
        target: 443
        protocol: tcp
    restart: always
    volumes:
      - type: volume
        source: data
        target: /x
        volume: {}
      - type: bind
        source: {folder}/a
        target: /b
        read_only: true
        bind:
          create_host_path: true
      - type: bind
        source: {above}/k
        target: /z
        read_only: true
  registry:
    image: registry
    networks:
      default: null
    volumes:
      - type: volume
        source: data
        target: /y
        volume: {}
networks:
  default:
    name: tp2_default
volumes:
  data:
    name: tp2_data
""",
    ),
    "variables": (
        """\
services:
  nginx:
    image: nginx
    environment: ["A=${X:-d}", "B=${Y-}", "C=$$A", "D=${X:-${Z:-deep}}", "E=", "F=${HOME:+set}", "G=$HOME"]
""",
        """\
name: tp2
services:
  nginx:
    environment:
      A: d
      B: ""
      C: $$A
      D: deep
      E: ""
      F: set
      G: /root
    image: nginx
    networks:
      default: null
networks:
  default:
    name: tp2_default
""",
    ),
    "plain values": (
        """\
services:
  nginx:
    image: nginx
    environment: {A: yes, B: true, C: 0x10, D: 1.5, E: 1, F: on, G: "two words"}
""",
        """\
name: tp2
services:
  nginx:
    environment:
      A: "yes"
      B: "true"
      C: "16"
      D: "1.5"
      E: "1"
      F: "on"
      G: two words
    image: nginx
    networks:
      default: null
networks:
  default:
    name: tp2_default
""",
    ),
    "an anchor": (
        """\
x-a: &a
  image: nginx
  restart: always
services:
  nginx:
    <<: *a
    ports: ["80:80"]
""",
        """\
name: tp2
services:
  nginx:
    image: nginx
    networks:
      default: null
    ports:
      - mode: ingress
        target: 80
        published: "80"
        protocol: tcp
    restart: always
networks:
  default:
    name: tp2_default
""",
    ),
    "a name": (
        """\
name: Foo.Bar
services:
  nginx:
    image: nginx
""",
        """\
name: foobar
services:
  nginx:
    image: nginx
    networks:
      default: null
networks:
  default:
    name: foobar_default
""",
    ),
    "nothing but a name": (
        """\
name: x
""",
        """\
name: x
services: {}
""",
    ),
}
"""By what is in it: the file, and what is printed. ``{folder}`` is its folder, ``{above}`` the one above."""
