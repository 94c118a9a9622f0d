"""Who may do what: scopes, challenges, tokens, access controllers. Synchronous, no HTTP framework in sight."""
