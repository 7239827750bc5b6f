"""Operations tagged models."""
