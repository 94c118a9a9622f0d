"""registry:2's notifications: pulls, pushes, mounts and deletes told to the endpoints of ``notifications.endpoints``.

Fed by the journal's events. Delivery has threads of its own: no request ever waits for an endpoint.
"""
