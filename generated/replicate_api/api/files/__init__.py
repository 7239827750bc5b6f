"""Operations tagged files."""
