"""Operations tagged deployments."""
