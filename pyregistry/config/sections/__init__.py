"""The sections of the configuration, each read into its settings; one module each, as registry:2 documents them."""
