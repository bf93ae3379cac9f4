"""Operations: who did what and why, idempotency keys, steps at a provider."""
