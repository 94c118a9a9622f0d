"""The tree of objects behind a name, read from a registry and drawn: tag → index → manifests → config and layers."""
