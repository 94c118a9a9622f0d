"""The second server (``http.debug``), for those who look after the registry: health, metrics, variables, collection.

It speaks plain HTTP, knows no accounts and listens on loopback unless the configuration says otherwise.
"""
