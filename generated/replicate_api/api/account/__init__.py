"""Operations tagged account."""
