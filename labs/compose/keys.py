"""Which keys the Compose Specification has, so that a slip of the pen is told from what only Docker does. Data."""

_FILE = "version name include services models networks volumes secrets configs"
_SERVICE = """
    annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs container_name cpu_count
    cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset credential_spec depends_on
    deploy develop device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint env_file environment expose
    extends external_links extra_hosts gpus group_add healthcheck hostname image init ipc isolation label_file labels
    links logging mac_address mem_limit mem_reservation mem_swappiness memswap_limit models network_mode networks
    oom_kill_disable oom_score_adj pid pids_limit platform ports post_start pre_stop privileged profiles provider
    pull_policy pull_refresh_after read_only restart runtime scale secrets security_opt shm_size stdin_open
    stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user userns_mode uts volumes
    volumes_from working_dir
"""
_ATTACHMENT = """
    aliases interface_name ipv4_address ipv6_address link_local_ips mac_address driver_opts gw_priority priority
"""
_NETWORK = "name driver driver_opts ipam external internal enable_ipv4 enable_ipv6 attachable labels"

FILE = frozenset(_FILE.split())
SERVICE = frozenset(_SERVICE.split())
DEPENDENCY = frozenset(("condition", "required", "restart"))
ENV_FILE = frozenset(("path", "format", "required"))
PORT = frozenset(("name", "mode", "host_ip", "target", "published", "protocol", "app_protocol"))
MOUNT = frozenset(("type", "source", "target", "read_only", "consistency", "bind", "volume", "tmpfs", "image"))
BIND = frozenset(("propagation", "create_host_path", "recursive", "selinux"))
ATTACHMENT = frozenset(_ATTACHMENT.split())
NETWORK = frozenset(_NETWORK.split())
VOLUME = frozenset(("name", "driver", "driver_opts", "external", "labels"))
