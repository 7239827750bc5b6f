"""The documentation site: what Zensical does not do by itself."""
