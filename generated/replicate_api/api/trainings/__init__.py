"""Operations tagged trainings."""
