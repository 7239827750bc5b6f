"""One job from request to result: create, wait or stream, and cancel what the caller stopped waiting for."""
