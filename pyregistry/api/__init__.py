"""The only async code: a request is matched, authorized, handled, answered and remembered. Stores stay synchronous."""
