"""Operations tagged hardware."""
