"""Operations tagged search."""
