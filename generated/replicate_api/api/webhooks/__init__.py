"""Operations tagged webhooks."""
