"""Users, password files, access tokens and their scopes: who exists and what they hold. No HTTP, no registry."""
