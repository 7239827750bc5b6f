"""A model as a function: `client.use`."""
