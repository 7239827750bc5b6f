"""Operations tagged predictions."""
