"""Operations tagged collections."""
